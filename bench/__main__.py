"""`python -m bench [names] [--seconds N] [--quick] [--json] [--place DIR]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import uvloop

from assent.app.worker import configure_logging
from bench import (
    admission,
    codes,
    copy,
    customers,
    decisions,
    gateways,
    kinds,
    ledger,
    links,
    near,
    quarter,
    refusals,
    replay,
    road,
    rollups,
    standing,
    warning,
    wire,
    written,
)
from bench.report import GOALS, lines, machine
from bench.road import Plan

NAMES: Final = tuple(GOALS)
_LENGTHS: Final = (
    "length of road (60), admission, refusals, codes (30), customers (5), gateways (8)"
)


def measure(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run one benchmark and return its figures."""
    quick, seconds, place = given.quick, given.seconds, given.place
    if name == "wire":
        return uvloop.run(wire.run(0.3, 1) if quick else wire.run())
    if name == "links":
        return uvloop.run(links.run(0.3, 1) if quick else links.run())
    if name == "codec":
        from bench import codec  # needs smpplib, which the others do not

        return codec.run(500, 1) if quick else codec.run()
    if name == "lookalikes":
        from bench import lookalikes  # needs dnstwist, which the others do not

        sample = lookalikes.Plan.quick() if quick else lookalikes.Plan()
        return lookalikes.run(sample, given.ordinary)
    if name == "screening":
        from bench import screening  # needs pyahocorasick

        return screening.run(screening.Plan.quick() if quick else screening.Plan(), tell)
    if name == "warning":
        return warning.run(warning.Plan.quick() if quick else warning.Plan(), tell, place)
    if name == "quarter":
        play = quarter.Plan.quick() if quick else quarter.Plan()
        return dict(quarter.run(replace(play, messages=given.messages or play.messages), tell))
    if name == "near":
        return near.run(near.Plan.quick() if quick else near.Plan(), tell)
    if name == "copy":
        return uvloop.run(copy.run(1, 2, place) if quick else copy.run(place=place))
    if name == "decisions":
        return decisions.run(20_000, 1) if quick else decisions.run()
    if name == "standing":
        size = standing.Plan(200_000, 300, 100_000) if quick else standing.Plan()
        stored = given.stored or size.stored
        return uvloop.run(standing.run(replace(size, stored=stored), place))
    if name == "rollups":
        part = rollups.Plan.quick() if quick else rollups.Plan()
        return uvloop.run(rollups.run(part, place, tell))
    if name == "replay":
        past = replay.Plan(12_000, 6_000, 300) if quick else replay.Plan()
        return uvloop.run(replay.run(past, place))
    if name == "written":
        some = written.Plan(20_000, 4_000, 20, 5) if quick else written.Plan()
        return uvloop.run(written.run(some, place))
    if name == "customers":
        length = seconds or (0.5 if quick else customers.Plan.seconds)
        return uvloop.run(customers.run(customers.Plan.of(length, quick), place, tell))
    if name == "gateways":
        length = seconds or gateways.Plan.seconds
        what = gateways.Plan(0.5, 1, 1.0, True, 10_000, 40.0) if quick else gateways.Plan(length)
        return uvloop.run(gateways.run(what, place, tell))
    if name == "ledger":
        amount = ledger.Plan.quick() if quick else ledger.Plan()
        return uvloop.run(ledger.run(amount, place, tell))
    if name == "admission":
        plan = Plan.of(seconds or (2.0 if quick else 30.0), quick)
        return uvloop.run(admission.run(plan, 2 if quick else admission.CUTS, place, tell))
    if name == "refusals":
        plan = Plan.of(seconds or (2.0 if quick else 30.0), quick)
        return uvloop.run(refusals.run(plan, refusals.RATE, place, tell))
    if name == "kinds":
        return kinds.run(tell, quick)
    if name == "road":
        plan = Plan.of(seconds or (1.0 if quick else 60.0), quick)
        return uvloop.run(road.run(plan, place, tell))
    plan = Plan.of((seconds or 30.0) * 2.4, quick)
    length = seconds or (1.0 if quick else 30.0)
    rate = 20.0 if quick else 50.0
    return uvloop.run(codes.run(length, rate, plan, place, tell, not given.fair))


def tell(words: str) -> None:
    """Say what is going on, beside the figures."""
    print(f"  ... {words}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named (all of them when none is)."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=float, help=_LENGTHS)
    parser.add_argument("--quick", action="store_true", help="tiny runs: whether they work")
    parser.add_argument("--fair", action="store_true", help="codes without realtime_codes")
    parser.add_argument("--stored", type=int, help="consents in PostgreSQL of standing")
    parser.add_argument("--messages", type=int, help="messages of quarter, about (1,000,000)")
    parser.add_argument("--ordinary", type=Path, help="domain lists for lookalikes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--place", type=Path, help="where PostgreSQL's data lies: on a disk")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(NAMES)}")
    configure_logging()  # on standard error, as in the product: figures stand alone on the other
    found: dict[str, Any] = {"machine": machine()}
    if not given.json:
        print(*(f"{key}: {value}" for key, value in found["machine"].items()), sep="\n", end="\n\n")
    for name in given.names or NAMES:
        found[name] = measure(name, given)
        if not given.json:
            print("\n".join(lines(name, found[name])), flush=True)
    if given.json:
        print(json.dumps(found, default=str))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
