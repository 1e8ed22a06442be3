"""Sealing: entries become leaves of the tree, the tree's root is signed.

Entries are durable and count from their own commit on; sealing follows within a moment, in the
order of positions, one transaction a portion: tiles and checkpoint together or neither. Whoever
holds the lock seals; a process that dies in between, or whose COMMIT is not answered, leaves
nothing half done, since the next look begins at the last checkpoint that is stored. There is no
other recovery.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from assent.clock import Clock
from assent.consent.leaf import leaf_hashes
from assent.consent.note import Checkpoint, Note, SigningKey
from assent.consent.tree import EMPTY_ROOT, TILE_HEIGHT, Tile, Tiles, grow, reader, subtrees
from assent.errors import AssentError, Unavailable
from assent.flow.needs import Queries, Store, utc

CHANNEL: Final = "sealed"
AT_ONCE: Final = 2_000
_SECRET: Final = 16


@dataclass(frozen=True, slots=True)
class Head:
    """The last checkpoint: size of the tree, its root, the signed note, unix seconds."""

    size: int
    root: bytes
    note: str
    at: float


EMPTY: Final = Head(0, EMPTY_ROOT, "", 0.0)


class Sealer:
    """Seals what was appended. Run :meth:`run` as a task; :meth:`wake` when entries came.

    `signer` signs checkpoints of the log `origin`. `random` gives the secret for a leaf whose
    person was erased before it was sealed: nobody will ever open it.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        signer: SigningKey,
        origin: str,
        random: Callable[[int], bytes],
        pause_s: float = 0.2,
        sealed: Callable[[Head], Awaitable[None]] | None = None,
    ) -> None:
        """`sealed`: called with each head once it is stored."""
        self._sealed_a_head = sealed
        self._store = store
        self._clock = clock
        self._signer = signer
        self._origin = origin
        self._random = random
        self._pause_s = pause_s
        self._wake = asyncio.Event()
        self._stopping = False
        self.head = EMPTY
        self.sealed = 0
        self.last_error = ""

    def wake(self, _payload: str = "") -> None:
        """There may be entries to seal."""
        self._wake.set()

    def stop(self) -> None:
        """End after the current portion."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Seal until :meth:`stop`. Portions are gathered for a moment, so that many small appends
        share a signature."""
        while not self._stopping:
            self._wake.clear()
            try:
                while await self.step() == AT_ONCE and not self._stopping:
                    pass  # it waits for the store, so others have their turns
            except AssentError as error:
                self.last_error = error.code
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 1.0)
            await asyncio.sleep(self._pause_s)

    async def step(self) -> int:
        """Seal a portion; return how many entries. 0 also while another process does.

        Raises Unavailable when the ledger has a gap, which it never may.
        """
        async with self._store.transaction() as tx:
            if not await tx.fetchval("seal_lock"):
                return 0
            head = await last(tx)
            rows = await tx.fetch("entries_unsealed", head.size, AT_ONCE)
            if not rows:
                self.head = head
                return 0
            for place, row in enumerate(rows, start=head.size + 1):
                if row["position"] != place:
                    raise Unavailable(
                        "ledger_gap", f"entry {place} is missing", mend="restore the database"
                    )
            leaves = leaf_hashes(
                (row["secret"] or self._random(_SECRET), row["body"]) for row in rows
            )
            edge = await read_tiles(tx, edge_of(head.size))
            changed = grow(head.size, leaves, reader(edge))
            size, now = head.size + len(rows), self._clock.now()
            root = Tiles(size, reader(edge | changed)).root()
            text = str(Checkpoint(self._origin, size, root))
            note = str(Note(text, (self._signer.sign(text),)))
            await tx.execute(
                "tiles_put",
                [level for level, _ in changed],
                [number for _, number in changed],
                list(changed.values()),
            )
            await tx.execute("checkpoint_put", size, root, note, utc(now))
            await tx.execute("notify", CHANNEL, str(size))
        self.head = Head(size, root, note, now)
        self.sealed += len(rows)
        if self._sealed_a_head is not None:
            await self._sealed_a_head(self.head)
        return len(rows)


async def last(queries: Queries) -> Head:
    """Return the last checkpoint, an empty one where nothing was sealed yet."""
    row = await queries.fetchrow("checkpoint_last")
    if row is None:
        return EMPTY
    return Head(row["size"], bytes(row["root"]), row["note"], row["at"].timestamp())


async def read_tiles(queries: Queries, wanted: Iterable[Tile]) -> dict[Tile, bytes]:
    """Return those of some tiles that there are."""
    places = sorted(set(wanted))
    rows = await queries.fetch(
        "tiles", [level for level, _ in places], [number for _, number in places]
    )
    return {(row["level"], row["number"]): bytes(row["hashes"]) for row in rows}


def edge_of(size: int) -> list[Tile]:
    """Return the partial tiles at the right edge of a tree, lowest level first."""
    edge: list[Tile] = []
    level = 0
    while count := size >> level * TILE_HEIGHT:
        if count % (1 << TILE_HEIGHT):
            edge.append((level, count >> TILE_HEIGHT))
        level += 1
    return edge


async def tree_for(queries: Queries, size: int, *indexes: int, olds: Iterable[int] = ()) -> Tiles:
    """Return the tree of `size` leaves with the tiles that proofs of some leaves, and of what it
    was with `olds` leaves, are made from: a handful a proof, however large the ledger is."""
    wanted = {_tile(height, index) for height, index in subtrees(0, size)}
    for old in olds:
        wanted |= {_tile(height, index) for height, index in _split(old, size)}
    for leaf in indexes:
        wanted |= {_tile(height, index) for height, index in _split(leaf, size)}
        wanted |= {_tile(height, index) for height, index in _split(leaf + 1, size)}
    return Tiles(size, reader(await read_tiles(queries, wanted)))


def _tile(height: int, index: int) -> Tile:
    level, above = divmod(height, TILE_HEIGHT)
    return level, index << above >> TILE_HEIGHT


def _split(place: int, size: int) -> list[tuple[int, int]]:
    """Return the full subtrees on both sides of the cut before leaf `place`: what proofs are made
    of."""
    return subtrees(0, place) + subtrees(place, size)
