"""Where a code number may be used: everywhere, or in provinces that its certificate names (CN-23).

Whom a port may reach follows from the number that it was given out of, and from where each
receiver's number belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput
from assent.flow.order import Port
from assent.numbers import NumberTable
from assent.policy.facts import Bools

NATIONAL: Final = "national"
_EVERYWHERE: Final = frozenset({NATIONAL, "全国"})
_APART: Final = re.compile(r"[,，、;；/]")
_TAIL: Final = re.compile(r"(省|市|(壮族|回族|维吾尔)?自治区)$")
NOWHERE: Final = frozenset({""})
"""Stands for a scope that says nothing we know: nobody lives there."""


def scope_read(words: str) -> str:
    """Return a scope as it is kept: `national`, or Chinese names of provinces, 、 between.

    Raises InvalidInput for what is no province of the number table.
    """
    found = [_province(word) for word in _APART.split(words)]
    if words.strip().lower() in _EVERYWHERE:
        return NATIONAL
    if None in found:
        raise InvalidInput(
            "no_province", "the scope names no province", field="scope", rule="CN-60",
            mend=f"use {NATIONAL}, or some of {'、'.join(sorted(set(_names().values())))}",
        )  # fmt: skip
    return "、".join(dict.fromkeys(name for name in found if name is not None))


def provinces_of(scope: str | None) -> frozenset[str] | None:
    """Return the provinces of a scope that was kept, None for everywhere. One that cannot be read
    holds nowhere: what a certificate does not say plainly is not allowed."""
    if scope is None or scope.strip().lower() in _EVERYWHERE:
        return None
    found = [_province(word) for word in _APART.split(scope)]
    return NOWHERE if None in found else frozenset(name for name in found if name is not None)


def outside(
    table: NumberTable,
    ports: Iterable[Port],
    carriers: npt.NDArray[np.int16],
    provinces: npt.NDArray[np.uint8],
) -> Bools | None:
    """Return who lives where the port of their carrier may not be used, None where all ports may be
    used everywhere. `carriers`: place in `ports` of each person's carrier. Somebody whose province
    is not known lives in none."""
    found: Bools | None = None
    for place, port in enumerate(ports):
        if port.provinces is None:
            continue
        names = port.provinces - NOWHERE
        held = [index for index, name in enumerate(table.provinces) if name.zh in names]
        out = (carriers == place) & ~np.isin(provinces, held)
        found = out if found is None else found | out
    return found


def _province(word: str) -> str | None:
    word = word.strip()
    return _names().get(_TAIL.sub("", word).lower())


@cache
def _names() -> dict[str, str]:
    """Return the Chinese name by each name of a province, in small letters."""
    provinces = NumberTable.load().provinces
    return {name.lower(): one.zh for one in provinces for name in (one.zh, one.en) if name}
