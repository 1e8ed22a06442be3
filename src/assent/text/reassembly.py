"""Segments back into messages. Pure: the time is passed in, nothing is ever dropped silently.

`messages` and `joined` are for who keeps the segments and asks as often as one more comes; a
`Reassembler` collects them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from assent.text.alphabet import Alphabet, SevenBit, decode

Tag = TypeVar("Tag")
_REMEMBERED: Final = 20
Key = tuple[str, str, int, int]
"""(source, destination, reference, total), as the segments carry them (facts 6.2)."""
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


@dataclass(slots=True)
class Assembled(Generic[Tag]):
    """A message, or what came of it. `tags` are the owner's marks of every segment that belongs to
    it, repeats included, in the order of arrival."""

    key: Key
    first_at: float
    parts: dict[int, tuple[Alphabet, bytes]] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)

    @property
    def missing(self) -> list[int]:
        """Numbers of the segments that did not come."""
        return [n for n in range(1, self.key[3] + 1) if n not in self.parts]

    @property
    def complete(self) -> bool:
        return len(self.parts) == self.key[3]

    def text(self, *, seven_bit: SevenBit = SevenBit.ASCII) -> str:
        """The text as far as it came, "…" where segments are missing (see `joined`)."""
        return joined(
            self.key[3],
            self.parts,
            lambda alphabet, data: decode(data, alphabet, "replace", seven_bit=seven_bit),
        )


class Reassembler(Generic[Tag]):
    """Collects segments, in any order, until their message is whole or too old.

    A repeat of a segment joins the message it repeats. The same number with other content means
    that the sender reuses the reference: what was collected comes back incomplete and a new
    message begins. A repeat of a message completed within the timeout comes back at once as
    `repeated`, so that the owner can acknowledge it and need not read it again."""

    def __init__(self, timeout_s: float, most: int = 100_000) -> None:
        """most: segments kept, repeats included; past it the oldest message comes back incomplete.
        Of finished messages hashes are remembered, of `_REMEMBERED` times as many segments."""
        self._timeout = timeout_s
        self._most = most
        self._open: dict[Key, Assembled[Tag]] = {}
        self._kept = 0
        self._done: dict[Key, tuple[float, dict[int, int]]] = {}
        self._remembered = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(
        self,
        source: str,
        destination: str,
        concat: tuple[int, int, int],
        alphabet: Alphabet,
        content: bytes,
        tag: Tag,
        now: float,
    ) -> tuple[list[Assembled[Tag]], bool]:
        """Take one segment: concat as from `text.concat_of`, content without its header.

        Returns (messages that are finished by it, whether it only repeats a message that was
        finished before; its tag is then in nobody's hands but the caller's). A finished message
        may be incomplete: look at `complete`."""
        reference, total, number = concat
        key = (source, destination, reference, total)
        part = (alphabet, content)
        self._forget(now)
        done = self._done.get(key)
        if done is not None and key not in self._open and done[1].get(number) == hash(part):
            return [], True
        finished: list[Assembled[Tag]] = []
        message = self._open.get(key)
        if message is not None and message.parts.get(number, part) != part:
            finished.append(self._pop(key))
            message = None
        if message is None:
            message = self._open[key] = Assembled(key, now)
        message.parts[number] = part
        message.tags.append(tag)
        self._kept += 1
        if message.complete:
            finished.append(self._pop(key))
            self._remember(message, now)
        while self._kept > self._most:
            finished.append(self._pop(next(iter(self._open))))
        return finished, False

    def _pop(self, key: Key) -> Assembled[Tag]:
        message = self._open.pop(key)
        self._kept -= len(message.tags)
        return message

    def _remember(self, message: Assembled[Tag], now: float) -> None:
        self._drop(message.key)
        hashes = {number: hash(part) for number, part in message.parts.items()}
        self._done[message.key] = (now, hashes)
        self._remembered += len(hashes)

    def expire(self, now: float) -> list[Assembled[Tag]]:
        """Return the messages whose first segment is older than the timeout, incomplete."""
        self._forget(now)
        before = now - self._timeout
        # All are looked at: segments that were taken over from another process are older than
        # some that came before them.
        old = [key for key, message in self._open.items() if message.first_at <= before]
        return [self._pop(key) for key in old]

    def next_deadline(self) -> float | None:
        """When `expire` has something to return."""
        times = [message.first_at for message in self._open.values()]
        return min(times) + self._timeout if times else None

    def _forget(self, now: float) -> None:
        before = now - self._timeout
        while self._done:
            key = next(iter(self._done))
            if self._done[key][0] > before and self._remembered <= self._most * _REMEMBERED:
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        self._remembered -= len(self._done.pop(key, (0.0, {}))[1])
