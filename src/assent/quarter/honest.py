"""What honest senders do, day by day."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from random import Random
from typing import Any, Final

from assent.quarter.cast import Sender
from assent.quarter.population import Population, chosen
from assent.quarter.world import SLOTS, World

_MOST_ROWS: Final = 90
_WEIGHTS: Final = {"marketing": 5, "notification": 4, "verification": 4}


class Honest:
    """All honest senders."""

    def __init__(self, senders: Sequence[Sender], seed: int) -> None:
        self.senders = list(senders)
        self._rng = Random(f"quarter-{seed}-acts")
        self._plan: dict[tuple[int, int], list[tuple[Sender, int]]] = {}
        for sender in senders:
            for day, size in sender.days.items():
                slot = self._rng.randrange(len(SLOTS))
                self._plan.setdefault((day, slot), []).append((sender, size))

    def settle(self, population: Population) -> None:
        """Choose whom everybody writes to; lists of neighbours overlap as they do in a town."""
        for sender in self.senders:
            largest = max(sender.days.values())
            wanted = min(_MOST_ROWS, max(12, 2 * largest))
            sender.people = population.some(wanted, self._rng)

    def consents(self, world: World) -> list[Awaitable[Any]]:
        """Bring the consents that people gave."""
        return [
            world.agree(sender, sender.people, self._rng)
            for sender in self.senders
            if "marketing" in sender.ports
        ]

    def acts(self, world: World, day: int, slot: int) -> list[Awaitable[Any]]:
        """Return what is ordered at a time."""
        return [
            self._order(world, sender, size) for sender, size in self._plan.get((day, slot), ())
        ]

    def _order(self, world: World, sender: Sender, size: int) -> Awaitable[Any]:
        rng = self._rng
        purposes = list(sender.ports)
        purpose = rng.choices(purposes, [_WEIGHTS[one] for one in purposes])[0]
        return ordinary(world, sender, purpose, chosen(sender.people, size, rng), rng)


def ordinary(
    world: World, sender: Sender, purpose: str, people: Sequence[str], rng: Random
) -> Awaitable[Any]:
    """Return an order as honest senders place them."""
    if purpose == "marketing":
        text = rng.choice(list(sender.offers)).replace("{contact}", sender.contact)
        return world.send(sender, purpose, people, text=text, relation="members")
    if purpose == "verification":
        return world.send(
            sender, purpose, people, template="code",
            variables=lambda _: {"code": f"{rng.randrange(10**6):06d}"},
        )  # fmt: skip
    return world.send(
        sender, purpose, people, template=f"notice{rng.randrange(len(sender.notices))}",
        variables=lambda _: {"a": f"{rng.randrange(10**5):05d}", "b": f"{rng.randrange(1, 28)}日"},
    )  # fmt: skip
