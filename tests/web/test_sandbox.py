"""The sandbox: every outcome acted out, in the shapes of the real answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assent.clock import ManualClock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow import sandbox_book
from assent.flow.magic_numbers import FIRST, MAGIC, parse_with_magic, table
from assent.flow.requests import (
    Caller,
    CampaignRequest,
    ConsentImport,
    ConsentRow,
    Receiver,
    RefusalRequest,
    SendRequest,
)
from assent.flow.sandbox import Sandbox
from assent.flow.sandbox_chain import ACTED
from assent.message import State
from assent.numbers import Fault, parse
from tests.web.site import NOON

CALLER = Caller(1, frozenset(), True, 1)
DOCS = Path(__file__).parents[2] / "docs" / "http-api.md"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    return Sandbox(clock)


def magic(place: int) -> str:
    return str(FIRST + place - 86 * 10**11)


async def send(sandbox: Sandbox, *numbers: str, **more: Any) -> dict[str, Any]:
    import msgspec

    fields: dict[str, Any] = {"sender": "s", "purpose": "marketing", "text": "你好", **more}
    request = SendRequest(messages=[Receiver(number) for number in numbers], **fields)
    answer = await sandbox.sending.send(CALLER, request, key=None, sha=b"")
    return msgspec.json.decode(answer)  # type: ignore[no-any-return]


async def state(sandbox: Sandbox, id_: str) -> str:
    return str((await sandbox.status.message(CALLER, int(id_)))["state"])


@pytest.mark.parametrize("number", MAGIC)
async def test_every_magic_number(sandbox: Sandbox, clock: ManualClock, number: int) -> None:
    outcome = MAGIC[number]
    answer = await send(sandbox, str(number))
    (line,) = answer["messages"]
    if outcome.reject:
        assert line == {"row": 0, "status": "rejected", "reason": outcome.reject}
        assert answer["reasons"] == {outcome.reject: 1}
        assert answer["cost_micro"] == 0
        return
    assert line["status"] == "accepted"
    assert await state(sandbox, line["id"]) == "queued"
    if outcome.quiet:
        assert line["not_before"] == NOON + 20 * 3600
        clock.advance(20 * 3600)
    for after, expected in outcome.steps:
        clock.advance(after + 0.01)
        assert await state(sandbox, line["id"]) == expected.name.lower()
        clock.advance(-after - 0.01)
    clock.advance(outcome.last + 1)
    receipts = (await sandbox.status.feed(CALLER, "receipts", 0, 10))["items"]
    final = outcome.steps[-1][1]
    told = [(one["id"], one["state"]) for one in receipts]
    silent = final in (State.UNSURE, State.ACCEPTED)
    assert told == ([] if silent else [(line["id"], final.name.lower())])


def test_magic_numbers_reach_nobody_in_earnest() -> None:
    numbers = [str(number - 86 * 10**11) for number in MAGIC]
    assert set(parse(numbers).fault.tolist()) == {Fault.UNKNOWN_PREFIX}
    assert parse_with_magic(numbers).msisdn.tolist() == list(MAGIC)
    assert parse_with_magic(["+86 154-0000-0001", "15400000099"]).msisdn.tolist() == [
        FIRST + 1, 0,
    ]  # fmt: skip


def test_magic_numbers_are_documented() -> None:
    words = DOCS.read_text("utf-8")
    for line in table(lambda number, what: f"| `{number}` | {what} |"):
        assert line in words, line


async def test_reply_that_refuses(sandbox: Sandbox, clock: ManualClock) -> None:
    await send(sandbox, magic(20), magic(21))
    clock.advance(5)
    replies = (await sandbox.status.feed(CALLER, "replies", 0, 10))["items"]
    # As in earnest, the feed does not tell who refused.
    assert [reply["text"] for reply in replies] == ["好的"]
    answer = await send(sandbox, magic(21))
    assert answer["reasons"] == {"no_standing": 1}
    answer = await send(sandbox, magic(21), purpose="notification")
    assert answer["allowed"] == 1


async def test_refusals_and_consents(sandbox: Sandbox, clock: ManualClock) -> None:
    refusal = RefusalRequest(sender="s", to=["13800138000", "x"], source="counter")
    answer = await sandbox.refusals.refuse(CALLER, refusal, key=None, sha=b"")
    assert b'"accepted":1,"refused":1' in answer
    assert (await send(sandbox, "13800138000"))["reasons"] == {"no_standing": 1}
    now = datetime.fromtimestamp(NOON, UTC)
    rows = [
        ConsentRow(to="13800138000", at=now - timedelta(days=1)),
        ConsentRow(to="13900139000", at=now + timedelta(days=1)),
        ConsentRow(to="?", at=now),
    ]
    consents = ConsentImport(
        sender="s", programme="p", grade="document", wording="v1", source="shop", consents=rows
    )
    answer = await sandbox.consents.import_rows(CALLER, consents, key=None, sha=b"")
    assert b'"accepted":1,"refused":2' in answer
    assert (await send(sandbox, "13800138000"))["allowed"] == 1
    rows[0].at = datetime(2026, 1, 1)  # noqa: DTZ001  no zone is the mistake
    with pytest.raises(InvalidInput, match="no zone"):
        await sandbox.consents.import_rows(CALLER, consents, key=None, sha=b"")


async def test_idempotency(sandbox: Sandbox) -> None:
    request = SendRequest(
        sender="s", purpose="marketing", text="你好", messages=[Receiver("13800138000")]
    )
    first = await sandbox.sending.send(CALLER, request, key="k", sha=b"1")
    assert await sandbox.sending.send(CALLER, request, key="k", sha=b"1") == first
    with pytest.raises(Conflict):
        await sandbox.sending.send(CALLER, request, key="k", sha=b"2")


async def test_money_and_order(sandbox: Sandbox, clock: ManualClock) -> None:
    before = (await sandbox.status.balance(CALLER))["available_micro"]
    answer = await send(sandbox, "13800138000", "13800138000", magic(1), "abc", text="长" * 80)
    assert (answer["receivers"], answer["allowed"], answer["segments"]) == (4, 2, 4)
    assert answer["reasons"] == {"duplicate": 1, "number_not_digits": 1}
    after = (await sandbox.status.balance(CALLER))["available_micro"]
    assert before - after == answer["cost_micro"] == 200_000
    clock.advance(3)
    order = await sandbox.status.submission(CALLER, int(answer["id"]))
    assert order["states"] == {"delivered": 1, "failed": 1}
    with pytest.raises(NotFound):
        await sandbox.status.submission(Caller(2, frozenset(), True, 2), int(answer["id"]))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": None}, "text_or_template"),
        ({"template": "t"}, "text_or_template"),
        ({"text": " "}, "text_length"),
        ({"text": "{code}"}, "missing_variable"),
        ({"not_before": datetime(2026, 1, 1)}, "time_without_zone"),  # noqa: DTZ001  no zone is the mistake
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "expires_too_early"),
    ],
)
async def test_orders_that_cannot_be_obeyed(
    sandbox: Sandbox, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await send(sandbox, "13800138000", **fields)
    assert caught.value.code == code
    assert caught.value.field
    with pytest.raises(InvalidInput):
        await send(sandbox)


async def test_dry_run_changes_nothing(sandbox: Sandbox) -> None:
    request = SendRequest(
        sender="s", purpose="marketing", text="你好", messages=[Receiver("13800138000")] * 3
    )
    answer = await sandbox.sending.dry_run(CALLER, request, 1)
    assert (answer.dry_run, answer.allowed, len(answer.messages)) == (True, 1, 1)
    assert (await sandbox.status.balance(CALLER))["available_micro"] == 10**12


async def campaign(sandbox: Sandbox, *numbers: str) -> int:
    import msgspec
    import numpy as np

    audience = await sandbox.campaigns.create_audience(CALLER, "a", "shop")
    parsed = parse_with_magic(numbers)
    rows = np.arange(len(numbers), dtype=np.uint32)
    await sandbox.campaigns.add_chunk(audience, 0, rows, parsed.msisdn, parsed.fault, None)
    request = CampaignRequest(
        name="c", audience=str(audience), sender="s", purpose="marketing", text="你好"
    )
    with pytest.raises(Conflict):
        await sandbox.campaigns.create(CALLER, request, key=None, sha=b"")
    await sandbox.campaigns.finish_audience(audience, [])
    dry = await sandbox.campaigns.dry_run(CALLER, request, 1)
    assert dry["receivers"] == len(numbers) - int((parsed.fault > 0).sum())
    answer = await sandbox.campaigns.create(CALLER, request, key=None, sha=b"")
    return int(msgspec.json.decode(answer)["id"])


async def test_campaign(sandbox: Sandbox, clock: ManualClock) -> None:
    number = await campaign(sandbox, "13800138000", magic(1), magic(10), "x")
    progress = await sandbox.campaigns.progress(CALLER, number)
    assert (progress["state"], progress["allowed"], progress["wrong"]) == ("running", 2, 1)
    assert progress["reasons"] == {"no_standing": 1}
    clock.advance(5)
    progress = await sandbox.campaigns.progress(CALLER, number)
    assert (progress["state"], progress["states"]) == ("done", {"delivered": 1, "failed": 1})


async def test_campaign_rests_and_stops(sandbox: Sandbox, clock: ManualClock) -> None:
    number = await campaign(sandbox, "13800138000", magic(4))
    for _ in range(2):
        progress = await sandbox.campaigns.set_state(CALLER, number, "paused")
        clock.advance(100)
    progress = await sandbox.campaigns.progress(CALLER, number)
    assert (progress["state"], progress["states"]) == ("paused", {"queued": 2})
    await sandbox.campaigns.set_state(CALLER, number, "running")
    clock.advance(2.5)
    progress = await sandbox.campaigns.set_state(CALLER, number, "stopped")
    assert progress["states"] == {"delivered": 1, "queued": 1}
    with pytest.raises(Conflict):
        await sandbox.campaigns.set_state(CALLER, number, "running")
    clock.advance(100)
    assert (await sandbox.campaigns.progress(CALLER, number))["states"] == progress["states"]


async def test_memory_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_book, "MOST_MESSAGES", 5)
    first = await send(sandbox, "13800138000")
    for _ in range(6):
        await send(sandbox, "13800138000")
    with pytest.raises(NotFound, match="sandbox"):
        await state(sandbox, first["messages"][0]["id"])
    for account in range(1_500):
        sandbox.book(account)
    assert len(sandbox._books) == 1_000


@pytest.mark.parametrize("code", sorted(ACTED))
async def test_a_sender_that_is_called_like_a_broken_link_acts_it_out(
    sandbox: Sandbox, code: str
) -> None:
    answer = await send(sandbox, "13800138000", "13800138001", sender=code)
    assert (answer["allowed"], answer["reasons"]) == (0, {code: 2})
    assert {line["reason"] for line in answer["messages"]} == {code}
    for purpose in ("verification", "notification", "marketing", "internal"):
        whole = await send(sandbox, "13800138000", sender="anybody", purpose=purpose)
        assert whole["allowed"] == 1


def test_every_acted_link_is_in_the_manual() -> None:
    text = DOCS.read_text("utf-8")
    assert [code for code in ACTED if f"`{code}`" not in text] == []
