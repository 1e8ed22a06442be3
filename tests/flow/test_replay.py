"""Replay: the same rules differ in nothing, a changed one exactly where it must."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.app.replaying import kept_rulebooks, replayed
from assent.errors import NotFound
from assent.flow import replay
from assent.flow import replay_together as together
from assent.flow.columns import U16, U32, U64, unpack
from assent.flow.examine import Scope
from assent.flow.needs import utc
from assent.flow.replay import PURPOSES
from assent.flow.replay_parts import Part
from assent.flow.replay_tally import rows
from assent.flow.requests import RefusalRequest
from assent.flow.settings_log import canonical
from assent.message import Purpose
from assent.policy.decide import decide
from assent.policy.rulebook import Rulebook
from assent.screen.finding import Severity
from tests.flow.conftest import Platform, numbers, running
from tests.flow.test_decisions import gather
from tests.flow.text_screens import Rule, WordScreens

LONG = "夏装上新，" + "全场八折，" * 30 + "客服电话400-820-1234。拒收请回复R"
HELD = "会员专享，贷款利率优惠。客服电话400-820-1234。拒收请回复R"
BARE = "夏装上新，全场八折。拒收请回复R"


class History:
    """A past of 106 decisions of eight orders."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.node = platform.node

    async def make(self) -> None:
        platform, people = self.platform, numbers(60)
        platform.node.screening.texts.use(WordScreens())
        await platform.consent(people[:50])
        request = RefusalRequest(sender="CODE1", to=people[:8], source="counter")
        await platform.node.refusals.refuse(platform.caller(), request, key=None, sha=b"")
        await platform.node.live.sync(platform.node.store)
        assert (await platform.send(people[8:18]))["allowed"] == 10
        await self._sent()
        # Everything at once: refused, capped, nobody asked, and one number twice.
        mixed = await platform.send([*people[:18], *people[50:], people[20], people[20]])
        assert mixed["reasons"] == {"no_standing": 18, "over_cap": 10, "duplicate": 1}
        assert mixed["allowed"] == 1
        assert (await platform.send(people[21:31], text=LONG))["allowed"] == 10
        # Of another sender: orders of which nothing is allowed, so that no text is kept.
        await platform.consent(people[36:40], place=2)
        held = await platform.send(people[36:40], text=HELD, place=2)
        bare = await platform.send(people[36:40], text=BARE, place=2)
        assert (held["reasons"], bare["reasons"]) == ({"text_held": 4}, {"contact_missing": 4})
        nobody = await platform.send(people[50:53], place=2)
        assert nobody["reasons"] == {"no_standing": 3}
        assert (await platform.send(people[:20], "verification"))["allowed"] == 20
        assert (await platform.send(people[:25], "notification"))["allowed"] == 25

    async def _sent(self) -> None:
        async def claimed() -> bool:
            return bool(
                await self.platform.value("SELECT count(*) FROM open_window") == 0
            ) and bool(await self.platform.value("SELECT count(*) FROM queue") == 0)

        await self.platform.until(claimed, "they were sent")

    async def replay(self, screens: WordScreens | None = None, **values: Any) -> dict[str, Any]:
        """Replay with a rulebook of which some values of the Chinese profile are others."""
        node, now = self.node, self.platform.clock.now()
        scope = Scope(utc(now - 86_400), utc(now + 86_400), values.pop("purposes", PURPOSES),
                      **values.pop("scope", {}))  # fmt: skip
        return await replayed(
            self.platform.settings, node.store, node.vault, node.clock, scope,
            self.rulebook(**values), screens,
        )  # fmt: skip

    def rulebook(self, **values: Any) -> Rulebook:
        document = json.loads(self.node.rulebook.canonical)
        if "ceilings" in values:
            document["ceilings"]["value"] = values.pop("ceilings")
        for name, value in values.items():
            for profile in document["profiles"].values():
                profile[name]["value"] = value
        return Rulebook.from_document(document)


@pytest.fixture
async def history(migrated_url: str, tmp_path: Path) -> AsyncIterator[History]:
    async with running(migrated_url, tmp_path) as platform:
        one = History(platform)
        await one.make()
        yield one


def changes(told: dict[str, Any]) -> dict[tuple[str, str | None, str, str | None], int]:
    """Return what differs: verdict and reason before and after → messages."""
    return {
        (row["from"]["verdict"], row["from"]["reason"], row["to"]["verdict"], row["to"]["reason"]):
        row["messages"]
        for row in told["reasons"]
    }  # fmt: skip


async def test_replays_of_a_day(history: History) -> None:
    """One history, many questions. (long: a paragraph a question)"""
    platform = history.platform
    people = await platform.value("SELECT sum(n)::int FROM submission WHERE purpose <> 5")
    # The same rulebook: everything that is kept comes out the same, nothing would differ.
    told = await history.replay()
    assert told["decisions"] == people == 106
    assert told["verified"]["differ"] == {}
    assert told["verified"]["not_kept"] == {"text": 11}, "of orders of which nothing was allowed"
    assert told["verified"]["same"] == people - 11
    assert told["changed"] == {"same": people, "stricter": 0, "laxer": 0, "unknown": 0}
    assert changes(told) == {}
    assert told["rulebooks_then"] == {history.node.rulebook.digest.hex(): people}
    # One segment only: the long texts, and of what has no text any more it is not known, unless it
    # was rejected anyway.
    told = await history.replay(most_segments=1)
    assert changes(told) == {
        ("allow", None, "reject", "too_long"): 10,
        ("hold", "text_held", "unknown", None): 4,
    }
    assert told["not_kept"] == {"text": 4}
    assert told["verified"]["differ"] == {}, "it is held against the rules of then"
    (row,) = [one for one in told["reasons"] if one["to"]["verdict"] == "reject"]
    long = await platform.value("SELECT id FROM batch WHERE content LIKE '%八折，全场%' LIMIT 1")
    assert f"message {long * 1024}" in row["examples"]
    by = {one["name"]: one for one in told["by"]["purpose"]}
    assert by == {"marketing": {"name": "marketing", "stricter": 10, "laxer": 0, "unknown": 4}}
    (verdict,) = [
        one for one in told["verdicts"] if (one["from"], one["to"]) == ("allow", "reject")
    ]
    assert (verdict["messages"], verdict["people"]) == (10, 10)
    table = list(csv.reader(io.StringIO("\n".join(",".join(row) for row in rows(told)))))
    assert ["reason", "", "allow", "", "reject", "too_long", "10"] in [one[:7] for one in table]
    # No contact is needed: whether the text of those had something else against it, nobody knows.
    told = await history.replay(contact_for=[])
    assert changes(told) == {
        ("hold", "text_held", "unknown", None): 4,
        ("reject", "contact_missing", "unknown", None): 4,
    }
    # An effect: caps hold instead of rejecting; then they are off.
    told = await history.replay(effects={"over_cap": "hold"})
    assert changes(told) == {("reject", "over_cap", "hold", "over_cap"): 10}
    told = await history.replay(effects={"over_cap": "off", "text_held": "off"})
    assert changes(told) == {
        ("reject", "over_cap", "allow", None): 10,
        ("hold", "text_held", "allow", None): 4,
    }
    assert told["changed"]["laxer"] == 14
    # A better proof: whoever stood by a document does not any more; two orders said nothing of it.
    told = await history.replay(min_grade={"marketing": "RECEIVER", "internal": "ASSERTION"})
    assert changes(told)["allow", None, "reject", "grade_too_low"] == 21
    assert changes(told)["reject", "over_cap", "reject", "grade_too_low"] == 10
    # Quiet hours: what was for at once would be for later, codes and notices as before.
    told = await history.replay(windows={"marketing": ["03:00", "04:00"]})
    assert changes(told)["allow", None, "defer", None] == 21
    assert {one["name"] for one in told["by"]["purpose"]} == {"marketing"}
    # Two a day instead of one: the ten would have been within.
    caps = json.loads(history.node.rulebook.canonical)["profiles"]["CN"]["caps"]["value"]
    more = [{**cap, "limit": 2} if cap["id"] == "marketing_day" else cap for cap in caps]
    told = await history.replay(caps=more)
    assert changes(told)["reject", "over_cap", "allow", None] == 10
    none = [{**cap, "limit": 0} if cap["id"] == "code_day" else cap for cap in caps]
    told = await history.replay(caps=none)
    assert changes(told) == {("allow", None, "reject", "over_cap"): 20}
    # Other words: notices of parcels are held; loans are fine.
    screens = WordScreens("2", more=(Rule("parcels", "已发货", "notice", Severity.HOLD),))
    screens.rules = tuple(rule for rule in screens.rules if rule.code != "loan_words")
    told = await history.replay(screens)
    assert changes(told) == {
        ("hold", "text_held", "allow", None): 4,
        ("allow", None, "hold", "text_held"): 25,
    }
    # Other ceilings: those of then and these, on what was counted.
    assert "ceilings" not in told
    told = await history.replay(ceilings=[])
    assert told["changed"]["same"] == people, "decisions do not read them"
    assert told["ceilings"]["tried"]["restrictions"] == 0
    # Only some, and nobody who is not there; who asked is written down.
    told = await history.replay(scope={"accounts": ("account2",)})
    assert told["decisions"] == 11
    with pytest.raises(NotFound):
        await history.replay(scope={"senders": ("NOBODY",)})
    acts = await platform.sql("SELECT after::text AS a FROM staff_act WHERE what = 'replay.run'")
    assert len(acts) == 12
    assert json.loads(acts[-1]["a"])["decisions"] == 11


async def test_it_says_what_decide_says_on_the_facts_of_then(history: History) -> None:
    """Every person's outcome under other rulebooks, against `decide` on facts gathered by other
    code (tests/flow/test_decisions.py)."""
    platform = history.platform
    for values in (
        {"min_grade": {"marketing": "RECEIVER", "internal": "ASSERTION"}},
        {"contact_for": [], "refusal_ways": ["nothing"]},
        {"effects": {"over_cap": "hold", "contact_missing": "hold"}, "most_segments": 2},
        {"windows": {"marketing": ["11:00", "12:00"]}},
    ):
        rulebook = history.rulebook(**values)
        expected: dict[str, int] = {}
        orders = await platform.sql(
            "SELECT * FROM submission WHERE purpose = 3 AND sender_id = 1 ORDER BY id"
        )
        for order in orders:
            batches = await platform.sql(
                "SELECT * FROM batch WHERE submission_id = $1", order["id"])  # fmt: skip
            who, recorded = await _people(platform, order, batches)
            facts, people, content = await gather(
                platform, order, batches[0], who, history.node.rulebook)  # fmt: skip
            again = decide(people, content, facts, rulebook)
            for verdict, late in zip(again.verdict.tolist(), again.defer_until, strict=True):
                label = ("allow", "hold", "reject")[verdict]
                label = "defer" if label == "allow" and late else label
                expected[label] = expected.get(label, 0) + 1
            assert len(recorded) == len(again.verdict)
        told = await history.replay(
            purposes=frozenset({Purpose.MARKETING}), scope={"senders": ("CODE1",)}, **values
        )
        found: dict[str, int] = {}
        for one in told["verdicts"]:
            found[one["to"]] = found.get(one["to"], 0) + one["messages"]
        assert found == expected, values


async def _people(
    platform: Platform, order: Any, batches: list[Any]
) -> tuple[np.ndarray[Any, Any], list[int]]:
    who: dict[int, tuple[int, int]] = {}
    for batch in batches:
        rows_, ids = unpack(batch["rows"], U32).tolist(), unpack(batch["people"], U32).tolist()
        who |= {row: (one, 0) for row, one in zip(rows_, ids, strict=True)}
    for row in await platform.sql("SELECT * FROM decision WHERE submission_id = $1", order["id"]):
        wanted = (("rows", U32), ("people", U32), ("findings", U64))
        columns = [unpack(row[name], width).tolist() for name, width in wanted]
        who |= {place: (one, mask) for place, one, mask in zip(*columns, strict=True)}
    ordered = [who[place] for place in sorted(who)]
    return np.array([one for one, _ in ordered], np.uint32), [mask for _, mask in ordered]


async def test_what_was_forged_or_is_not_kept_is_told(history: History) -> None:
    platform = history.platform
    # Somebody changed a stored reason: it does not follow from what was found.
    (row,) = await platform.sql(
        "SELECT d.submission_id AS id, d.reasons, d.findings FROM decision d"
        " JOIN batch b ON b.submission_id = d.submission_id"
    )
    reasons = unpack(row["reasons"], U16).copy()
    reasons[0] += 1
    await platform.sql("UPDATE decision SET reasons = $2 WHERE submission_id = $1", row["id"],
                       reasons.tobytes())  # fmt: skip
    told = await history.replay()
    assert told["verified"]["differ"] == {
        "precedence": {"decisions": 1, "examples": [f"order {row['id']} row 0"]}
    }
    # Somebody let a refused person through.
    await platform.sql("UPDATE decision SET reasons = $2 WHERE submission_id = $1", row["id"],
                       row["reasons"])  # fmt: skip
    findings = unpack(row["findings"], U64).copy()
    findings[:] = findings & ~np.uint64(1 << 11)
    await platform.sql("UPDATE decision SET findings = $2 WHERE submission_id = $1", row["id"],
                       findings.tobytes())  # fmt: skip
    told = await history.replay()
    assert told["verified"]["differ"]["refused"]["decisions"] == 8
    # A number that was erased, and a rulebook that nobody kept.
    await platform.sql("UPDATE decision SET findings = $2 WHERE submission_id = $1", row["id"],
                       row["findings"])  # fmt: skip
    code = "SELECT id FROM batch WHERE purpose = 1 LIMIT 1"
    (batch,) = await platform.sql(f"SELECT people FROM batch WHERE id = ({code})")
    gone = int(unpack(batch["people"], U32)[0])
    await platform.sql("UPDATE person SET msisdn = NULL, secret = NULL WHERE id = $1", gone)
    told = await history.replay(code_words=["没有"])
    assert told["verified"]["differ"] == {}
    assert told["verified"]["not_kept"]["number"] >= 1
    assert changes(told) == {
        ("allow", None, "reject", "code_word_missing"): 19,
        ("allow", None, "unknown", None): 1,
    }
    assert told["not_kept"] == {"number": 1}
    # A rulebook of before there were ceilings still tells what was decided under it.
    document = json.loads(history.node.rulebook.canonical)
    del document["ceilings"]
    before = canonical(document)
    await platform.sql("UPDATE setting SET document = $1 WHERE what = 'rulebook'", before)
    await platform.sql(
        "UPDATE submission SET rulebook = $1 WHERE purpose = 2", sha256(before).hexdigest()
    )
    told = await history.replay()
    assert told["verified"]["differ"] == {}
    assert "rulebook" not in told["verified"]["not_kept"]
    await platform.sql("UPDATE submission SET rulebook = 'ab' WHERE purpose = 1")
    told = await history.replay()
    assert told["verified"]["not_kept"]["rulebook"] == 20
    assert len(await kept_rulebooks(history.node.store, Rulebook.load())) == 2


async def test_small_orders_taken_together_come_to_the_same(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, people = history.platform, numbers(60)
    for place in (30, 31, 32):
        assert (await platform.send(people[place : place + 1], "verification"))["allowed"] == 1
        assert (await platform.send(people[place : place + 2], "notification"))["allowed"] == 2
    sizes: list[tuple[int, int]] = []

    def watched(parts: Sequence[Part], rulebooks: Sequence[Rulebook]) -> list[Part]:
        made = together.together(parts, rulebooks)
        sizes.append((len(parts), len(made)))
        return made

    tried: dict[str, Any] = {"code_words": ["没有"], "signature_for": ["marketing"]}
    monkeypatch.setattr(replay, "together", watched)
    told = await history.replay(**tried)
    monkeypatch.setattr(replay, "together", lambda parts, rulebooks: parts)
    apart = await history.replay(**tried)
    rows = await platform.sql("SELECT id, n FROM batch WHERE purpose = 1")
    codes = {f"message {row['id'] * 1024 + place}" for row in rows for place in range(row["n"])}
    for one in (told, apart):
        del one["from"], one["to"]
        assert one["verified"]["differ"] == {}
        for row in one["reasons"]:
            examples = set(row.pop("examples"))  # the first ten of either order
            assert row["to"]["reason"] != "code_word_missing" or examples < codes
    assert told == apart
    assert changes(told)["allow", None, "reject", "code_word_missing"] == 23
    ((before, after),) = sizes
    assert before > after + 3
