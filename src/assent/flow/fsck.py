"""The auditor's check of a whole ledger: everything worked out again from the entries.

What it finds is named by a stable code and a place, never by a person. It reads in pages and keeps
one hash for 256 entries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from assent.consent.entry import Kind, decode
from assent.consent.leaf import commitment
from assent.consent.note import Checkpoint, Note, PublicKey
from assent.consent.tree import EMPTY_ROOT, HASH, TILE_WIDTH, leaf_hash, node_hash
from assent.errors import InvalidInput
from assent.flow.needs import Queries

_PAGE: Final = 20 * TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong and where. `code`: `entry_missing`, `entry_changed` (its leaf is another),
    `entry_not_canonical`, `tile_missing`, `tile_changed`, `tile_extra`, `root_wrong`,
    `checkpoint_form`, `signature_missing`, `signature_wrong`, `setting_changed`, `setting_missing`
    (its entry is gone). `place`: position, tile or size."""

    code: str
    place: str


@dataclass(slots=True)
class Report:
    """What a check came to. `erased`: entries whose person is gone, so that only their leaf could
    be looked at; `unsealed`: entries that came after the last checkpoint."""

    entries: int = 0
    erased: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    size: int = 0
    root: bytes = EMPTY_ROOT
    faults: list[Fault] = field(default_factory=list)


class Fsck:
    """One check. `keys`: of the log and of witnesses; `log` must have signed every checkpoint."""

    def __init__(
        self,
        queries: Queries,
        log: PublicKey,
        witnesses: Iterable[PublicKey] = (),
        past: Iterable[PublicKey] = (),
    ) -> None:
        """`past`: keys of the log under earlier names (:mod:`assent.flow.succession`)."""
        self._queries = queries
        self._logs = [log, *past]
        self._witnesses = list(witnesses)
        self._faults: list[Fault] = []
        self._levels: list[bytearray] = []  # hashes of the tile that is being filled, by level
        self._edge: list[tuple[int, bytes]] = []  # full subtrees from the left: (height, hash)

    async def run(self) -> Report:
        """Check everything; the report's `faults` are in the order of the ledger."""
        report = Report(faults=self._faults)
        last = await self._queries.fetchrow("checkpoint_last")
        report.size = last["size"] if last is not None else 0
        waiting = await self._next_checkpoints(0)
        async for position, leaf, erased in self._leaves(report.size):
            report.erased += erased
            await self._add(leaf)
            while waiting and waiting[0]["size"] <= position:
                self._check(waiting.pop(0))
                report.checkpoints += 1
                if not waiting:
                    waiting = await self._next_checkpoints(position)
        report.entries = report.size
        report.unsealed = await self._queries.fetchval("ledger_head") - report.size
        report.root = self._root()
        await self._tiles_beyond()
        await self._settings(report.size)
        return report

    # Entries -------------------------------------------------------------------------------

    async def _leaves(self, size: int) -> AsyncIterator[tuple[int, bytes, bool]]:
        """Yield (position, leaf hash, whether its person is erased) up to a size."""
        done = 0
        while done < size:
            rows = await self._queries.fetch("entries_unsealed", done, min(_PAGE, size - done))
            stored = await self._stored_leaves(done, min(done + _PAGE, size))
            by_position = {row["position"]: row for row in rows}
            for place in range(done, min(done + _PAGE, size)):
                row = by_position.get(place + 1)
                leaf = stored[place - done]
                if row is None:
                    self._fault("entry_missing", f"entry {place + 1}")
                    yield place + 1, leaf, False
                    continue
                yield place + 1, *self._leaf(row, leaf)
            done = min(done + _PAGE, size)

    def _leaf(self, row: Any, stored: bytes) -> tuple[bytes, bool]:
        position, body, secret = row["position"], bytes(row["body"]), row["secret"]
        try:
            decode(body)
        except InvalidInput:
            self._fault("entry_not_canonical", f"entry {position}")
        if secret is None:
            return stored, True
        leaf = leaf_hash(commitment(bytes(secret), body))
        if leaf != stored:
            self._fault("entry_changed", f"entry {position}")
        # The stored one goes on: a changed entry is one fault, not every root after it.
        return stored, False

    async def _stored_leaves(self, start: int, end: int) -> list[bytes]:
        first, last = start // TILE_WIDTH, (end - 1) // TILE_WIDTH
        rows = await self._queries.fetch("tiles_page", 0, first, last - first + 1)
        tiles = {row["number"]: bytes(row["hashes"]) for row in rows}
        leaves: list[bytes] = []
        for number in range(first, last + 1):
            width = min(TILE_WIDTH, end - number * TILE_WIDTH)
            tile = tiles.get(number, b"")
            if len(tile) < width * HASH:
                self._fault("tile_missing" if not tile else "tile_changed", f"tile 0/{number}")
                tile = tile.ljust(width * HASH, b"\0")
            leaves += [tile[i * HASH : (i + 1) * HASH] for i in range(width)]
        return leaves

    async def _settings(self, size: int) -> None:
        """Hold the documents beside the ledger against the entries that name them."""
        for row in await self._queries.fetch("settings_all", size):
            place = f"entry {row['position']}"
            document, digest = bytes(row["document"]), bytes(row["digest"])
            try:
                entry = decode(bytes(row["body"] or b""))
            except InvalidInput:
                self._fault("setting_missing", place)
                continue
            same = sha256(document).digest() == digest == entry.statement
            if not same or (entry.kind, entry.receipt) != (Kind.SETTING, row["what"]):
                self._fault("setting_changed", place)

    # The tree ------------------------------------------------------------------------------

    async def _add(self, leaf: bytes) -> None:
        height, found = 0, leaf
        while self._edge and self._edge[-1][0] == height:
            found = node_hash(self._edge.pop()[1], found)
            height += 1
            if height % 8 == 0:
                await self._above(height // 8, found)
        self._edge.append((height, found))

    async def _above(self, level: int, found: bytes) -> None:
        """Note a hash of a tile above the leaves; compare the tile once it is full."""
        while len(self._levels) <= level:
            self._levels.append(bytearray())
        tile = self._levels[level]
        tile += found
        if len(tile) % (TILE_WIDTH * HASH) == 0:
            await self._compare(level, len(tile) // (TILE_WIDTH * HASH) - 1)

    async def _compare(self, level: int, number: int) -> None:
        width = TILE_WIDTH * HASH
        ours = bytes(self._levels[level][number * width : (number + 1) * width])
        rows = await self._queries.fetch("tiles_page", level, number, 1)
        theirs = next((bytes(row["hashes"]) for row in rows if row["number"] == number), None)
        if theirs is None:
            self._fault("tile_missing", f"tile {level}/{number}")
        elif theirs != ours:
            self._fault("tile_changed", f"tile {level}/{number}")

    async def _tiles_beyond(self) -> None:
        """Compare the partial tiles at the edge; nothing may lie beyond."""
        for level, hashes in enumerate(self._levels):
            if level and len(hashes) % (TILE_WIDTH * HASH):
                await self._compare(level, len(hashes) // (TILE_WIDTH * HASH))
        for level in range(max(len(self._levels), 1) + 1):
            held = self._levels[level] if level < len(self._levels) else b""
            width = len(held) // HASH if level else self._leaf_count()
            beyond = -(-width // TILE_WIDTH)
            for row in await self._queries.fetch("tiles_page", level, beyond, 10):
                self._fault("tile_extra", f"tile {level}/{row['number']}")

    def _leaf_count(self) -> int:
        return sum(1 << height for height, _ in self._edge)

    def _root(self) -> bytes:
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1][1]
        for _, part in reversed(self._edge[:-1]):
            root = node_hash(part, root)
        return root

    # Checkpoints ---------------------------------------------------------------------------

    async def _next_checkpoints(self, after: int) -> list[Any]:
        return await self._queries.fetch("checkpoints_after", after, 1_000)

    def _check(self, row: Any) -> None:
        size, note = row["size"], row["note"]
        place = f"checkpoint {size}"
        if bytes(row["root"]) != self._root():
            self._fault("root_wrong", place)
        try:
            parsed = Note.parse(note)
            checkpoint = Checkpoint.parse(parsed.text)
            signers = [key for key, _ in parsed.signers([*self._logs, *self._witnesses])]
        except InvalidInput as error:
            wrong = "signature_wrong" if error.code == "signature_wrong" else "checkpoint_form"
            self._fault(wrong, place)
            return
        if not any(key in signers for key in self._logs):
            self._fault("signature_missing", place)
        if (checkpoint.size, checkpoint.root) != (size, self._root()):
            self._fault("root_wrong", place)

    def _fault(self, code: str, place: str) -> None:
        fault = Fault(code, place)
        if fault not in self._faults:
            self._faults.append(fault)
