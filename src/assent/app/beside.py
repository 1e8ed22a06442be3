"""Files beside the database that an old backup does not take back with it: the journal of refusals,
and the ledger's last checkpoint.

They carry the id of the log's key in their names, so that installations may share a directory, and
belong on another disk than the database. Journals are a file a month and role.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from assent.clock import Clock
from assent.consent.note import PublicKey
from assent.errors import AssentError, InvalidInput
from assent.flow.rollback import head_of
from assent.flow.sealing import Head

_SUFFIX: Final = ".journal"
_MONTH: Final = timedelta(days=31)


class _HeadFile(msgspec.Struct):
    note: str
    at: float


class Beside:
    """The files of one process. `role` keeps processes from writing into each other's journal."""

    def __init__(self, directory: Path, key: PublicKey, role: str, clock: Clock, days: int) -> None:
        self.directory = directory
        self._mark = key.id.hex()
        self._role = role
        self._clock = clock
        self._days = days
        self._head = directory / f"head-{self._mark}.json"
        self._open: tuple[Path, int] | None = None

    def make(self) -> None:
        """Make the directory. Raises InvalidInput where that cannot be."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _wrong(self.directory, error.strerror or "it cannot be made") from None

    # The journal -----------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Append to the journal, durably. Raises OSError."""
        os.write(self._journal(), octets)
        os.fdatasync(self._journal())

    def _journal(self) -> int:
        month = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m")
        path = self.directory / f"refusals-{self._mark}-{self._role}-{month}{_SUFFIX}"
        if self._open is not None and self._open[0] == path:
            return self._open[1]
        self.close()
        new = not path.exists()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._open = path, file
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")  # a crash cut its last line off: ours begins its own
        if new:
            _sync(self.directory)
            self.prune()
        return file

    def close(self) -> None:
        """Let go of the journal."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def prune(self) -> int:
        """Remove journals whose month ended longer ago than they are kept; return how many."""
        before = datetime.fromtimestamp(self._clock.now(), UTC) - timedelta(days=self._days)
        gone = 0
        for path in self._journals():
            try:
                begun = datetime.strptime(path.stem[-7:], "%Y-%m").replace(tzinfo=UTC)
            except ValueError:
                continue
            if begun + _MONTH < before:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _journals(self) -> list[Path]:
        return sorted(self.directory.glob(f"refusals-{self._mark}-*{_SUFFIX}"))

    def journals(self) -> Iterator[bytes]:
        """Yield the octets of each journal, oldest month first. Raises InvalidInput."""
        yield from _octets(self._journals())

    # The head --------------------------------------------------------------------------------

    def head(self) -> Head | None:
        """Return the last checkpoint that was kept, None where there is none yet. Raises
        InvalidInput for a file that cannot be read."""
        if not self._head.exists():
            return None
        try:
            file = msgspec.json.decode(self._head.read_bytes(), type=_HeadFile)
            return head_of(file.note, file.at) if file.note else Head(0, b"", "", file.at)
        except (OSError, msgspec.MsgspecError, AssentError):
            raise _wrong(self._head, "it does not hold a checkpoint") from None

    async def keep(self, head: Head) -> None:
        """Replace the file, durably. Raises OSError."""
        await asyncio.to_thread(self._replace, head)

    def _replace(self, head: Head) -> None:
        new = self._head.with_suffix(f".{self._role}")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(_HeadFile(head.note, head.at)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._head)
        _sync(self.directory)


def all_journals(directory: Path) -> Iterator[bytes]:
    """Yield the octets of every journal of a directory, whatever log's. Raises InvalidInput."""
    return _octets(directory.glob(f"refusals-*{_SUFFIX}"))


def _octets(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in sorted(paths, key=lambda one: one.stem[-7:]):
        try:
            yield path.read_bytes()
        except OSError as error:
            raise _wrong(path, error.strerror or "it cannot be read") from None


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _wrong(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        "journal_dir", f"{path}: {why}", field="ledger.journal_dir", rule="settings: ledger",
        mend="give a directory that the platform may write to, and leave its files alone",
    )  # fmt: skip
