"""Codes of the last hour by person: whom many codes, or codes of many senders, press on.

It is memory of one process, bounded; it is filled again from the last hour's orders at a start.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3_600.0
AGAIN_S: Final = 900.0
"""A second code within so long is a second request."""
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was ordered. `group`: the sender's owner."""

    at: float
    person: int
    group: int
    sender: int
    account: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """What is known when a code comes. `again`: its sender sent one shortly before; `pressed`: it
    presses. `groups`: how many owners' codes the person got within the hour, this one's
    included."""

    again: bool
    pressed: bool
    groups: int


class Pressing:
    """`codes`: of one owner to one person in an hour from which on they press; `owners`: how many
    owners' do."""

    def __init__(self, codes: int, owners: int, most: int = _MOST) -> None:
        self._codes, self._owners, self._most = codes, owners, most
        self._seen: OrderedDict[int, deque[Code]] = OrderedDict()

    def take(self, code: Code) -> Pressed:
        """Note a code; codes come in order of time, more or less."""
        mine = self._seen.setdefault(code.person, deque())
        self._seen.move_to_end(code.person)
        while mine and mine[0].at < code.at - HOUR_S:
            mine.popleft()
        own = [one for one in mine if one.group == code.group]
        mine.append(code)
        while len(mine) > 4 * max(self._codes, self._owners):
            mine.popleft()
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        groups = len({one.group for one in mine})
        again = any(code.at - one.at <= AGAIN_S and one.sender == code.sender for one in own)
        return Pressed(again, len(own) + 1 >= self._codes or groups >= self._owners, groups)

    def of(self, person: int) -> Sequence[Code]:
        """Return the codes of the hour before a person's last one."""
        return tuple(self._seen.get(person, ()))
