"""What `assent simulate quarter` prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from assent.quarter.outcome import Outcome
from assent.quarter.run import Options, main


def run(seed: int, scale: str, as_json: bool, out: Path | None, villains: Path | None) -> int:
    """Run a quarter and print what became of everybody; return 0. With `as_json` the only line of
    standard output is one object."""
    console = Console(stderr=as_json, file=sys.stderr if as_json else None, highlight=False)
    outcome = main(Options(seed, scale, out, villains), console.print)
    if as_json:
        print(json.dumps(outcome.told(), ensure_ascii=False), flush=True)
    else:
        _show(outcome, console)
    return 0


def _show(outcome: Outcome, console: Console) -> None:
    table = Table("villain", "found", "days", "left before", "left after")
    for one in outcome.villains:
        days = "" if one.days_to_detection is None else f"{one.days_to_detection:.1f}"
        counts = (f"{one.messages_before:,}", f"{one.messages_after:,}")
        table.add_row(one.kind, "yes" if one.found else "no", days, *counts)
    console.print(table)
    console.print(
        f"{outcome.honest_restricted} of {outcome.honest_senders:,} honest senders restricted; "
        f"{outcome.messages:,} messages, {outcome.complaints} complaints, {outcome.cases} cases; "
        f"{outcome.seconds:.0f} s"
    )
