"""A code to a person's phone is an order like any other: what stops an order stops it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from assent.app.people import PhonesFile
from tests.flow.conftest import number, register, sender_file
from tests.web.receiver_site import OWN
from tests.web.whole import Whole, whole


def operator_document() -> dict[str, object]:
    """Return the register with the operator acting for a sender of its own."""
    document = register()
    document["senders"].append(sender_file(OWN, "operator", 99))
    for account in document["accounts"]:
        if account["name"] == "operator":
            account["senders"] = [OWN]
            account["price_micro"] = 50_000
            account["deposits"] = {"own": 60_000}
    return document


async def codes_of(site: Whole, phone: str) -> list[str]:
    """Return the codes that the carriers saw for a phone."""
    await site.platform.until(lambda: bool(site.platform.submits()), "something left")
    texts = [record["text"] for record in site.platform.submits() if phone in str(record)]
    return [found.group(1) for text in texts if (found := re.search(r"验证码(\d{6})", text))]


async def test_a_code_goes_over_the_platforms_own_road(migrated_url: str, tmp_path: Path) -> None:
    async with whole(migrated_url, tmp_path) as site:
        token = await site.session("account1")
        phone = number("mobile", 77)
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=site.url, headers=headers, timeout=30) as client:
            answer = await client.post("/v1/me/phone", json={"number": phone})
            assert (answer.status_code, answer.json()["code"]) == (409, "no_phone_codes")
            await site.platform.file(operator_document())
            await site.platform.until(
                lambda: (
                    site.platform.node.catalogue.operator is not None
                    and site.platform.node.catalogue.operator.price > 0
                ),
                "the register is read",
            )
            site.platform.node.settings.phones = PhonesFile(sender=OWN, template="code")
            answer = await client.post("/v1/me/phone", json={"number": phone})
            assert answer.status_code == 202, answer.text
            (code,) = await codes_of(site, phone)
            confirmed = await client.post("/v1/me/phone/confirm", json={"code": code})
            assert confirmed.status_code == 200, confirmed.text
            assert (await client.get("/v1/me")).json()["phone"].endswith(phone[-4:])
            # It was paid like any other; the next one finds no money.
            answer = await client.post("/v1/me/phone", json={"number": phone})
            assert answer.status_code == 409
            assert answer.json()["code"] == "code_not_sent"
