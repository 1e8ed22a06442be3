"""Benchmarks' figures for people: one block a benchmark, goals beside what was reached."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

GOALS: Final[Mapping[str, str]] = {
    "wire": "ratio at least 0.5 of the bare sender",
    "links": "one link at least 0.7 of the bare sender, receipts on",
    "codec": "no slower than smpplib",
    "copy": "no goal of its own: how much of raw COPY is left",
    "decisions": "at least 2,000,000 a second",
    "standing": "100,000,000 consents in less than 1,000 MB, loaded in less than 120 s",
    "road": "at least 20,000 messages a second on 2 cores",
    "customers": "at least 8,000 durable submits a second from one windowed customer",
    "gateways": (
        "one message a request: at least 0.5 of Kannel and 5 times Jasmin, p99 below 50 ms;"
        " the road: at least 3 times Kannel and 60 times Jasmin"
    ),
    "ledger": "a million entries are imported in minutes; proofs grow with the logarithm",
    "admission": "a revoked port is silent within 1,000 ms under full load; the money is proved",
    "refusals": "p99 to the commit below 50 ms, to silence below 100 ms, under full load",
    "lookalikes": (
        "recall at least 0.95, generated and real with a brand to be read; no official host and at"
        " most 0.1 % of ordinary ones flagged"
    ),
    "kinds": "against TF-IDF with linear support vectors on the same split (docs/kinds.md)",
    "screening": (
        "a fresh text: p99 below 5 ms; at least 20,000 texts a second on 2 cores;"
        " a text seen before is a look-up"
    ),
    "near": (
        "answers right at least 0.95, pairs connected at least 0.9; 20,000 texts a second indexed"
        " and queried"
    ),
    "warning": "honest senders gravely alarmed about in a quarter: at most 0.1 %; villains in days",
    "quarter": "each villain found; honest senders restricted: at most 0.1 %",
    "replay": "a million decisions again in minutes, the same rulebook differs in nothing",
    "codes": "p99 below 30 ms while a campaign runs",
    "rollups": (
        "history: at least 1,000,000 events a second on 2 cores; live: 20,000 messages a second on"
        " a fraction of one core"
    ),
    "written": "a person's messages are found at least 20 times as fast by segments",
}


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how busy it was before."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def lines(name: str, figures: Mapping[str, Any]) -> list[str]:
    """Return a benchmark's block."""
    return [name, f"  goal: {GOALS[name]}", *_nested(figures, 2), ""]


def _nested(figures: Mapping[str, Any], indent: int) -> list[str]:
    found: list[str] = []
    for key, value in figures.items():
        label = " " * indent + str(key).replace("_", " ")
        if isinstance(value, Mapping):
            found += [label, *_nested(value, indent + 2)]
        else:
            found.append(f"{label:<44} {_shown(value)}")
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")
