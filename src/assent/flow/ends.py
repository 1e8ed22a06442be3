"""What ended standing lately: the memory that dispatch checks pairs against.

Filled from `standing_end` in ledger order. Positions commit in order (the counter row is
locked until commit), so what is read up to a position is complete up to it.
"""

from __future__ import annotations

from typing import Final

from assent.flow.needs import Queries

EVERYONE: Final = 0
"""The group that stands for every sender."""


class Ends:
    """(group, person) → (position, mask of purposes) of the last end after `floor`."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self.head = floor
        self._of: dict[int, dict[int, tuple[int, int]]] = {}
        # What ended in one programme only: programme → person → position; and in whose groups.
        self._of_programme: dict[int, dict[int, int]] = {}
        self._groups: set[int] = set()

    async def sync(self, queries: Queries) -> None:
        """Read what was appended since the last time."""
        for row in await queries.fetch("ends_since", self.head):
            ended = row["position"], row["purposes"], row["programme_id"]
            self.note(row["group_id"], row["person_id"], *ended)

    def note(
        self, group: int, person: int, position: int, purposes: int, programme: int = 0
    ) -> None:
        """Take in an end; what the caller read is complete up to it. `programme`: the only one
        that it ends."""
        self.head = max(self.head, position)
        if programme:
            of_programme = self._of_programme.setdefault(programme, {})
            of_programme[person] = max(position, of_programme.get(person, 0))
            self._groups.add(group)
            return
        of_group = self._of.setdefault(group, {})
        before = of_group.get(person)
        if before is not None:
            # Keeping the older purposes under the newer position can only withhold more.
            purposes |= before[1]
            position = max(position, before[0])
        of_group[person] = (position, purposes)

    def any_for(self, group: int) -> bool:
        """Return whether anything ended for a group or for everyone: the usual answer is no."""
        return group in self._of or EVERYONE in self._of or group in self._groups

    def ended(self, group: int, person: int, guard: int, after: int, programme: int) -> bool:
        """Return whether a person's standing in a programme of a group (0: in none of them), for
        the purposes in `guard`, ended after a position."""
        if self._of_programme and self._of_programme.get(programme, {}).get(person, 0) > after:
            return True
        for key in (group, EVERYONE):
            of_group = self._of.get(key)
            if of_group is not None:
                end = of_group.get(person)
                if end is not None and end[0] > after and end[1] & guard:
                    return True
        return False

    async def ended_before(
        self,
        queries: Queries,
        group: int,
        position: int,
        people: list[int],
        guard: int,
        programme: int,
    ) -> set[int]:
        """Return those of some people whose standing ended after `position`, up to the head.

        For batches older than this memory.
        """
        rows = await queries.fetch("ends_of_group_between", group, position, self.head)
        hit = {
            row["person_id"]
            for row in rows
            if row["purposes"] & guard and row["programme_id"] in (0, programme)
        }
        return hit.intersection(people) if hit else hit
