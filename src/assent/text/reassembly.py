"""Segments back into messages. Pure: whoever keeps the segments asks, as often as one more comes.

Nothing is dropped: every segment ends in exactly one message, whole or not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Part = TypeVar("Part")
Kind = TypeVar("Kind", bound=Hashable)

MISSING = "…"
"""Stands in a text for one or more segments that did not come."""


def messages(parts: Iterable[Part], told: Callable[[Part], tuple[int, bytes]]) -> list[list[Part]]:
    """Sort the segments of one reference (of one sender, receiver and total) into messages.

    parts: in the order of arrival, which need not be that of their numbers. told: the number of a
    segment, and its octets. A repeat joins the message that it repeats. The same number with other
    octets means that the sender uses the reference again (facts 6.2: it has 8 or 16 bits, and some
    telephones always take the same): a new message begins. A segment is taken for the newest
    message that lacks it."""
    found: list[tuple[dict[int, bytes], list[Part]]] = []
    for part in parts:
        number, content = told(part)
        home = next((one for one in found if one[0].get(number) == content), None)
        if home is None:
            home = next((one for one in reversed(found) if number not in one[0]), None)
        if home is None:
            home = ({}, [])
            found.append(home)
        home[0][number] = content
        home[1].append(part)
    return [members for _, members in found]


def joined(
    total: int,
    segments: Mapping[int, tuple[Kind, bytes]],
    read: Callable[[Kind, bytes], str],
) -> str:
    """Return the text of a message as far as it came, "…" where segments are missing.

    segments: by number from 1, each with its kind of octets (alphabet and what else `read` must
    know). Neighbours of one kind are joined before they are read: some senders cut inside a
    character."""
    runs: list[tuple[Kind | None, bytes]] = []
    for number in range(1, total + 1):
        kind, octets = segments.get(number, (None, b""))
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + octets)
        else:
            runs.append((kind, octets))
    return "".join(MISSING if kind is None else read(kind, octets) for kind, octets in runs)


def is_repeat(parts: Sequence[tuple[int, bytes]], earlier: Mapping[int, bytes]) -> bool:
    """Tell whether segments say nothing that an earlier message of their reference did not."""
    return bool(parts) and all(earlier.get(number) == octets for number, octets in parts)
