"""What of an order's text leads to somebody: hosts and ways to answer. Only to be compared with
other orders' own; what a link or a contact is worth is judged elsewhere."""

from __future__ import annotations

import re
from typing import Final

from assent.screen.contacts import find_contacts
from assent.screen.links import Reading, find_links

__all__ = ["contacts", "hosts", "plain"]

_VARIABLE: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]{0,63}(?::[A-Za-z_0-9]{1,32})?\}")


def plain(body: str) -> str:
    """Return a template's or an order's text without its variables."""
    return _VARIABLE.sub("", body)


def hosts(reading: Reading) -> frozenset[str]:
    """Return the hosts that a normalised text names."""
    return frozenset(link.host for link in find_links(reading))


def contacts(reading: Reading) -> frozenset[str]:
    """Return the ways to answer that a normalised text gives, each with its kind."""
    return frozenset(f"{one.kind} {one.value}" for one in find_contacts(reading))
