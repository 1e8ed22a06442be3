"""Restrictions over HTTP and the command line: staff impose and lift, the customer sees it before
sending; carriers' own lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assent.flow.needs import utc
from tests.flow.conftest import MARKETING_TEXT, numbers
from tests.flow.test_restrictions import WORDS, impose
from tests.web.test_ports_cli import Terminal
from tests.web.whole import Whole, whole

BOTH = ("--en", "too many complaints", "--zh", "投诉过多", "--reason", "case 7")


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


class Caller:
    """Calls as somebody with some scopes; a key each."""

    def __init__(self, site: Whole) -> None:
        self.site = site
        self.keys: dict[Any, str] = {}

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *scopes: str
    ) -> httpx.Response:
        if (who, scopes) not in self.keys:
            some = frozenset(scopes) if scopes else None
            self.keys[who, scopes] = await self.site.key(who, some)
        headers = {"authorization": f"Bearer {self.keys[who, scopes]}"}
        async with httpx.AsyncClient(base_url=self.site.url, headers=headers, timeout=60) as client:
            if isinstance(body, bytes):
                form = {"carrier": "mobile", "dated": "2026-11-22"}
                return await client.post(path, data=form, files={"file": ("list.csv", body)})
            return await client.request(method, path, json=body)


async def test_the_customer_sees_it_before_sending(site: Whole) -> None:
    """What staff impose is told in the list, the dry run and the plan of a campaign, to whom it
    concerns and nobody else; who imposed it does not lift it."""
    call, people = Caller(site).call, numbers(3)
    await site.platform.consent(people)
    await site.platform.consent(people, 2)
    assert (await call("account1", "GET", "/v1/restrictions")).json()["items"] == []
    asked = {
        "effect": "reject", **WORDS, "reason": "case 7", "sender": "CODE1", "carrier": "mobile",
        "purposes": ["marketing"],
    }  # fmt: skip
    refused = await call("account1", "POST", "/v1/restrictions", asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    unclear = (
        {"sender": "NONE"}, {"province": "Atlantis"}, {"carrier": "none"}, {"port": "999"},
        {"category": "x"}, {"until": "2026-11-25T00:00:00"},
    )  # fmt: skip
    for wrong in unclear:
        answer = await call("operator", "POST", "/v1/restrictions", asked | wrong, "enforce")
        assert (answer.status_code, answer.json()["field"]) == (422, next(iter(wrong)))
    made = await call("operator", "POST", "/v1/restrictions", asked, "enforce")
    (one,) = made.json()["items"]
    known = site.platform.node.catalogue.chain.restricted
    await site.platform.until(lambda: known.seen >= int(one["id"]), "it is known")
    (seen,) = (await call("account1", "GET", "/v1/restrictions")).json()["items"]
    assert {name: seen[name] for name in ("id", "sender", "carrier", "effect", "en", "zh")} == {
        "id": one["id"], "sender": "CODE1", "carrier": "mobile", "effect": "reject", **WORDS,
    }  # fmt: skip
    path = f"/v1/restrictions/{one['id']}"
    assert (await call("account1", "GET", path)).json()["purposes"] == ["marketing"]
    assert (await call("account2", "GET", "/v1/restrictions")).json()["items"] == []
    assert (await call("account2", "GET", path)).status_code == 404
    order = {
        "sender": "CODE1", "purpose": "marketing", "text": MARKETING_TEXT,
        "messages": [{"to": to} for to in people],
    }  # fmt: skip
    dry = (await call("account1", "POST", "/v1/messages/dry-run", order)).json()
    assert dry["reasons"] == {"restricted": 1}
    assert [(told["id"], told["zh"]) for told in dry["restrictions"]] == [(one["id"], WORDS["zh"])]
    for sent in (people[:1], people[1:2]):
        single = order | {"messages": [{"to": to} for to in sent]}
        told = (await call("account1", "POST", "/v1/messages", single)).json()
        assert ("restrictions" in told) == (sent == people[:1])
    await lifting(site, call, path)
    await of_a_case(site, call)


async def lifting(site: Whole, call: Any, path: str) -> None:
    why = {"reason": "put right"}
    both = ("enforce", "second_enforce")
    assert (await call("operator", "POST", f"{path}/lift", why, "enforce")).status_code == 403
    other = await call("operator", "POST", "/v1/restrictions", {
        "effect": "hold", **WORDS, "reason": "x", "account": "account2"}, *both)  # fmt: skip
    own = f"/v1/restrictions/{other.json()['items'][0]['id']}/lift"
    same = await call("operator", "POST", own, why, *both)
    assert (same.status_code, same.json()["code"]) == (403, "same_person")
    lifted = await call("operator", "POST", f"{path}/lift", why, *both)
    assert lifted.json()["lifted_by"] == "staff"
    again = await call("operator", "POST", f"{path}/lift", why, *both)
    assert (again.status_code, again.json()["code"]) == (409, "restriction_over")
    assert (await call("account1", "GET", "/v1/restrictions")).json()["items"] == []
    (past,) = (await call("account1", "GET", "/v1/restrictions?past=true")).json()["items"]
    assert past["lifted_at"] is not None
    acts = await site.platform.sql("SELECT what FROM staff_act WHERE what LIKE 'restriction.%'")
    assert [row["what"] for row in acts] == [
        "restriction.impose", "restriction.impose", "restriction.lift",
    ]  # fmt: skip


async def of_a_case(site: Whole, call: Any) -> None:
    """What a case imposed is lifted in the case; a ceiling's tells staff what was counted."""
    await impose(site.platform, site_scope(site))
    newest = await site.platform.value("SELECT max(id) FROM restriction")
    await site.platform.sql("UPDATE restriction SET source = 'case', source_id = 7 WHERE id = $1",
                            newest)  # fmt: skip
    answer = await call(
        "operator", "POST", f"/v1/restrictions/{newest}/lift", {"reason": "x"}, "second_enforce"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "restriction_of_case")
    now = utc(site.platform.clock.now())
    finding = await site.platform.value(
        "INSERT INTO ceiling_finding (ceiling, key, from_hour, to_hour, messages, events, rate,"
        " bound, confidence, step, rulebook, at) VALUES ('complaints', 'sender=1', $1, $1, 9000,"
        " 18, 0.0003, 0.001, 0.999, 1, $2, $1) RETURNING id", now, bytes(32),
    )  # fmt: skip
    await site.platform.sql(
        "UPDATE restriction SET source = 'ceiling', source_id = $2 WHERE id = $1", newest, finding
    )
    path = f"/v1/restrictions/{newest}"
    assert (await call("operator", "GET", path)).json()["evidence"]["events"] == 18
    assert "evidence" not in (await call("account1", "GET", path)).json()


def site_scope(site: Whole) -> Any:
    from assent.flow.restrictions import Scope

    senders = site.platform.node.catalogue.senders.values()
    return Scope(sender_id=next(s.id for s in senders if s.credit_code == "CODE1"))


async def test_commands(site: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    at = Terminal(site)  # type: ignore[arg-type]  # what it needs of an office
    words = ("restriction", "impose", "defer", *BOTH, "--sender", "CODE2", "--province", "广东")
    assert (await at.run("operator", *words, code=3))["error"]["field"] == "until"
    end = ("--until", "2027-01-01T00:00:00+08:00", "--purpose", "marketing")
    (one,) = (await at.run("operator", *words, *end))["items"]
    assert one["province"] == {"en": "Guangdong", "zh": "广东"}
    (seen,) = (await at.run("account2", "restriction", "list"))["items"]
    assert seen["id"] == one["id"]
    assert (await at.run("account2", "restriction", "show", one["id"]))["zh"] == "投诉过多"
    lifted = await at.run("operator", "restriction", "lift", one["id"], "--reason", "put right")
    assert lifted["lifted_by"] == "staff"
    assert (await at.run("account2", "restriction", "list", "--past"))["items"][0]["lifted_at"]
    await lists(site, at, tmp_path)


async def lists(site: Whole, at: Any, tmp_path: Path) -> None:
    """A carrier's list binds marketing over that carrier; the next one takes its place."""
    people = [f"139000000{place:02d}" for place in range(4)]
    others = [f"130000000{place:02d}" for place in range(2)]
    await site.platform.consent([*people, *others])
    file = tmp_path / "blocked.csv"
    file.write_text("手机号\n" + "\n".join([*people[:2], others[0], "not a number", "106900021"]))
    words = ("restriction", "import", str(file), "--carrier", "mobile", "--dated")
    told = await at.run("operator", *words, "2026-11-20")
    assert (told["people"], told["ports"], told["refused"], told["new"]) == (3, 1, 1, True)
    assert [(row["row"], row["code"]) for row in told["faults"]] == [(5, "not_digits")]
    restricted = site.platform.node.catalogue.chain.restricted
    await site.platform.until(lambda: "mobile" in restricted.blocked, "the list is known")
    sent = await site.platform.send([*people, *others])
    # 130… is on the list of a carrier that does not serve it; customers are not told why.
    assert (sent["allowed"], sent["reasons"]) == (4, {"no_standing": 2})
    assert (await site.platform.send(people[:1], "verification"))["allowed"] == 1
    kept = await site.platform.value("SELECT reasons FROM submission ORDER BY id LIMIT 1")
    assert "carrier_blocked" in kept
    ports = "SELECT count(*) FROM restriction WHERE source = 'carrier' AND lifted_at IS NULL"
    assert await site.platform.value(ports) == 1
    assert (await at.run("operator", *words, "2026-11-20"))["new"] is False
    file.write_text("\n".join(people[2:]))
    error = await at.run("operator", *words, "2026-11-19", code=3)
    assert error["error"]["code"] == "block_file_old"
    assert (await at.run("operator", *words, "2026-11-21"))["people"] == 2
    assert await site.platform.value(ports) == 0
    await site.platform.until(lambda: len(restricted.blocked["mobile"]) == 2, "the new list is")
    file.write_text(people[0])
    more = await at.run("operator", *words, "2026-11-21", "--more")
    assert more["people"] == 1
    await site.platform.until(lambda: len(restricted.blocked["mobile"]) == 3, "more of it is")
    file.write_text("手机号\n12345")
    error = await at.run("operator", *words, "2026-11-22", code=3)
    assert error["error"]["code"] == "block_file_empty"
    wrong = (*words[:4], "nobody", "--dated", "2026-11-22")
    assert (await at.run("operator", *wrong, code=3))["error"]["field"] == "carrier"
    assert len((await at.run("operator", "restriction", "files"))["items"]) == 3
