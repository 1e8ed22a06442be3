"""What processes cost, read from /proc: CPU seconds and memory. Linux only, as the benchmarks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def cpu_s(pid: int) -> float:
    """Return the CPU seconds, user and system, of a process and of its children that ended."""
    fields = _stat(pid)
    return 0.0 if fields is None else sum(int(fields[i]) for i in (11, 12, 13, 14)) / _TICKS


def children_of(parent: int) -> list[int]:
    """Return the living children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


def private_bytes(pid: int) -> int:
    """Return the memory that a process does not share, bytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return 1024 * (sizes.get("Private_Clean", 0) + sizes.get("Private_Dirty", 0))


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is in RAM, shared pages included, bytes."""
    fields = _stat(pid)
    return 0 if fields is None else int(fields[21]) * _PAGE


def machine_busy_s() -> float:
    """Return the CPU seconds spent by everything on the machine since it started."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / _TICKS


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds by name at one moment; `machine` is everything that ran."""

    by_name: Mapping[str, float]
    machine: float


def costs(pids: Mapping[str, int], trees: Mapping[str, int] | None = None) -> Cost:
    """Read the CPU seconds of processes, and of `trees`: processes with all their children."""
    found = {name: cpu_s(pid) for name, pid in pids.items()}
    for name, pid in (trees or {}).items():
        found[name] = cpu_s(pid) + sum(cpu_s(child) for child in children_of(pid))
    return Cost(found, machine_busy_s())


def spent(before: Cost, after: Cost) -> dict[str, float]:
    """Return the CPU seconds between two moments, and of `others` on the machine."""
    used = {name: after.by_name[name] - before.by_name[name] for name in after.by_name}
    used["others"] = max(0.0, after.machine - before.machine - sum(used.values()))
    return used


def tree_bytes(pid: int) -> int:
    """Return the unshared memory of a process and its children, bytes."""
    return private_bytes(pid) + sum(private_bytes(child) for child in children_of(pid))
