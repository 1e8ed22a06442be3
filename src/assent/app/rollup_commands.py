"""Commands of counts and history that go to the database themselves, or to files."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer

from assent.app import settings as app_settings
from assent.app.direct import Config, guarded, opened
from assent.cli.rollups import Since, Until, rollups, zoned
from assent.clock import clock_from_environment
from assent.errors import Conflict
from assent.flow.history import export
from assent.flow.rollup_counts import HOUR_S
from assent.flow.rollup_recount import Recount
from assent.flow.rollups import Rollups, kept_since
from assent.numbers import NumberTable

history = typer.Typer(no_args_is_help=True, help="What happened, as Parquet files.")


@rollups.command("check")
def check(config: Config = None, since: Since = None, until: Until = None) -> None:
    """Count again from the rows and compare; change nothing. The platform may run, though what is
    on its way is then told as a difference. Ends with 1 where anything differs."""
    raise typer.Exit(guarded(lambda: asyncio.run(_again(config, since, until, rebuild=False))))


@rollups.command("rebuild")
def rebuild(config: Config = None, since: Since = None, until: Until = None) -> None:
    """Replace the counts of a period, or of all that there are rows of, by what the rows come to.
    The platform may run: counting waits, nothing else does."""
    raise typer.Exit(guarded(lambda: asyncio.run(_again(config, since, until, rebuild=True))))


async def _again(
    config: Path | None, since: datetime | None, until: datetime | None, *, rebuild: bool
) -> int:
    settings, clock = app_settings.load(config), clock_from_environment()
    period = _seconds(since), _seconds(until)
    async with opened(settings, clock) as (store, _):
        await Rollups(store, clock).finish()
        recount = Recount(store, kept_since(clock.now(), settings.counts_months) + 86_400.0)
        report = await (recount.rebuild(*period) if rebuild else recount.check(*period))
    print(json.dumps(asdict(report), ensure_ascii=False))
    return 1 if report.wrong else 0


@history.command("export")
def export_history(
    out: Annotated[Path, typer.Option("--out", help="A new directory.", file_okay=False)],
    since: Annotated[datetime, typer.Option("--from", help="The first hour, in UTC.")],
    until: Annotated[datetime, typer.Option("--to", help="Up to this hour, in UTC.")],
    config: Config = None,
) -> None:
    """Write what happened to the messages of a period as Parquet, a file a day: people by their
    internal ids, no number and no text. The platform may run."""
    raise typer.Exit(guarded(lambda: asyncio.run(_export(config, out, since, until))))


async def _export(config: Path | None, out: Path, since: datetime, until: datetime) -> int:
    settings, clock = app_settings.load(config), clock_from_environment()
    begin, end = _seconds(since) or 0.0, _seconds(until) or 0.0
    async with opened(settings, clock) as (store, _):
        await Rollups(store, clock).finish()
        told = await export(store, NumberTable.load(), out, begin, end)
    print(json.dumps({"rows": told.rows, "files": told.files}))
    return 0


@history.command("count")
def count_history(
    directories: Annotated[list[Path], typer.Argument(help="What assent history export wrote.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="A new directory for counts.", file_okay=False)
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="How many threads.")] = 2,
) -> None:
    """Count history as the platform counts: by hour, port, sender, account, carrier, province,
    category and purpose. Writes hours.parquet and codes.parquet; prints sums."""
    raise typer.Exit(guarded(lambda: _count(directories, out, threads)))


def _count(directories: list[Path], out: Path | None, threads: int) -> int:
    from assent.watch.history_counts import counts_of, files_of  # DuckDB takes a while to load

    counts = counts_of(files_of(directories), threads)
    if out is not None:
        try:
            out.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise Conflict(
                "directory_in_use", f"{out.name} is there already", field="out",
                rule="rollups: history", mend="name a new directory",
            ) from None  # fmt: skip
        pq.write_table(counts.hours, out / "hours.parquet", compression="zstd")
        pq.write_table(counts.codes, out / "codes.parquet", compression="zstd")
    told: dict[str, Any] = {"events": counts.events, "rows": counts.hours.num_rows}
    for name in ("submitted", "delivered", "failed", "refused", "complained"):
        told[name] = sum(counts.hours.column(name).to_pylist())
    print(json.dumps(told))
    return 0


def _seconds(at: datetime | None) -> float | None:
    """Return the hour of a moment of the command line."""
    one = zoned(at)
    return None if one is None else one.timestamp() // HOUR_S * HOUR_S
