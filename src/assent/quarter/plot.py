"""A villain: ordinary business until its day comes, then what it is there for.

Villains use the same doors as honest senders, and go on trying to the end of the quarter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from random import Random
from typing import Any

from assent.quarter.cast import Sender, Trade, sender
from assent.quarter.honest import ordinary
from assent.quarter.population import Population, chosen
from assent.quarter.receivers import Mood, Receivers
from assent.quarter.register import Cast
from assent.quarter.villains import Strength
from assent.quarter.world import World

Acts = list[Awaitable[Any]]


class Plot(ABC):
    """One villain. `senders`: in whose names it writes; `codes`: accounts it acts by."""

    def __init__(self, strength: Strength, first: int, seed: int) -> None:
        """`first`: the first place of senders that is free for it."""
        self.strength = strength
        self.kind = strength.kind
        self.start = strength.whole("start_day")
        self.rng = Random(f"quarter-{seed}-{strength.kind}-acts")
        self.first = first
        self.senders: list[Sender] = []
        self.tried = 0

    @abstractmethod
    def enter(self, cast: Cast, population: Population) -> None:
        """Be admitted: file what a register needs, and choose people."""

    @abstractmethod
    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done at a time, from its day on."""

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done before: a little business, as others do."""
        found: Acts = []
        for one in self.senders:
            if slot == one.place % 3 and (day + one.place) % 3 == 0 and one.people:
                purposes = [each for each in one.ports if each != "internal"]
                people = chosen(one.people, 6, self.rng)
                if purposes:
                    purpose = self.rng.choice(purposes)
                    found.append(ordinary(world, one, purpose, people, self.rng))
        return found

    def consents(self, world: World) -> Acts:
        """Bring what stands before the first day."""
        return []

    def rounds(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done again some minutes later."""
        return []

    def turn(self, receivers: Receivers) -> None:
        """From now on people feel what it does."""
        mood = Mood(
            self.strength.drawn.get("refusal_share", 0.0), self.strength.share("complaint_share")
        )
        for one in self.senders:
            for number in one.ports.values():
                receivers.moods[number] = mood

    def acts(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done at a time."""
        if day < self.start:
            return self.ordinary(world, day, slot)
        if day == self.start and slot == 0:
            self.turn(world.receivers)
        return self.villainy(world, day, slot)

    async def send(self, world: World, one: Sender, purpose: str, *args: Any, **more: Any) -> None:
        """Order, and count that it was tried."""
        self.tried += len(args[0])
        await world.send(one, purpose, *args, **more)

    def _make(self, place: int, trade: Trade, *purposes: str) -> Sender:
        made = sender(place, trade, purposes, self.rng)
        made.villain = self.kind
        self.senders.append(made)
        return made
