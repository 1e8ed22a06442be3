"""Links in messages behind which there is one button: refuse.

A token is made for a person, a sender and an order, without any look-up, and tells nobody anything:
its 28 characters are an encrypted triple and a MAC of it, both with keys of the vault. Whoever has
one can refuse in that person's name and do nothing else; that is confirmed to her, and only she
takes it back.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput
from assent.flow.order import Order
from assent.flow.render import placeholders
from assent.flow.vault import Vault
from assent.message import Purpose

VARIABLE: Final = "refuse_url"
"""What a text calls the link; the platform fills it in."""
PATH: Final = "/u/"
LASTS_S: Final = 366 * 86_400.0
LENGTH: Final = 28
_PLACE: Final = "{" + VARIABLE + "}"
_MAC: Final = 7
_PERSON, _SENDER, _ORDER = 4, 3, 7
_BODY: Final = _PERSON + _SENDER + _ORDER
_COUNTER_BITS: Final = 11


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link was made for. `order`: id of the submission it went out with."""

    person: int
    sender: int
    order: int

    @property
    def at(self) -> float:
        """When its order was placed: ids tell the time."""
        return (self.order >> _COUNTER_BITS) / 1000


class RefusalLinks:
    """Makes and reads links. `public_url`: where receivers reach the platform, '' for no links."""

    def __init__(self, vault: Vault, public_url: str) -> None:
        self._mac_key = vault.digest("mac", "refusal link")
        self._cipher_key = vault.digest("cipher", "refusal link")
        self._base = public_url.rstrip("/")

    @property
    def possible(self) -> bool:
        """Whether there is an address that links could lead to."""
        return bool(self._base)

    def urls(self, people: npt.NDArray[np.uint32], sender: int, order: int) -> list[str]:
        """Return each person's link. Nobody (0) gets one that is worth nothing."""
        head = f"{self._base}{PATH}"
        tail = sender.to_bytes(_SENDER, "big") + order.to_bytes(_ORDER, "big")
        token = self._token
        return [head + token(who.to_bytes(_PERSON, "big") + tail) for who in people.tolist()]

    def token(self, link: Link) -> str:
        """Return a link's token."""
        body = (
            link.person.to_bytes(_PERSON, "big")
            + link.sender.to_bytes(_SENDER, "big")
            + link.order.to_bytes(_ORDER, "big")
        )
        return self._token(body)

    def _token(self, body: bytes) -> str:
        mac = self._mac(body)
        return base64.b64encode(mac + self._crypt(mac, body), b"-_").decode()

    def read(self, token: str, now: float) -> Link | None:
        """Return whom a token was made for; None for one that was not made here or is too old."""
        if len(token) != LENGTH or not token.isascii():
            return None
        try:
            octets = base64.b64decode(token, altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        mac = octets[:_MAC]
        body = self._crypt(mac, octets[_MAC:])
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        person, rest = body[:_PERSON], body[_PERSON:]
        sender, order = (int.from_bytes(part, "big") for part in (rest[:_SENDER], rest[_SENDER:]))
        link = Link(int.from_bytes(person, "big"), sender, order)
        return link if link.person and now - link.at < LASTS_S else None

    def _mac(self, body: bytes) -> bytes:
        return blake2b(body, digest_size=_MAC, key=self._mac_key).digest()

    def _crypt(self, mac: bytes, body: bytes) -> bytes:
        """Hide or uncover a body: its MAC stands for the nonce, so equal links look equal and
        nothing else does."""
        stream = blake2b(mac, digest_size=_BODY, key=self._cipher_key).digest()
        hidden = int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")
        return hidden.to_bytes(_BODY, "big")


def with_links(
    links: RefusalLinks | None,
    order: Order,
    people: npt.NDArray[np.uint32],
    refusal_wording: str,
    number: int,
) -> Order:
    """Return an order with everybody's own link filled in where its text, or what is put at the end
    of advertising, has a place for one; else as it is. `number`: the order's own.

    Raises InvalidInput where links would lead nowhere.
    """
    told = order.content
    if order.purpose is Purpose.MARKETING:
        told += refusal_wording
    if _PLACE not in told or order.video is not None:
        return order
    if links is None or not links.possible:
        raise InvalidInput(
            "no_public_url", "this platform has no address that a link could lead to",
            field="text", rule="settings: public_url", mend=f"leave {_PLACE} out",
        )  # fmt: skip
    # What is written in braces in a text without variables is meant as it stands.
    given = order.variables or {
        name: ["{" + name + "}"] * len(people) for name in placeholders(told)
    }
    filled = {**given, VARIABLE: links.urls(people, order.sender.id, number)}
    return replace(order, variables=filled)
