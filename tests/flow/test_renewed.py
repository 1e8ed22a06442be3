"""Consents that are handed in again: what adds nothing is no entry, what lasts longer is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from assent.flow.requests import ConsentImport
from tests.flow.conftest import Platform, number
from tests.flow.test_promises import move


async def hand_in(platform: Platform, person: str, until: datetime | None) -> None:
    request: dict[str, Any] = {
        "sender": "CODE1",
        "programme": "offers",
        "grade": "document",
        "wording": "v1",
        "source": "shop form",
        "until": until,
        "consents": [{"to": person, "at": datetime.now(UTC) - timedelta(days=30)}],
    }
    await platform.node.consents.import_rows(
        platform.caller(), msgspec.convert(request, ConsentImport), key=None, sha=b""
    )


async def test_one_without_an_end_outlasts_one_that_ends(platform: Platform) -> None:
    """It was taken for one that stands already, and nobody could be written to any more."""
    person = number("mobile", 1)
    await hand_in(platform, person, datetime.now(UTC) + timedelta(days=2))
    await hand_in(platform, person, None)
    move(platform, 3 * 86_400.0)
    assert (await platform.send([person]))["allowed"] == 1


async def test_one_that_stands_for_good_is_no_entry_again(platform: Platform) -> None:
    person = number("mobile", 2)
    for _ in range(3):
        await hand_in(platform, person, None)
    assert await platform.value("SELECT count(*) FROM entry WHERE person_id > 0") == 1
