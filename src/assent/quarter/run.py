"""`assent simulate quarter`: ninety days on a real platform, from nothing to a verdict."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from assent.errors import InvalidInput
from assent.quarter import villains
from assent.quarter.cast import DAYS, Sender, honest
from assent.quarter.days import Days
from assent.quarter.honest import Honest
from assent.quarter.outcome import Outcome, judge_villain, keep_truth
from assent.quarter.plot import Plot
from assent.quarter.plots import plots
from assent.quarter.population import Population
from assent.quarter.receivers import Receivers
from assent.quarter.register import Cast, register
from assent.quarter.staff import Staff
from assent.quarter.stage import Stage
from assent.quarter.world import START, World

_VILLAINS_FROM: Final = 90_000
_PEOPLE_A_SENDER: Final = 6


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a quarter is. `orders` of a sender in the quarter, `receivers` of an order, on
    average; `force`: how much more villains send; `days` of it are played."""

    senders: int
    orders: float
    receivers: float
    force: float = 1.0
    days: int = DAYS


SCALES: Final = {
    "tiny": Scale(60, 6.0, 5.0),
    "small": Scale(1_000, 6.0, 5.0),
    "full": Scale(4_000, 20.0, 10.0, 3.0),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for. `out`: where truth and outcome are written; `database_url`: of an
    empty database to use instead of a fresh embedded one; `shape`: a scale of one's own, which
    `scale` only names."""

    seed: int = 1
    scale: str = "small"
    out: Path | None = None
    villains: Path | None = None
    database_url: str | None = None
    shape: Scale | None = None


class Quarter:
    """One quarter: who is in it, and the platform under it."""

    def __init__(self, options: Options) -> None:
        """Draw everybody. Raises InvalidInput for a wrong file of villains or scale."""
        scale = options.shape or SCALES.get(options.scale)
        if scale is None:
            raise InvalidInput(
                "bad_scale", f"scales are {', '.join(SCALES)}", field="--scale", mend="name one"
            )
        self.options = options
        self.scale = scale
        seed = options.seed
        ranges = villains.load(options.villains)
        self.population = Population(seed)
        self.population.settle(self.scale.senders * _PEOPLE_A_SENDER)
        senders = honest(self.scale.senders, seed, self.scale.orders, self.scale.receivers)
        self.honest = Honest(senders, seed)
        self.honest.settle(self.population)
        strengths = villains.draw(ranges, seed, self.scale.force)
        self.plots: list[Plot] = plots(strengths, _VILLAINS_FROM, seed)
        self.receivers = Receivers(seed)
        self.cases: list[dict[str, Any]] = []
        self.cast = self._cast(senders)

    def _cast(self, senders: list[Sender]) -> Cast:
        cast = Cast()
        for one in senders:
            cast.company(one)
        for plot in self.plots:
            plot.enter(cast, self.population)
        for one in cast.senders:
            self.receivers.knows(one)
        return cast

    async def play(self, root: Path, tell: Callable[[int], None] = lambda day: None) -> Outcome:
        """Play it on a fresh platform below `root`; return what became of everybody.

        Raises AssentError when the platform did not start or ended by itself.
        """
        options = self.options
        stage = Stage(root, START.timestamp(), options.seed, self.receivers)
        self.receivers.eye.clock = stage.clock
        try:
            await stage.start(options.database_url)
            keys = await stage.file(register(self.cast))
            world = World(
                stage.url, keys, stage.clock, self.population, self.receivers, options.seed
            )
            try:
                staff = Staff(world)
                days = Days(world, stage, self.honest, self.plots, staff)
                await days.run(self.scale.days, tell)
                return await self._outcome(world, staff)
            finally:
                await world.close()
        finally:
            await asyncio.shield(stage.stop())

    async def _outcome(self, world: World, staff: Staff) -> Outcome:
        cases = await staff.cases()
        self.cases = staff.listed
        receivers = self.receivers
        found = [
            judge_villain(plot, cases, receivers.sent, world, self.scale.days)
            for plot in self.plots
        ]
        restricted = world.restricted | await staff.restricted(self.honest.senders)
        people = self.honest.senders
        return Outcome(
            seed=self.options.seed,
            scale=self.options.scale,
            villains=found,
            honest_senders=len(people),
            honest_restricted=sum(one.code in restricted for one in people),
            messages=len(receivers.sent),
            complaints=receivers.counts["complaints"],
            refusals=receivers.counts["refusals"],
            cases=len(cases),
            cases_honest=sum(any(case.about(one) for one in people) for case in cases),
        )

    def keep(self, outcome: Outcome) -> None:
        """Write truth and outcome where they were asked for. Only when the platform has ended."""
        out = self.options.out
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            keep_truth(out / "truth.json", self.plots, self.honest.senders, self.options.seed)
            told = json.dumps(outcome.told(), ensure_ascii=False, indent=1)
            (out / "outcome.json").write_text(told, encoding="utf-8")
            cases = json.dumps(self.cases, ensure_ascii=False, indent=1)
            (out / "cases.json").write_text(cases, encoding="utf-8")


def main(options: Options, tell: Callable[[str], None]) -> Outcome:
    """Run a quarter; return its outcome. Raises AssentError when it could not be run to its end."""
    begin = time.perf_counter()
    quarter = Quarter(options)
    root = Path(tempfile.mkdtemp(prefix="assent-quarter-"))
    root.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through

    def day(number: int) -> None:
        if number % 10 == 9:
            tell(f"day {number + 1}: {len(quarter.receivers.sent):,} messages have left")

    try:
        outcome = asyncio.run(_until_stopped(quarter, root, day))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    outcome.seconds = round(time.perf_counter() - begin, 1)
    quarter.keep(outcome)
    return outcome


async def _until_stopped(quarter: Quarter, root: Path, tell: Callable[[int], None]) -> Outcome:
    """Play, and end everything when this process is asked to end."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await quarter.play(root, tell)
