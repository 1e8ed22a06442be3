"""Requests for one message each that meet: one order inside, one each towards the customer."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from assent.errors import AssentError, Conflict, InvalidInput, Unavailable
from assent.flow.requests import Receiver, SendRequest
from assent.message import split_message_id
from tests.flow.conftest import Platform, number, numbers, register, running


def request(to: str, order: str = "A1", **more: Any) -> SendRequest:
    variables = more.pop("variables", {"order": order})
    return SendRequest(
        sender="CODE1",
        purpose=more.pop("purpose", "notification"),
        template=more.pop("template", "notice"),
        messages=[Receiver(to=to, variables=variables)],
        **more,
    )


async def send(platform: Platform, one: SendRequest, key: str | None = None) -> dict[str, Any]:
    sha = hashlib.sha256(repr(one).encode()).digest()
    answer = await platform.node.sending.send(platform.caller(), one, key=key, sha=sha)
    found: dict[str, Any] = json.loads(answer)
    return found


async def many(platform: Platform, requests: list[SendRequest], keys: Any = None) -> list[Any]:
    """Send at the same moment; answers and errors in their order."""
    keys = keys or [None] * len(requests)
    return await asyncio.gather(
        *(send(platform, one, key) for one, key in zip(requests, keys, strict=True)),
        return_exceptions=True,
    )


async def test_each_keeps_its_own_answer(platform: Platform) -> None:
    people = numbers(40)
    answers = await many(platform, [request(to, f"B{i}") for i, to in enumerate(people)])
    ids = {answer["id"] for answer in answers}
    assert len(ids) == 40, "an order id each"
    assert len({answer["messages"][0]["id"] for answer in answers}) == 40
    assert all(answer["receivers"] == answer["allowed"] == 1 for answer in answers)
    assert all(answer["messages"][0]["row"] == 0 for answer in answers)
    submissions = await platform.value("SELECT count(*) FROM submission")
    assert submissions < 20, "most went together"
    port = "106900013"
    await platform.until(lambda: len(platform.submits(port)) == 40, "all left")
    texts = {record["destination"]: record["text"] for record in platform.submits(port)}
    assert texts == {to: f"【商户1】您的订单B{i}已发货。" for i, to in enumerate(people)}


async def test_orders_and_messages_are_found_one_by_one(platform: Platform) -> None:
    people = [*numbers(20), "12345"]
    answers = await many(platform, [request(to) for to in people])
    status, caller = platform.node.status, platform.caller()

    async def delivered() -> bool:
        found = [await status.submission(caller, int(a["id"])) for a in answers[:20]]
        return all(one["states"] == {"delivered": 1} for one in found)

    await platform.until(delivered, "each order is delivered")
    for answer in answers[:20]:
        found = await status.submission(caller, int(answer["id"]))
        assert (found["id"], found["receivers"]) == (answer["id"], 1)
        assert found["cost_micro"] == answer["cost_micro"] == 50_000
        message = await status.message(caller, int(answer["messages"][0]["id"]))
        assert (message["order"], message["row"]) == (answer["id"], 0)
    wrong = await status.submission(caller, int(answers[20]["id"]))
    assert wrong["reasons"] == answers[20]["reasons"] == {"number_service": 1}
    assert (wrong["allowed"], wrong["rejected"]) == (0, 1)
    for other in (int(answers[0]["id"]) + 999, 1, 1 << 62):
        with pytest.raises(AssentError) as error:
            await status.submission(caller, other)
        assert error.value.code == "no_order"
    with pytest.raises(AssentError):
        await status.submission(platform.caller(2), int(answers[0]["id"]))


async def test_keys_answer_again_whoever_they_went_with(platform: Platform) -> None:
    people = numbers(30)
    requests = [request(to) for to in people]
    keys = [f"key{i}" for i in range(30)]
    first = await many(platform, requests, keys)
    again = await many(platform, requests, keys)
    assert again == first
    mixed = await many(
        platform,
        [*requests[:10], *(request(to) for to in numbers(10, 100))],
        [*keys[:10], *(f"new{i}" for i in range(10))],
    )
    assert mixed[:10] == first[:10]
    other = await many(platform, [request(number("mobile", 500))] * 5, ["key1"] * 5)
    assert all(isinstance(one, Conflict) for one in other)
    await platform.until(lambda: len(platform.submits("106900013")) == 40, "each once")


async def test_one_key_sent_at_once_is_one_message(platform: Platform) -> None:
    one = request(number("mobile", 1))
    answers = await many(platform, [one] * 12, ["same"] * 12)
    assert len({json.dumps(answer) for answer in answers}) == 1
    assert await platform.value("SELECT count(*) FROM message") == 1


async def test_one_number_many_times_is_many_messages(platform: Platform) -> None:
    to = number("mobile", 1)
    answers = await many(platform, [request(to, f"N{i}") for i in range(8)])
    ids = {answer["messages"][0]["id"] for answer in answers}
    assert len(ids) == 8
    assert len({split_message_id(int(i)) for i in ids}) == 8


async def test_a_wrong_request_is_told_its_own_fault(platform: Platform) -> None:
    requests = [request(to) for to in numbers(10)]
    requests[4] = request(number("mobile", 77), variables={})
    requests[7] = request(number("mobile", 78), variables={"order": "1", "more": "2"})
    answers = await many(platform, requests)
    for place, answer in enumerate(answers):
        if place in (4, 7):
            assert isinstance(answer, InvalidInput)
            assert answer.field is not None
            assert answer.field.startswith("messages[0]")
        else:
            assert answer["allowed"] == 1


async def test_the_last_money_is_spent_once(migrated_url: str, tmp_path: Path) -> None:
    poor = register(1)
    poor["accounts"][0]["deposits"] = {"first": 50_000 * 7}
    async with running(migrated_url, tmp_path, document=poor) as platform:
        answers = await many(platform, [request(to) for to in numbers(20)])
        assert sum(answer["allowed"] for answer in answers) == 7
        assert sum(answer["reasons"].get("balance", 0) for answer in answers) == 13
        assert await platform.value("SELECT available FROM balance WHERE account_id = 1") == 0


@pytest.mark.parametrize("stored", [False, True])
async def test_a_commit_in_doubt_is_told_to_all_and_repeated_with_the_keys(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    people = numbers(20)
    requests, keys = [request(to) for to in people], [f"k{i}" for i in range(20)]
    together = platform.node.sending._together
    real = together._store
    left = iter(range(1))

    async def doubtful(order: Any, judged: Any) -> bool:
        if next(left, None) is None:
            return await real(order, judged)
        if stored:
            assert await real(order, judged)
        raise Unavailable("commit_unknown", "a test", mend="repeat")

    monkeypatch.setattr(together, "_store", doubtful)
    first = await many(platform, requests, keys)
    failed = [one for one in first if isinstance(one, Unavailable)]
    assert 0 < len(failed) <= 20
    second = await many(platform, requests, keys)
    assert not [one for one in second if isinstance(one, BaseException)]
    assert await platform.value("SELECT count(*) FROM message") == 20


async def test_codes_meet_too(platform: Platform) -> None:
    requests = [
        request(to, purpose="verification", template="code", variables={"code": f"{i:06}"})
        for i, to in enumerate(numbers(25))
    ]
    answers = await many(platform, requests)
    assert all(answer["allowed"] == 1 for answer in answers)
    await platform.until(lambda: len(platform.submits("106900012")) == 25, "all left")


async def test_a_key_that_is_used_at_this_very_moment_withdraws_nobody(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one call supposes of keys may be wrong by a moment: then it stores nothing, and the
    longer way is gone."""
    once, failed = platform.node.store.once, []

    async def taken(name: str, *args: Any) -> Any:
        if name == "order_store" and not failed and args[-2]:
            failed.append(name)
            account, keys, shas, answers = args[1], *args[-4:-1]
            twice = keys + keys[:1], shas + shas[:1], answers + answers[:1]
            with pytest.raises(Conflict):
                await once(name, *args[:-4], *twice, args[-1])
            assert await platform.value("SELECT count(*) FROM idempotency") == 1, "who went first"
            rest = shas[0], answers[0], args[12]
            await platform.node.store.execute("idempotency_insert", account, keys[0], *rest)
            assert not (await once(name, *args))["holds"]
            await platform.node.store.execute("idempotency_delete_all", account, keys[:1])
            raise Conflict("already_exists", "a test", mend="none")
        return await once(name, *args)

    monkeypatch.setattr(platform.node.store, "once", taken)
    requests, keys = [request(to) for to in numbers(20)], [f"k{i}" for i in range(20)]
    first = await many(platform, requests, keys)
    assert failed
    assert all(answer["allowed"] == 1 for answer in first)
    assert await many(platform, requests, keys) == first
    assert await platform.value("SELECT count(*) FROM message") == 20


async def test_two_texts_with_the_same_keys_at_once(platform: Platform) -> None:
    people = numbers(40)
    keys = [f"k{i}" for i in range(20)]
    texts = [request(to) for to in people[:20]]
    others = [
        request(to, purpose="verification", template="code", variables={"code": "1"})
        for to in people[20:]
    ]
    answers = await many(platform, [*texts, *others], [*keys, *keys])
    for one, other in zip(answers[:20], answers[20:], strict=True):
        assert sorted(isinstance(answer, Conflict) for answer in (one, other)) == [False, True]
    assert await platform.value("SELECT count(*) FROM message") == 20
    assert await platform.value("SELECT count(*) FROM idempotency") == 20
    spent = await platform.value("SELECT sum(cost) FROM submission")
    assert spent == sum(
        answer["cost_micro"] for answer in answers if not isinstance(answer, Conflict)
    )


async def test_customers_who_come_back_go_together(platform: Platform) -> None:
    """Sixteen connections with one request after the other are one order a round, or nearly."""

    async def one_after_the_other(place: int) -> None:
        for turn in range(10):
            answer = await send(
                platform, request(number("mobile", 100 * turn + place)), f"{place}.{turn}"
            )
            assert answer["allowed"] == 1

    await asyncio.gather(*(one_after_the_other(place) for place in range(16)))
    assert await platform.value("SELECT count(*) FROM message") == 160
    assert await platform.value("SELECT count(*) FROM submission") <= 25
