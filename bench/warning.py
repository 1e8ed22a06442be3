"""`python -m bench warning`: how right and how quick early warning is, and how much it reads.

Worlds of seeds that no number was tuned on; then a history in Parquet, counted and looked at.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assent.watch import detectors
from assent.watch.cubes import Cubes
from assent.watch.history_facts import records_of
from assent.watch.measured import measure
from assent.watch.rules import Rules
from assent.watch.simulated import Plan as Senders
from assent.watch.simulated import World, world

FIRST_SEED = 1_000
"""Numbers were chosen on seeds below it."""
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Plan:
    """`step`: hours between two looks. `events`: rows of history, about."""

    seeds: int = 6
    senders: Senders = field(default_factory=Senders)
    step: int = 6
    events: int = 50_000_000

    @classmethod
    def quick(cls) -> Plan:
        """Return a tiny one."""
        return cls(1, Senders(60, 91, 1), 72, 100_000)


def run(plan: Plan, tell: Callable[[str], None], place: Path | None = None) -> dict[str, Any]:
    """Return the figures."""
    rules = Rules.load()

    def worlds() -> Any:
        for seed in range(FIRST_SEED, FIRST_SEED + plan.seeds):
            tell(f"seed {seed}")
            yield seed, world(seed, plan.senders)

    found = measure(worlds(), rules, plan.step)
    with tempfile.TemporaryDirectory(dir=place) as directory:
        return {**found, "history": history(Path(directory), plan, rules, tell)}


def history(
    directory: Path, plan: Plan, rules: Rules, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Write a history of a world, count it with DuckDB, look at each of its days."""
    made = world(FIRST_SEED, plan.senders)
    tell("writing history")
    files, events = written(directory, made, plan.events)
    begun = time.perf_counter()
    records = records_of(files, rules)
    counted = time.perf_counter()
    cubes = Cubes(records, made.parties)
    hours = range(int(records.hour[0]) + 23, int(records.hour[-1]) + 1, 24)
    seen = {one.sender for hour in hours for one in detectors.look(cubes.view(hour), rules)}
    looked = time.perf_counter()
    return {
        "events": events, "rows": len(records), "counted_s": round(counted - begun, 2),
        "events_a_second": round(events / (counted - begun)), "looks": len(hours),
        "looked_s": round(looked - counted, 2),
        "villains_seen": len(seen & set(made.villains)), "villains": len(made.villains),
    }  # fmt: skip


def written(directory: Path, made: World, events: int) -> tuple[list[Path], int]:
    """Write about so many events as files of the export of history, ten days each; return how many
    there are."""
    rows = made.records
    sent = rows.counts["submitted"]
    scale = events / max(float(sent.sum() + rows.counts["delivered"].sum()), 1.0)
    rng = np.random.default_rng(FIRST_SEED)
    people = np.zeros(int(rows.sender.max()) + 1, np.int64)
    day = (rows.hour - rows.hour[0]) // 240
    files, total = [], 0
    for part in range(int(day[-1]) + 1):
        picked = np.flatnonzero(day == part)
        n = rng.poisson(sent[picked] * scale)
        table = _table(rng, made, picked, n, people)
        files.append(directory / f"{part:03}.parquet")
        pq.write_table(table, files[-1], compression="zstd")
        total += table.num_rows
    return files, total


def _table(rng: Any, made: World, picked: Any, n: Any, people: Any) -> pa.Table:
    rows = made.records
    which = np.repeat(picked, n)
    sender = rows.sender[which]
    of = np.maximum(rows.counts["written"], 1)
    new = rng.random(len(which)) < (rows.counts["strangers"] / of)[which]
    # A stranger gets the sender's next number; the others are some that it has.
    order = np.argsort(sender, kind="stable")
    grown = np.cumsum(new[order])
    first = np.searchsorted(sender[order], sender[order])
    base = np.where(first > 0, grown[np.maximum(first - 1, 0)], 0)
    known = np.empty(len(which), np.int64)
    known[order] = people[sender[order]] + grown - base
    person = np.where(new, known, (rng.random(len(which)) * np.maximum(known, 1)).astype(np.int64))
    np.add.at(people, sender[new], 1)
    at = rows.hour[which] * _HOUR_MS + rng.integers(0, _HOUR_MS, len(which))
    failed = rng.random(len(which)) < (rows.counts["failed"] / of)[which]
    loan = rows.category[which] == 1
    offers = rng.random(len(which)) < (rows.counts["commercial"] / of)[which]
    category = np.where(loan, "loan", np.where(offers, "retail", "notice"))
    columns = {
        "kind": np.concatenate([np.ones(len(which), np.int64), np.where(failed, 3, 2)]),
        "accepted_at": np.concatenate([at, at]).astype("datetime64[ms]"),
        "sender": np.concatenate([sender, sender]),
        "account": np.concatenate([sender, sender]),
        "port": np.concatenate([sender, sender]),
        "purpose": np.concatenate([rows.purpose[which]] * 2),
        "person": np.concatenate([person + 1, person + 1]),
        "category": np.concatenate([category, category]),
    }
    return pa.table(columns)
