"""Names that must agree between papers, and short names taken from a full one."""

from __future__ import annotations

from typing import Final

from rapidfuzz import fuzz

from assent.registry.characters import plain, simplified
from assent.registry.findings import Finding, found

_NEARLY: Final = 80.0


def compare_names(one: str, other: str) -> tuple[Finding, ...]:
    """Return how two names differ; nothing when they are the same to the letter."""
    if not plain(one) or not plain(other):
        return (found("name_empty"),)
    if one == other:
        return ()
    if plain(one) == plain(other):
        return (found("name_written_otherwise"),)
    if simplified(one) == simplified(other):
        return (found("name_other_characters"),)
    near = fuzz.ratio(simplified(one), simplified(other)) >= _NEARLY
    return (found("name_nearly" if near else "name_differs"),)


def same_name(one: str, other: str) -> bool:
    """Return whether two names are one, however written."""
    return bool(simplified(one)) and simplified(one) == simplified(other)


def in_order(short: str, full: str) -> bool:
    """Return whether a short name is taken from a full one without changing the order: its
    characters stand in the full name one after the other, perhaps with gaps."""
    rest = iter(simplified(full))
    return bool(simplified(short)) and all(c in rest for c in simplified(short))


def in_one_piece(short: str, full: str) -> bool:
    """Return whether a short name stands in a full one without gaps, place names in brackets
    left out: 安信商贸 in 安信（上海）商贸有限公司."""
    whole = simplified(full)
    head, opened, tail = whole.partition("(")
    without = head + tail.partition(")")[2] if opened else whole
    wanted = simplified(short)
    return bool(wanted) and (wanted in whole or wanted in without)
