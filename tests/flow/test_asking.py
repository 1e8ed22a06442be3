"""Asking people by SMS whether they agree: once, in the law's words, and yes is the only yes."""

from __future__ import annotations

import pytest

from assent.consent.entry import Channel, Kind, Origin, decode
from assent.message import Grade
from tests.flow.asking_site import (
    TAKEN,
    age,
    ask,
    asked,
    code_of,
    questions,
    say,
    settled,
    states,
)
from tests.flow.conftest import Platform, number

WHO = number("mobile", 1)


async def test_a_yes_is_a_consent_that_the_receiver_proved(platform: Platform) -> None:
    assert await ask(platform, WHO) == TAKEN
    text = await asked(platform, WHO)
    for part in ("商户1", "offers", "2 a week", "1 year", "不同意请回复N"):
        assert part in text
    assert "http" not in text
    assert "/" not in text
    judged = await platform.send([WHO])
    assert judged["reasons"] == {"no_standing": 1}  # being asked opens nothing
    await say(platform, WHO, f"y{code_of(text)}。")
    assert (await platform.send([WHO]))["allowed"] == 1
    rows = await platform.sql("SELECT body FROM entry WHERE person_id > 0 ORDER BY position")
    requested, granted = (decode(row["body"]) for row in rows)
    assert (requested.kind, requested.origin) == (Kind.REQUESTED, Origin.PLATFORM)
    assert (granted.kind, granted.grade) == (Kind.GRANTED, Grade.RECEIVER)
    assert (granted.channel, granted.origin) == (Channel.SMS, Origin.RECEIVER)
    assert granted.wording == requested.wording > 0
    words = await platform.sql("SELECT words, sha256, first_used FROM wording")
    assert words[0]["words"] in text.replace(code_of(text), "{code}")
    assert await states(platform) == [("agreed", "")]


@pytest.mark.parametrize("text", ["N", "n。", "不同意", "什么？", "1", "好像是"])
async def test_everything_else_is_no_and_refuses_nothing_more(
    platform: Platform, text: str
) -> None:
    await platform.consent([WHO], place=2)  # somebody else's, who is not asked about
    await ask(platform, WHO)
    await asked(platform, WHO)
    await say(platform, WHO, text)
    assert (await states(platform))[0][0] == "refused"
    assert (await platform.send([WHO]))["allowed"] == 0
    assert (await platform.send([WHO], place=2))["allowed"] == 1
    assert await platform.value("SELECT count(*) FROM refusal") == 0
    assert await platform.value("SELECT count(*) FROM pause") == 0
    await say(platform, WHO, "Y")  # the question was answered
    assert await platform.value("SELECT count(*) FROM standing WHERE grade = 3") == 0


async def test_silence_is_no_after_a_time(platform: Platform) -> None:
    await ask(platform, WHO)
    text = await asked(platform, WHO)
    await age(platform, 4)
    await platform.node.asking_desk.asker.daily(platform.clock.now())
    assert await states(platform) == [("lapsed", "")]
    await say(platform, WHO, f"Y{code_of(text)}")
    assert await platform.value("SELECT count(*) FROM standing") == 0
    await age(platform, 60)
    await ask(platform, WHO)
    await settled(platform)
    assert (await states(platform))[1] == ("unasked", "ban")
    assert len(questions(platform)[WHO]) == 1
