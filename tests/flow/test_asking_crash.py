"""A question is asked once, whatever fails: commits that are lost or stored but unanswered, a
process that ends between the commit and the bytes, answers that cannot be stored."""

from __future__ import annotations

import asyncio

import pytest

from tests.flow.asking_site import ask, asked, code_of, questions, say, settled, states
from tests.flow.conftest import Platform, number
from tests.flow.test_ambiguous import MODES, FrailStore, Mode, frail

__all__ = ["frail"]

WHO = number("mobile", 1)


@pytest.mark.parametrize("mode", MODES)
async def test_a_commit_that_fails_leaves_one_question(frail: Platform, mode: Mode) -> None:
    plan = FrailStore.plan
    failures = iter([mode, mode])
    plan.choose = lambda name: next(failures, None) if name == "wording_keep" else None
    plan.armed = True
    await ask(frail, WHO)
    await asked(frail, WHO)
    await settled(frail)
    await asyncio.sleep(0.5)
    plan.armed = False
    assert plan.failed["wording_keep", mode] == (1 if mode == "unanswered" else 2)
    assert len(questions(frail)[WHO]) == 1
    assert await frail.value("SELECT count(*) FROM entry WHERE kind = 1") == 1
    assert await states(frail) == [("sent", "")]
    assert await frail.value("SELECT count(*) FROM unsure_segment") == 0


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_cannot_be_stored_is_stored_later_and_once(
    frail: Platform, mode: Mode
) -> None:
    await ask(frail, WHO)
    text = await asked(frail, WHO)
    plan = FrailStore.plan
    failures = iter([mode])
    plan.choose = lambda name: next(failures, None) if name == "replies_store" else None
    plan.armed = True
    await say(frail, WHO, f"Y{code_of(text)}")
    await frail.until(lambda: bool(plan.failed), "a commit failed")
    await asyncio.sleep(0.5)
    plan.armed = False
    assert await states(frail) == [("agreed", "")]
    assert await frail.value("SELECT count(*) FROM entry WHERE kind = 2") == 1
    assert await frail.value("SELECT count(*) FROM reply") == 1


async def test_a_process_that_ends_before_the_bytes_leave_asks_nobody_twice(
    platform: Platform,
) -> None:
    node = platform.node
    committed = asyncio.Event()
    node.traffic.add = lambda window: committed.set()  # type: ignore[method-assign]  # and no link has it
    await ask(platform, WHO)
    await asyncio.wait_for(committed.wait(), 15)
    node.lost.set()  # the end: nothing is stored, given back or sent any more
    await node.stop()
    node.epoch.leave()
    assert await states(platform) == [("sent", "")]
    await platform.start_node()

    async def unsure() -> bool:
        return bool(await platform.value("SELECT count(*) FROM unsure_segment") > 0)

    await platform.until(unsure, "the attempt is unsure", 30)
    await ask(platform, WHO)
    await settled(platform)
    assert questions(platform) == {}  # it may have left, so it is not sent again
    assert sorted(await states(platform)) == [("sent", ""), ("unasked", "ban")]
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 1") == 1
