"""What a receiver gives back on her page is confirmed to her phone, once, as refusals are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assent.consent.entry import decode
from tests.flow.conftest import number
from tests.web.receiver_site import Site, site

SERVICE = "1069999"
PHONE = number("mobile", 7)


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(migrated_url, tmp_path) as one:
        yield one


def told(desk: Site) -> list[str]:
    """Return what she was written from the operator's number, long texts in one."""
    sent = [one for one in desk.platform.submits(SERVICE) if PHONE in one["destination"]]
    texts: dict[Any, str] = {}
    for one in sent:
        segment = one["segment"]
        key = (segment[0], segment[2]) if segment else one["sequence"]
        texts[key] = texts.get(key, "") + one["text"]
    return [text for text in texts.values() if "验证码1" not in text]


async def last(desk: Site) -> str:
    return decode((await desk.entries())[-1]["body"]).receipt


async def test_what_she_gives_back_is_confirmed_once(desk: Site) -> None:
    await desk.platform.consent([PHONE])
    assert (await desk.platform.send([PHONE]))["allowed"] == 1
    browser = desk.browser()
    page = await desk.prove(browser, PHONE)
    page = await browser.submit(page.form("/r/refuse", what="sender", id="1"))
    refused = await last(desk)
    page = await browser.submit(page.form("/r/take-back", sender="1"))
    taken_back = await last(desk)
    programme = await desk.platform.value(
        "SELECT id FROM programme WHERE sender_id = 1 AND name = 'offers'"
    )
    form = page.form("/r/agree", programme=str(programme))
    page = await browser.submit(form)
    agreed = await last(desk)
    codes = [refused, taken_back, agreed]
    assert all(code in page.text for code in codes)
    await desk.platform.until(
        lambda: all(any(code in text for text in told(desk)) for code in codes), "all are told"
    )
    texts = told(desk)
    assert any("您已退订商户1" in text and refused in text for text in texts)
    assert any("您已撤回对商户1的拒收" in text and taken_back in text for text in texts)
    assert any("您已同意接收商户1（offers）" in text and agreed in text for text in texts)
    # Pressed again, it is recorded, and she is not told again.
    entries = len(await desk.entries())
    await browser.submit(form)
    assert len(await desk.entries()) == entries + 1
    rows = await desk.platform.sql("SELECT about, state FROM confirmation ORDER BY id")
    assert [row["about"] for row in rows] == ["refused", "taken_back", "agreed"]
    page = await browser.submit(page.form("/r/receipt"), code=taken_back)
    assert "you took back a refusal of 商户1" in page.text
    # Whoever did it with her phone is answered by her: TD to that number ends it.
    assert await desk.platform.value("SELECT count(*) FROM standing") == 1
    desk.platform.simulators["mobile"].send_mo(PHONE, SERVICE, "TD")

    async def ended() -> bool:
        return bool(await desk.platform.value("SELECT count(*) FROM standing") == 0)

    await desk.platform.until(ended, "it is ended")
