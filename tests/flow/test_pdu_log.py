"""The PDU log of a running platform: every dialect, both directions, one number only, its limits;
and in two processes, over the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.pdu_desk import PduDesk
from assent.cli import app
from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow.requests import Caller, PduLogRequest
from tests.flow.conftest import CARRIERS, PROMPT, Platform, number, numbers, running
from tests.flow.installation import Installation
from tests.flow.test_customer_links import CODE, CODES, LOGINS, serving
from tests.flow.test_dialects import dialects, states
from tests.flow.test_links import OPERATOR


def operator(platform: Platform) -> Caller:
    account = platform.node.catalogue.operator
    assert account is not None
    return Caller(account.id, frozenset({"links"}), False, 7)


async def seen(platform: Platform) -> list[dict[str, Any]]:
    """Everything that the log has, page by page."""
    desk = PduDesk(platform.node)
    items: list[dict[str, Any]] = []
    page: dict[str, Any] = {"cursor": 0, "more": True}
    while page["more"]:
        page = await desk.show(operator(platform), page["cursor"], 7)
        items += page["items"]
    return items


async def on(platform: Platform, link: str, **more: Any) -> dict[str, Any]:
    desk = PduDesk(platform.node)
    answer = await desk.on(operator(platform), PduLogRequest(link=link, **more))

    def tapped() -> bool:
        watch = platform.node.pdus._watch
        return watch is not None and watch["id"] == answer["log"]

    await platform.until(tapped, "it is looked at")
    return answer


def off(platform: Platform) -> bool:
    pools = platform.node.pools.values()
    return not any(
        link._connection.tap for pool in pools for link in pool.links if link._connection
    )


async def test_both_directions_of_every_dialect_are_seen(migrated_url: str, tmp_path: Path) -> None:
    words = {
        "mobile": {"submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"},
        "unicom": {"Submit", "Submit_Resp", "Report", "Report_Resp"},
        "telecom": {"Submit", "Submit_Resp", "Deliver", "Deliver_Resp"},
    }
    async with dialects(migrated_url, tmp_path, PROMPT) as one:
        everybody = numbers(60)
        await one.consent(everybody)
        for place, carrier in enumerate(CARRIERS):
            await on(one, carrier)
            people = [person for person in everybody if person.startswith(CARRIERS[carrier])]
            await one.send(people[:20])

            async def all_of_it(carrier: str = carrier) -> bool:
                found = {item["command"] for item in await seen(one)}
                return {word.lower() for word in words[carrier]} <= {w.lower() for w in found}

            await one.until(all_of_it, f"all of {carrier}")
            items = await seen(one)
            told = json.dumps(items, ensure_ascii=False, default=str)
            assert not [person for person in people if person in told]
            assert "夏装" not in told
            assert "****" in told
            assert {item["link"].split("-")[0] for item in items} == {carrier}
            assert not [item for item in items if item["fault"]]
            inbound = [item for item in items if item["link"].endswith(" inbound")]
            assert bool(inbound) is (carrier == "unicom")
            assert place < 3
        stored = await one.sql("SELECT body::text AS body FROM pdu_seen")
        assert not [row for row in stored for person in everybody if person in row["body"]]
        await PduDesk(one.node).off(operator(one))
        await one.until(lambda: off(one), "no connection is looked at")


async def test_one_number_is_followed_and_stands_nowhere(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path) as one:
        people = numbers(60)
        await one.consent(people)
        chosen = number("mobile", 30)
        assert chosen in people
        await on(one, "mobile", number=f"+86 {chosen}")
        await one.send(people)

        async def whole() -> bool:
            return len(await seen(one)) >= 4

        await one.until(whole, "its PDUs")
        await asyncio.sleep(0.3)
        items = await seen(one)
        assert [item["command"] for item in items] == [
            "SUBMIT",
            "SUBMIT_RESP",
            "DELIVER",
            "DELIVER_RESP",
        ]
        assert chosen not in json.dumps(items, default=str)
        tables = await one.sql(
            "SELECT table_name AS name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_name IN ('pdu_watch', 'pdu_seen', 'staff_act')"
        )
        assert len(tables) == 3
        for row in tables:
            held = await one.sql(f"SELECT t::text AS line FROM {row['name']} t")
            assert held
            assert not [line for line in held if chosen in line["line"]]


async def test_it_ends_by_time_and_by_size(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path) as one:
        people = numbers(90)
        await one.consent(people)
        desk = PduDesk(one.node)
        await on(one, "mobile-0", most=5)
        answer = await one.send(people)
        await one.until(lambda: off(one), "it is full")
        await one.until(states(one, answer, {"delivered": 90}), "nothing passes any more", 30.0)
        shown = await desk.show(operator(one), 0, 100)
        assert (shown["on"], shown["seen"], len(shown["items"])) == (False, 5, 5)
        await on(one, "unicom", seconds=0.5)
        await one.until(lambda: off(one), "its time is over")
        shown = await desk.show(operator(one), 0, 100)
        assert (shown["on"], shown["items"]) == (False, [])  # a new log forgets the old
        acts = await one.sql("SELECT what, subject FROM staff_act ORDER BY id")
        assert [tuple(act) for act in acts] == [("pdulog.on", "mobile-0"), ("pdulog.on", "unicom")]


async def test_who_and_what_is_checked(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path) as one:
        desk = PduDesk(one.node)
        assert (await desk.show(operator(one), 0, 10))["on"] is False
        with pytest.raises(NotFound):
            await desk.on(operator(one), PduLogRequest(link="nowhere"))
        with pytest.raises(InvalidInput, match="phone number"):
            await desk.on(operator(one), PduLogRequest(link="mobile", number="somebody"))
        for ask in (
            desk.on(one.caller(), PduLogRequest(link="mobile")),
            desk.off(one.caller()),
            desk.show(one.caller(), 0, 10),
        ):
            with pytest.raises(NotAllowed):
                await ask
        assert off(one)


@pytest.mark.parametrize("dialect", ["cmpp", "smpp"])
async def test_a_customers_own_software_is_seen(
    migrated_url: str, tmp_path: Path, dialect: str
) -> None:
    async with serving(migrated_url, tmp_path) as one:
        link = await one.bind(dialect, LOGINS[dialect])
        await on(one, LOGINS[dialect])
        person = number("mobile", 1)
        one.submit(link, person, CODE, CODES)

        async def whole() -> bool:
            found = {item["command"].lower().removesuffix("_sm") for item in await seen(one)}
            return len({word for word in found if word.startswith(("submit", "deliver"))}) >= 4

        await one.until(whole, "the submit, its answer, the receipt and its answer")
        told = json.dumps(await seen(one), ensure_ascii=False, default=str)
        assert person not in told
        assert "482913" not in told
        assert "139****0001" in told
        await PduDesk(one.node).off(operator(one))


async def test_two_processes_show_one_log(engine_root: Path, tmp_path: Path) -> None:
    one = Installation(engine_root / f"pdus-{tmp_path.name[-24:]}", tmp_path)
    try:
        await one.prepare(PROMPT, None, 1)
        async with one.engine():
            await one.file({"accounts": [OPERATOR]})
            await one.sql(
                "UPDATE api_key SET digest = sha256('ak_duty'::bytea) WHERE scopes = '{links}'"
            )
        await one.serve()
        await one.until(one.is_up, "it is up", 60.0)
        runner = CliRunner(
            env={"ASSENT_URL": f"http://127.0.0.1:{one.http}", "ASSENT_KEY": "ak_duty"}
        )

        async def run(*words: str, code: int = 0, typed: str = "") -> str:
            result = await asyncio.to_thread(runner.invoke, app, list(words), typed)
            assert result.exit_code == code, (result.output, result.exception)
            return result.stdout

        person = number("mobile", 1)
        await run("pdulog", "on", "--link", "mobile", "--for", "soon", code=3)
        limits = ("--for", "2m", "--most", "50")
        await run("pdulog", "on", "--link", "mobile", "--number", "-", *limits, typed=person)
        await asyncio.sleep(1.0)
        async with one.client() as client:
            for purpose, template, variables in (
                ("verification", "code", {"code": "471147"}),
                ("notification", "notice", {"order": "A1"}),
            ):
                await client.send(
                    sender="CODE1",
                    purpose=purpose,
                    template=template,
                    messages=[
                        {"to": one_of, "variables": variables}
                        for one_of in (person, number("mobile", 2))
                    ],
                )

        async def both() -> bool:
            lines = (await run("pdulog", "show", "--json")).splitlines()
            links = {json.loads(line)["link"].split("-")[2] for line in lines}
            return links == {"front", "bulk"} and len(lines) == 8

        await one.until(both, "a code of one process and a notice of the other", 30.0)
        shown = await run("pdulog", "show")
        assert person not in shown
        assert "139****0001" in shown
        assert "471147" not in shown
        assert number("mobile", 2)[-4:] not in shown
        assert "SUBMIT_RESP" in shown
        assert json.loads(await run("pdulog", "off", "--json")) == {"ended": 1}
        assert "links" in await run("links", "list")
        assert json.loads(await run("links", "pause", "mobile-0", "--json"))["orders"]
        assert await one.terminate() == 0
    finally:
        await one.end()
