"""Asking people whether they agree, on a platform with simulated carriers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assent.flow.asking_requests import ConsentQuestion, ConsentSession
from tests.flow.conftest import Platform

SERVICE = "1069999"
TAKEN = {"state": "taken"}


async def session(platform: Platform, place: int = 1, programme: str = "offers") -> str:
    """Return the token of a session in which somebody enters a number."""
    wanted = ConsentSession(sender=f"CODE{place}", programme=programme)
    told = await platform.node.asking_desk.asking.begin(platform.caller(place), wanted)
    return str(told["session"])


async def ask(platform: Platform, who: str, place: int = 1, **more: Any) -> Mapping[str, Any]:
    """Request a question to somebody; in a session of its own, if nothing else is said."""
    if not more.keys() & {"session", "document"}:
        more["session"] = await session(platform, place, more.get("programme", "offers"))
    more["place"] = more.pop("where", "")
    wanted = ConsentQuestion(number=who, sender=f"CODE{place}", **{"programme": "offers", **more})
    return await platform.node.asking_desk.asking.request(platform.caller(place), wanted)


def questions(platform: Platform) -> dict[str, list[str]]:
    """Return the whole questions that the carriers were handed, by receiver."""
    parts: dict[str, list[str]] = {}
    for one in platform.submits(SERVICE):
        who = one["destination"].removeprefix("86")
        parts.setdefault(who, []).append(one["text"])
    whole = re.compile("【平台】.*?不回复即为不同意。", re.DOTALL)
    return {who: whole.findall("".join(texts)) for who, texts in parts.items()}


async def asked(platform: Platform, who: str, count: int = 1) -> str:
    """Wait until somebody has been asked so often; return the last question."""
    await platform.until(lambda: len(questions(platform).get(who, [])) == count, f"{who} is asked")
    return questions(platform)[who][-1]


def code_of(text: str) -> str:
    """Return the code in a question."""
    found = re.search(r"回复Y(\d{4})", text)
    assert found is not None, text
    return found.group(1)


async def settled(platform: Platform) -> None:
    """Wait until every request was looked at."""

    async def none() -> bool:
        left = "SELECT count(*) FROM consent_request WHERE state = 'taken'"
        return await platform.value(left) == 0

    await platform.until(none, "every request is looked at")


async def say(platform: Platform, who: str, text: str, port: str = SERVICE) -> None:
    """Have somebody write, and wait until it is read."""
    carrier = {"139": "mobile", "130": "unicom", "133": "telecom"}[who[:3]]
    before = await platform.value("SELECT count(*) FROM reply")
    platform.simulators[carrier].send_mo(who, port, text)

    async def read() -> bool:
        return bool(await platform.value("SELECT count(*) FROM reply") > before)

    await platform.until(read, "the reply is read")
    await platform.node.live.sync(platform.node.store)


async def states(platform: Platform) -> list[tuple[str, str]]:
    """Return state and reason of every request, in their order."""
    rows = await platform.sql("SELECT state, why FROM consent_request ORDER BY id")
    return [(row["state"], row["why"]) for row in rows]


async def age(platform: Platform, days: float) -> None:
    """Let everything that happened to people have happened so many days earlier."""
    span = f"interval '{days} days'"
    await platform.sql(
        f"UPDATE consent_request SET taken_at = taken_at - {span}, sent_at = sent_at - {span},"
        f" expires_at = expires_at - {span}, answered_at = answered_at - {span}"
    )
    await platform.sql(f"UPDATE refusal SET at = at - {span}")
