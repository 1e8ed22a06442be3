"""Ninety days, three times a day: the clock moves, people answer, everybody acts, and the platform
comes to rest before it moves again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from assent.errors import AssentError
from assent.quarter.cast import DAYS
from assent.quarter.honest import Honest
from assent.quarter.plot import Plot
from assent.quarter.register import OPERATOR
from assent.quarter.staff import Staff
from assent.quarter.stage import Stage
from assent.quarter.world import SLOTS, World, together

_MINUTE: Final = 61.0
_ROUNDS: Final = 2
_PARTS: Final = 3
_APART_S: Final = 1_300.0
_PATIENCE_S: Final = 0.5
_LOOK_S: Final = 0.01
_LOOKS_S: Final = 65.0
"""Longer than any room of watching waits between two looks."""
_POLL_S: Final = 0.03
_AGAIN_S: Final = 0.5
_WATCH_S: Final = 60.0


class Days:
    """The quarter under way."""

    def __init__(
        self, world: World, stage: Stage, honest: Honest, plots: Sequence[Plot], staff: Staff
    ) -> None:
        self._world = world
        self._stage = stage
        self._honest = honest
        self._plots = plots
        self._staff = staff
        self._given_up = 0
        self.late = 0

    async def run(self, days: int = DAYS, tell: Callable[[int], None] = lambda day: None) -> None:
        """Play; return when the last day is over. Raises AssentError when the platform ended."""
        world, clock = self._world, self._world.clock
        clock.move_to(world.at(0, 1.0))
        await together(
            [*self._honest.consents(world), *(a for p in self._plots for a in p.consents(world))]
        )
        for day in range(days):
            for slot, hour in enumerate(SLOTS):
                clock.move_to(world.at(day, hour))
                world.receivers.speak()
                await self._act(day, slot)
                for _ in range(_ROUNDS):
                    again = [act for plot in self._plots for act in plot.rounds(world, day, slot)]
                    if again:
                        clock.move_to(clock.now() + _MINUTE)
                        await together(again)
                        await self._rest()
                if slot == len(SLOTS) - 1:
                    await self._looked()
                    await self._staff.evening(day)
            if not self._stage.alive():
                raise AssentError("quarter_platform", self._stage.last_words())
            tell(day)

    async def _looked(self) -> None:
        """Wait until whoever watches has looked at the day, and cases were opened of it."""
        clock = self._world.clock
        begun = clock.now()
        clock.move_to(begun + _LOOKS_S)
        first = begun + _LOOKS_S
        await self._reached({"warning": first, "ceilings": first, "rollups": begun})
        then = clock.now() + _LOOKS_S
        clock.move_to(then)
        await self._reached({"cases": then})

    async def _reached(self, wanted: Mapping[str, float]) -> None:
        """Wait until looks of these names began at their times or later. Raises AssentError when
        that does not come to pass."""
        clock, loop = self._world.clock, asyncio.get_running_loop()
        end = loop.time() + _WATCH_S
        again = loop.time() + _AGAIN_S
        while True:
            health = await self._world.client(OPERATOR, "auditor").health()
            processes = health["processes"]
            looks = (processes.get("watch") or processes.get("all") or {}).get("looks", {})
            if all(looks.get(name, 0.0) >= at for name, at in wanted.items()):
                return
            if loop.time() > end:
                raise AssentError("quarter_platform", f"no look for {_WATCH_S:.0f} s: {looks}")
            if loop.time() > again:  # it was in the middle of a look, and waits anew
                clock.move_to(clock.now() + _LOOKS_S)
                again = loop.time() + _AGAIN_S
            await asyncio.sleep(_POLL_S)

    async def _act(self, day: int, slot: int) -> None:
        """Have everybody order: villains at once, honest senders some minutes apart."""
        acts: list[Any] = []
        for plot in self._plots:
            acts += plot.acts(self._world, day, slot)
        honest = self._honest.acts(self._world, day, slot)
        for part in range(_PARTS):
            if part:
                self._world.clock.move_to(self._world.clock.now() + _APART_S)
            await together([*acts, *honest[part::_PARTS]])
            await self._rest()
            acts = []

    async def _rest(self) -> None:
        """Wait until what was taken has left and what is said of it has arrived. When nothing
        came for half a second, the rest is kept back, and is not waited for again."""
        world, loop = self._world, asyncio.get_running_loop()
        seen, end = world.receivers.arrived, loop.time() + _PATIENCE_S
        while self._stage.waiting or len(world.receivers.sent) < world.expected - self._given_up:
            if world.receivers.arrived != seen:
                seen, end = world.receivers.arrived, loop.time() + _PATIENCE_S
            if loop.time() > end:
                self._given_up = world.expected - len(world.receivers.sent)
                self.late += 1
                return
            await asyncio.sleep(_LOOK_S)
