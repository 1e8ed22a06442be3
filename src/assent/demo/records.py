"""What a run leaves behind for anyone who wants to check it: files, written and read.

`audience-*.csv` and `consents.csv` as submitted, `refusals.csv` (refusals reported by a sender),
`submitted.csv` (every message handed in), `ports.csv`, and each simulated carrier's own
`carrier-<name>.jsonl`. Times are UTC; `t` is ns since 1970, the clock of the carriers' records.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "ports.csv": ("port", "sender", "signature", "group", "purpose"),
    "consents.csv": (
        "time", "t", "sender", "programme", "person", "given", "grade", "wording", "source",
    ),
    "refusals.csv": ("time", "t", "sender", "group", "person", "source"),
    "submitted.csv": ("time", "t", "order", "person", "sender", "purpose"),
}  # fmt: skip


class Pdu(msgspec.Struct, frozen=True):
    """One line of a carrier's record (docs/simulator.md); what is not needed is not read."""

    t: int
    carrier: str
    direction: str
    connection: int
    command: str
    sequence: int
    source: str | None
    destination: str | None
    text: str | None
    segment: tuple[int, int, int] | None
    message_id: str | None
    status: int | str | None


@dataclass(frozen=True, slots=True)
class Port:
    """A line of ports.csv."""

    port: str
    sender: str
    signature: str
    group: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A line of submitted.csv: `t` is before the request that handed it in."""

    t: int
    order: str
    person: str
    sender: str
    purpose: str


@dataclass(slots=True)
class Records:
    """The records of a run. `consents`: (t, sender, person); `refusals`: (t, group, person)."""

    pdus: list[Pdu] = field(default_factory=list)
    ports: dict[str, Port] = field(default_factory=dict)
    consents: list[tuple[int, str, str]] = field(default_factory=list)
    refusals: list[tuple[int, str, str]] = field(default_factory=list)
    submitted: list[Submitted] = field(default_factory=list)


class Keeper:
    """Writes the records of what is handed in. The files hold numbers: they are private."""

    def __init__(self, directory: Path) -> None:
        """Begin the files in `directory`, which is made if absent."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        for name, head in HEADS.items():
            self._write(name, [head], "w")

    def audience(self, name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
        """Write an audience file; it is what will be uploaded."""
        path = self.directory / f"audience-{name}.csv"
        self._write(path.name, [head, *rows], "w")
        return path

    def ports(self, rows: Iterable[Sequence[str]]) -> None:
        """Write who may send what from which number."""
        self._write("ports.csv", rows)

    def consents(
        self, t: int, sender: str, programme: str, rows: Iterable[tuple[str, datetime]],
        grade: str, wording: str, source: str,
    ) -> None:  # fmt: skip
        """Write consents (number, when given) as they are about to be imported."""
        self._write(
            "consents.csv",
            (
                (stamp(t), t, sender, programme, number, given.isoformat(), grade, wording, source)
                for number, given in rows
            ),
        )

    def refusals(
        self, t: int, sender: str, group: str, numbers: Iterable[str], source: str
    ) -> None:
        """Write refusals that a sender reported, once the platform has answered."""
        self._write(
            "refusals.csv", ((stamp(t), t, sender, group, number, source) for number in numbers)
        )

    def submitted(
        self, t: int, order: str, numbers: Iterable[str], sender: str, purpose: str
    ) -> None:
        """Write messages that are about to be handed in."""
        self._write(
            "submitted.csv",
            ((stamp(t), t, order, number, sender, purpose) for number in numbers),
        )

    def _write(self, name: str, rows: Iterable[Sequence[Any]], mode: str = "a") -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        with path.open(mode, encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


def stamp(t: int) -> str:
    """Return nanoseconds since 1970 as people read times."""
    return datetime.fromtimestamp(t / 1e9, UTC).isoformat(timespec="microseconds")


def load(directory: Path) -> Records:
    """Read the records of a run. Raises OSError, ValueError, KeyError for what is no such."""
    records = Records()
    for path in sorted(directory.glob("carrier-*.jsonl")):
        records.pdus += read_pdus(path)
    records.pdus.sort(key=lambda pdu: pdu.t)
    for row in _rows(directory / "ports.csv"):
        records.ports[row["port"]] = Port(**row)
    for row in _rows(directory / "consents.csv"):
        records.consents.append((int(row["t"]), row["sender"], row["person"]))
    for row in _rows(directory / "refusals.csv"):
        records.refusals.append((int(row["t"]), row["group"], row["person"]))
    for row in _rows(directory / "submitted.csv"):
        t = int(row["t"])
        records.submitted.append(
            Submitted(t, row["order"], row["person"], row["sender"], row["purpose"])
        )
    return records


def read_pdus(path: Path) -> Iterator[Pdu]:
    """Yield the lines of a carrier's record."""
    decoder = msgspec.json.Decoder(Pdu)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
