"""Having the ledger's checkpoints cosigned by witnesses, and knowing for how long that lacked.

A witness is asked for the last checkpoint, with the proof from what it cosigned before. What it
answers is kept with the time at which it says it saw it. Refusals and codes wait for nobody here;
what waits, after :data:`PATIENCE_S` without a witness, are consents that came since.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.consent.note import Checkpoint, Note, PublicKey
from assent.consent.witness import Request, cosigned, witnessed_at
from assent.errors import AssentError, InvalidInput, Unavailable
from assent.flow.needs import Store, utc
from assent.flow.rollback import FORKED, ROLLED_BACK, Difference
from assent.flow.sealing import last, tree_for

PATIENCE_S: Final = 3_600.0
Post = Callable[[str, str], Awaitable[tuple[int, str]]]
"""(address, body) → (status, text). Raises Unavailable where nobody answers."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its key and the address of its `add-checkpoint`."""

    key: PublicKey
    url: str


class Witnessing:
    """Asks witnesses. Run :meth:`run` as a task of one process."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        witnesses: Sequence[Witness],
        post: Post,
        pause_s: float = 5.0,
        differs: Callable[[Difference], Awaitable[Any]] | None = None,
        missing: Callable[[float], Awaitable[Any]] | None = None,
    ) -> None:
        """`differs`: called when a witness saw another ledger than there is; `missing`: called once
        when none was there for :data:`PATIENCE_S`, with the seconds."""
        self._store = store
        self._clock = clock
        self._witnesses = witnesses
        self._post = post
        self._pause_s = pause_s
        self._stop = asyncio.Event()
        self._believed: dict[str, int] = {}  # witness → size it has seen, by its own word
        self._differs = differs
        self._missing = missing
        self._began = clock.now()
        self._told = False
        self.witnessed = Witnessed()
        self.differing = False  # a witness saw another ledger, when they were asked last
        self.agrees: Callable[[], Awaitable[None]] | None = None  # called when one cosigned
        self.errors: dict[str, str] = {}  # witness → code of what went wrong last

    def stop(self) -> None:
        """End after the current round."""
        self._stop.set()

    async def run(self) -> None:
        """Ask every so often until :meth:`stop`."""
        while not self._stop.is_set():
            with contextlib.suppress(AssentError):  # the store is away: it is asked again
                await self.round()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._pause_s)

    async def round(self) -> int:
        """Ask every witness for the last checkpoint; return how many cosigned it."""
        head = await last(self._store)
        if not head.size:
            await self._look()
            return 0
        rows = await self._store.fetch("witnesses_all")
        kept = {row["name"]: row["size"] for row in rows}
        count = 0
        self.differing = False
        for witness in self._witnesses:
            name = witness.key.name
            try:
                note = await self._ask(witness, Note.parse(head.note), kept.get(name, 0))
                await self._keep(witness, note)
                self.errors.pop(name, None)
                count += 1
            except AssentError as error:
                self.errors[name] = error.code
                self.differing |= error.code in (ROLLED_BACK, FORKED)
                if error.code in (ROLLED_BACK, FORKED) and self._differs is not None:
                    seen = int((error.details or {}).get("seen", head.size))
                    await self._differs(Difference(error.code, name, seen, head.size))
        await self._look()
        if count and self.agrees is not None:
            await self.agrees()
            self.agrees = None
        return count

    def missing_s(self) -> float:
        """Return for how long no witness has seen the ledger; 0 where none is expected."""
        if not self._witnesses:
            return 0.0
        return max(0.0, self._clock.now() - (self.witnessed.at or self._began))

    async def _look(self) -> None:
        """Remember how far the ledger is witnessed, and tell once when that is too long ago."""
        names = {witness.key.name for witness in self._witnesses}
        rows = await self._store.fetch("witnesses_all")
        self.witnessed = furthest([row for row in rows if row["name"] in names])
        if self.missing_s() <= PATIENCE_S:
            self._told = False
        elif not self._told and self._missing is not None:
            self._told = True
            await self._missing(self.missing_s())

    async def _ask(self, witness: Witness, note: Note, kept: int) -> Note:
        """Return the note with the witness's cosignature. Raises AssentError."""
        size = Checkpoint.parse(note.text).size
        believed = self._believed.get(witness.key.name, kept)
        for _ in range(2):
            if believed > size:
                # It has seen more of us than we have: we lost what we had shown.
                raise Unavailable(
                    ROLLED_BACK, "a witness has seen a longer ledger than there is",
                    mend="restore what is missing before anything is sent",
                    details={"witness": witness.key.name, "seen": believed, "size": size},
                )  # fmt: skip
            status, text = await self._post(witness.url, str(await self._request(note, believed)))
            if status == 200:
                self._believed[witness.key.name] = size
                return cosigned(note, text, witness.key)
            if status != 409:
                break
            believed = _size(text)
        if status in (409, 422):
            # It knows us and the size, and what it saw is not what we have: two histories.
            raise InvalidInput(
                FORKED, "a witness has seen another ledger than there is", field=witness.key.name,
                mend="find out which history is the true one, before anything is sent",
                details={"witness": witness.key.name, "seen": believed, "size": size},
            )  # fmt: skip
        raise InvalidInput(
            "witness_refused", f"the witness refused with status {status}", field=witness.key.name,
            mend="compare the ledger with what the witness has seen: fsck",
        )  # fmt: skip

    async def _request(self, note: Note, old: int) -> Request:
        size = Checkpoint.parse(note.text).size
        tree = await tree_for(self._store, size, olds=[old])
        proof = tree.consistency(old, size) if old else []
        return Request(old, tuple(proof), note)

    async def _keep(self, witness: Witness, note: Note) -> None:
        seen = witnessed_at(note, [witness.key])[witness.key.name]
        size = Checkpoint.parse(note.text).size
        await self._store.execute("witness_put", witness.key.name, size, str(note), utc(seen))


@dataclass(frozen=True, slots=True)
class Witnessed:
    """How far the ledger is witnessed: entries up to `size`, seen at `at` (unix seconds; 0.0
    never)."""

    size: int = 0
    at: float = 0.0

    def holds(self, position: int, now: float) -> bool:
        """Return whether an entry may open anything: it is witnessed, or witnesses have not been
        missing for long."""
        return position <= self.size or now - self.at <= PATIENCE_S


def furthest(rows: Sequence[Any], quorum: int = 1) -> Witnessed:
    """Return how far at least `quorum` witnesses go, from the rows of `witnesses_all`."""
    found = sorted(((row["size"], row["at"].timestamp()) for row in rows), reverse=True)
    if len(found) < quorum:
        return Witnessed()
    some = found[:quorum]
    return Witnessed(min(size for size, _ in some), min(at for _, at in some))


def _size(text: str) -> int:
    word = text.strip()
    if not (word.isascii() and word.isdigit() and len(word) < 20):
        raise InvalidInput("witness_answer", "the witness named no size")
    return int(word)
