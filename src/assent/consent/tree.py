"""The Merkle tree over the ledger's entries (RFC 6962 2.1), kept in tiles (C2SP tlog-tiles).

The hash of a leaf is SHA-256 of 0x00 and the leaf's octets, that of a node SHA-256 of 0x01 and its
two children. A *subtree* ``(height, index)`` holds the leaves ``index << height`` up to
``(index + 1) << height``; one that is full never changes again, so its hash may be kept for ever.

Tiles hold the hashes of full subtrees: tile ``(level, n)`` those of height ``8 * level``, 256 a
tile. The hashes between two levels are worked out when they are asked for. The last tile of a level
may be partial; what is in it stays, so it only grows.

Nothing here reads or writes anything: who stores tiles hands in a function that returns one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

HASH: Final = 32
"""Octets of a hash."""
TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962 2.1)."""

Tile = tuple[int, int]
"""(level, number) of a tile."""
ReadTile = Callable[[int, int], bytes]
"""(level, number) → the tile's hashes, one after another; partial at the right edge."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


def subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """Return the fewest full subtrees ``(height, index)`` that make up the leaves [start, end), in
    order."""
    found: list[tuple[int, int]] = []
    at = start
    while at < end:
        height = (end - at).bit_length() - 1
        if at:
            height = min(height, (at & -at).bit_length() - 1)
        found.append((height, at >> height))
        at += 1 << height
    return found


class Tiles:
    """Hashes of a tree of `size` leaves, read from its tiles."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self._read = read

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self.root_at(self.size)

    def root_at(self, size: int) -> bytes:
        """Return the root that the tree had with `size` leaves. Raises ValueError beyond it."""
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return self._range(0, size) if size else EMPTY_ROOT

    def subtree(self, height: int, index: int) -> bytes:
        """Return the hash of a full subtree. Raises ValueError for one that is not full yet."""
        if (index + 1) << height > self.size:
            raise ValueError("the subtree is not full")
        level, above = divmod(height, TILE_HEIGHT)
        first = index << above  # the first of its hashes at the height of the tile's level
        number, place = divmod(first, TILE_WIDTH)
        tile = self._read(level, number)
        hashes = _split(tile[place * HASH : (place + (1 << above)) * HASH])
        if len(hashes) != 1 << above:
            raise ValueError(f"tile {level}/{number} is too short")
        return _fold(hashes)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that leaf `index` is in the tree of `size` leaves (RFC 6962 2.1.1).

        Raises ValueError when it is not.
        """
        if not 0 <= index < size <= self.size:
            raise ValueError(f"no leaf {index} among {size}")
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _half(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        proof.reverse()
        return proof

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of `new` leaves begins with that of `old` (RFC 6962
        2.1.2). Raises ValueError when there is none."""
        if not 0 < old <= new <= self.size:
            raise ValueError(f"no proof from {old} to {new} leaves")
        proof: list[bytes] = []
        start, end, whole = 0, new, True
        while end != old:
            middle = start + _half(end - start)
            if old <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        proof.reverse()
        return proof

    def _range(self, start: int, end: int) -> bytes:
        """Return the hash over the leaves [start, end): `start` is where the tree splits."""
        parts = [self.subtree(height, index) for height, index in subtrees(start, end)]
        root = parts.pop()
        for part in reversed(parts):
            root = node_hash(part, root)
        return root


def grow(size: int, leaves: Sequence[bytes], read: ReadTile) -> dict[Tile, bytes]:
    """Return the tiles that change when leaves (their hashes) are added to a tree of `size`.

    `read` returns the tiles of the tree before; only partial ones at its edge are asked for. Each
    tile is returned whole, in an order in which storing some of them leaves no gap: by level.
    """
    changed: dict[Tile, bytes] = {}
    level, at = 0, size
    hashes = list(leaves)
    while hashes:
        number, place = divmod(at, TILE_WIDTH)
        tile = bytearray(read(level, number)[: place * HASH] if place else b"")
        if len(tile) != place * HASH:
            raise ValueError(f"tile {level}/{number} is too short")
        above: list[bytes] = []
        taken = 0
        while taken < len(hashes):
            some = hashes[taken : taken + TILE_WIDTH - place]
            tile += b"".join(some)
            changed[level, number] = bytes(tile)
            taken += len(some)
            if place + len(some) == TILE_WIDTH:
                above.append(_fold(_split(tile)))
            number, place, tile = number + 1, 0, bytearray()
        level, at, hashes = level + 1, at >> TILE_HEIGHT, above
    return changed


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """Return where C2SP tlog-tiles puts a tile: ``tile/L/x001/x234/067`` and ``.p/W`` of a partial
    one."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    path = f"tile/{level}/{'/'.join(groups)}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that the leaf with this hash is number `index` of the tree with
    `size` leaves and this root (RFC 9162 2.1.3.2). False for anything malformed."""
    if not 0 <= index < size or any(len(part) != HASH for part in proof):
        return False
    node, last, found = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(part, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, part)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def extends(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:  # long: the algorithm of RFC 9162 2.1.4.2, step by step
    """Return whether a proof shows that the tree of `new` leaves begins with that of `old`. The
    empty tree begins every tree, without a proof. False for anything malformed."""
    if not 0 <= old <= new or any(len(part) != HASH for part in proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    parts = list(proof)
    if old & (old - 1) == 0:  # a full tree is its own first part
        parts.insert(0, old_root)
    if not parts:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(part, first), node_hash(part, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, part)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaves (their hashes) without keeping a tree: an auditor's way."""
    edge: list[tuple[int, bytes]] = []  # full subtrees from the left: (height, hash)
    for leaf in leaves:
        height, found = 0, leaf
        while edge and edge[-1][0] == height:
            found = node_hash(edge.pop()[1], found)
            height += 1
        edge.append((height, found))
    if not edge:
        return EMPTY_ROOT
    _, root = edge.pop()
    for _, part in reversed(edge):
        root = node_hash(part, root)
    return root


def reader(tiles: Mapping[Tile, bytes]) -> ReadTile:
    """Return a :data:`ReadTile` over tiles in memory. It raises ValueError for one that is not
    there."""

    def read(level: int, number: int) -> bytes:
        try:
            return tiles[level, number]
        except KeyError:
            raise ValueError(f"tile {level}/{number} is missing") from None

    return read


def _half(count: int) -> int:
    """Return the largest power of two below `count` (at least 2)."""
    return 1 << (count - 1).bit_length() - 1


def _split(hashes: bytes | bytearray) -> list[bytes]:
    return [bytes(hashes[at : at + HASH]) for at in range(0, len(hashes), HASH)]


def _fold(hashes: list[bytes]) -> bytes:
    """Return the hash over a full subtree's hashes, a power of two of them."""
    while len(hashes) > 1:
        hashes = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]
