"""What of an order's text leads to somebody: hosts and ways to answer. Only to be compared with
other orders' own; what a link or a contact is worth is judged elsewhere."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["contacts", "hosts", "plain"]

_VARIABLE: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]{0,63}(?::[A-Za-z_0-9]{1,32})?\}")
_HOST: Final = re.compile(
    r"(?<![a-z0-9@.-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?![a-z0-9-])"
)
_NUMBER: Final = re.compile(r"(?<![0-9])\+?[0-9](?:[ -]?[0-9]){6,14}(?![0-9])")
_ID: Final = re.compile(
    r"(?:微信|薇信|威信|vx|wx|wechat|qq|扣扣|企鹅|telegram|whatsapp)号?[:：\s]{0,3}([a-z0-9_-]{5,20})"
)


def plain(body: str) -> str:
    """Return a template's or an order's text without its variables."""
    return _VARIABLE.sub("", body)


def hosts(text: str) -> frozenset[str]:
    """Return the hosts that a text (normalised, in small letters) names."""
    return frozenset(_HOST.findall(text))


def contacts(text: str) -> frozenset[str]:
    """Return the telephones and messengers' names that a text (normalised, in small letters) gives
    to answer to. A telephone is its digits."""
    numbers = {re.sub(r"[^0-9]", "", one) for one in _NUMBER.findall(text)}
    return frozenset({*numbers, *_ID.findall(text)})
