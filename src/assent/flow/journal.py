"""The journal: a second copy, outside the database, of refusals, erasures and reassignments.

When an old backup is restored, the refusals given since are gone from the database and the people
who gave them would be written to. So each refusal is also a line of a file beside it, durable
before the refusal counts: the entry's octets, the person's number and whose messages it ends,
sealed by the vault. Lines that come together share one write to the disk. A disk that fails does
not fail a refusal: it is counted and shown.

A line is base64 of what the vault sealed, and a line feed. A last line that was cut off stands for
a refusal that did not count yet, and is passed over; so is one that was changed, which is counted.

That somebody was erased, or that her number has a new holder, is a line, too: the entry's octets
and the keyed digest of the number (marks.py), not the number.
"""

from __future__ import annotations

import asyncio
import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.consent.entry import Entry, decode, encode
from assent.errors import InvalidInput, Unavailable
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries
from assent.flow.people import Directory
from assent.flow.vault import Vault

OWNER: Final = "refusal journal, version 1"


@dataclass(frozen=True, slots=True)
class Noted:
    """A line: an entry as it was appended, the person's number, and the credit codes of the senders
    of its group (none for everybody's). Of somebody who is over: the `mark` of the number in place
    of it, and whether the mark was to stay."""

    entry: Entry
    msisdn: int
    senders: tuple[str, ...]
    mark: bytes = b""
    keep: bool = True


class RefusalJournal:
    """Keeps refusals. `write`: appends octets durably (called in another thread)."""

    def __init__(
        self,
        vault: Vault,
        directory: Directory,
        catalogue: Catalogue,
        write: Callable[[bytes], None],
    ) -> None:
        self._vault = vault
        self._directory = directory
        self._catalogue = catalogue
        self._write = write
        self._waiting: list[bytes] = []
        self._next: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.kept = 0
        self.lost = 0  # refusals that stand in the database alone
        self.last_error = ""

    async def begin(self, queries: Queries, entries: Sequence[Entry]) -> Awaitable[None]:
        """See :class:`assent.flow.refusals.Journal`."""
        people = np.array([entry.person for entry in entries], np.uint32)
        numbers = await self._directory.msisdns(queries, people)
        return self._put(
            [self._line(one, int(n)) for one, n in zip(entries, numbers.tolist(), strict=True)]
        )

    def over(self, entries: Sequence[Entry], marks: Sequence[bytes], keep: bool) -> Awaitable[None]:
        """See :class:`assent.flow.erasure.Journal`."""
        return self._put(
            [
                self._sealed([encode(entry).hex(), mark.hex(), keep])
                for entry, mark in zip(entries, marks, strict=True)
            ]
        )

    def _put(self, lines: list[bytes]) -> Awaitable[None]:
        self._waiting += lines
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        mine = self._next
        if self._task is None:
            self._task = asyncio.create_task(self._flush())
        return mine

    def _line(self, entry: Entry, number: int) -> bytes:
        senders = [one.credit_code for one in self._catalogue.senders_of_group(entry.group)]
        return self._sealed([encode(entry).hex(), number, sorted(senders)])

    def _sealed(self, told: list[Any]) -> bytes:
        return b64encode(self._vault.seal(json.dumps(told).encode(), OWNER)) + b"\n"

    async def _flush(self) -> None:
        """Write what waits; what comes meanwhile is the next write."""
        while self._waiting:
            lines, done = self._waiting, self._next
            self._waiting, self._next = [], None
            try:
                await asyncio.to_thread(self._write, b"".join(lines))
                self.kept += len(lines)
                self.last_error = ""
            except OSError as error:
                self.lost += len(lines)
                self.last_error = f"journal_{error.errno}"
            if done is not None and not done.done():
                done.set_result(None)
        self._task = None


def read_journal(vault: Vault, files: Iterable[bytes]) -> Iterator[Noted | None]:
    """Yield what the octets of journals hold; None for a line that nobody can read any more."""
    for octets in files:
        *lines, _cut_off = octets.split(b"\n")
        for line in lines:
            if line:
                yield _noted(vault, line)


def _noted(vault: Vault, line: bytes) -> Noted | None:
    try:
        plain = vault.open(b64decode(line, validate=True), OWNER)
        body, number, senders = json.loads(plain)
        if isinstance(number, str):
            return Noted(decode(bytes.fromhex(body)), 0, (), bytes.fromhex(number), bool(senders))
        return Noted(decode(bytes.fromhex(body)), int(number), tuple(senders))
    except (binascii.Error, ValueError, TypeError, InvalidInput, Unavailable):
        return None
