"""The Merkle tree against RFC 6962's known roots and against its definition, naively."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.consent import tree
from assent.consent.tree import Tiles, extends, grow, includes, leaf_hash, node_hash, reader

# The tree that the tests of Certificate Transparency's logs use: eight leaves, and the roots of
# the trees with the first 1 to 8 of them.
LEAVES = [bytes.fromhex(h) for h in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def built(leaves: list[bytes], *cuts: int) -> tuple[Tiles, dict[tree.Tile, bytes]]:
    """A tree that grew in portions."""
    tiles: dict[tree.Tile, bytes] = {}
    edges = sorted({0, *(cut % (len(leaves) + 1) for cut in cuts), len(leaves)})
    for start, end in pairwise(edges):
        hashes = [leaf_hash(leaf) for leaf in leaves[start:end]]
        tiles |= grow(start, hashes, reader(tiles))
    return Tiles(len(leaves), reader(tiles)), tiles


def numbered(count: int) -> list[bytes]:
    return [str(i).encode() for i in range(count)]


def test_known_roots() -> None:
    whole, _ = built(LEAVES)
    for size, root in enumerate(ROOTS, start=1):
        assert whole.root_at(size).hex() == root
        assert tree.root_of(leaf_hash(leaf) for leaf in LEAVES[:size]).hex() == root
    assert whole.root_at(0) == tree.EMPTY_ROOT == tree.root_of([]) == naive([])


def test_known_proofs() -> None:
    # RFC 6962 2.1.3: the tree of seven leaves d0 to d6 (its hashes a to l).
    leaves = numbered(7)
    a, b, c, d, e, f, j = (leaf_hash(leaf) for leaf in leaves)
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, ell = node_hash(g, h), node_hash(i, j)
    whole, _ = built(leaves)
    assert whole.inclusion(0, 7) == [b, h, ell]
    assert whole.inclusion(3, 7) == [c, g, ell]
    assert whole.inclusion(4, 7) == [f, j, k]
    assert whole.inclusion(6, 7) == [i, k]
    assert whole.consistency(3, 7) == [c, d, g, ell]
    assert whole.consistency(4, 7) == [ell]
    assert whole.consistency(6, 7) == [i, j, k]
    assert whole.consistency(7, 7) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 900), st.lists(st.integers(0, 10_000), max_size=5), st.data())
def test_growing_in_portions_gives_the_defined_root(
    count: int, cuts: list[int], data: st.DataObject
) -> None:
    leaves = numbered(count)
    whole, tiles = built(leaves, *cuts)
    _, at_once = built(leaves)
    assert tiles == at_once
    size = data.draw(st.integers(1, count))
    assert whole.root_at(size) == naive(leaves[:size])


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 700), st.data())
def test_inclusion_is_proved_and_nothing_else(count: int, data: st.DataObject) -> None:
    leaves = numbered(count)
    whole, _ = built(leaves)
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = whole.inclusion(index, size), whole.root_at(size), leaf_hash(leaves[index])
    assert includes(leaf, index, size, proof, root)
    assert len(proof) <= size.bit_length()
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index)) if size > 1 else None
    if other is not None:
        assert not includes(leaf, other, size, proof, root)
        assert not includes(leaf_hash(leaves[other]), index, size, proof, root)
    assert not includes(leaf, index, size, [*proof, root], root)
    assert not includes(leaf, index, size, [*proof, b"short"], root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        bad = proof[place][:-1] + bytes([proof[place][-1] ^ 1])
        assert not includes(leaf, index, size, [*proof[:place], bad, *proof[place + 1 :]], root)
        assert not includes(leaf, index, size, proof[:-1], root)
        assert not includes(leaf, index, size, proof[::-1], root) or proof == proof[::-1]
    assert not includes(leaf, size, size, proof, root)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 700), st.data())
def test_consistency_is_proved_and_forks_are_not(count: int, data: st.DataObject) -> None:
    leaves = numbered(count)
    whole, _ = built(leaves)
    new = data.draw(st.integers(1, count))
    old = data.draw(st.integers(1, new))
    proof = whole.consistency(old, new)
    old_root, new_root = whole.root_at(old), whole.root_at(new)
    assert extends(old, new, proof, old_root, new_root)
    changed = data.draw(st.integers(0, old - 1))
    fork, _ = built([*leaves[:changed], b"changed", *leaves[changed + 1 :]])
    assert not extends(old, new, proof, old_root, fork.root_at(new))
    assert not extends(old, new, fork.consistency(old, new), old_root, fork.root_at(new))
    if old != new:
        assert not extends(old, new, proof[:-1], old_root, new_root)
        assert not extends(old, new, [*proof, new_root], old_root, new_root)
        assert not extends(new, old, proof, new_root, old_root)


def test_the_empty_tree_begins_every_tree() -> None:
    whole, _ = built(LEAVES)
    assert extends(0, 8, [], tree.EMPTY_ROOT, whole.root())
    assert not extends(0, 8, [], whole.root(), whole.root())
    assert not extends(0, 8, [whole.root()], tree.EMPTY_ROOT, whole.root())
    assert extends(0, 0, [], tree.EMPTY_ROOT, tree.EMPTY_ROOT)


def test_what_is_not_there_is_no_answer() -> None:
    whole, tiles = built(numbered(300))
    for bad in (lambda: whole.root_at(301), lambda: whole.inclusion(300, 300),
                lambda: whole.consistency(0, 5), lambda: whole.subtree(9, 0)):  # fmt: skip
        with pytest.raises(ValueError, match=r"leaves|leaf|proof|full"):
            bad()
    del tiles[0, 1]
    with pytest.raises(ValueError, match="missing"):
        whole.root()
    short = Tiles(300, lambda level, number: b"")
    with pytest.raises(ValueError, match="too short"):
        short.root()
    with pytest.raises(ValueError, match="too short"):
        grow(300, [leaf_hash(b"x")], lambda level, number: b"")


def test_tiles_only_grow_and_fill_levels() -> None:
    _, tiles = built(numbered(256 * 3 + 5))
    assert {place: len(tile) // 32 for place, tile in tiles.items()} == {
        (0, 0): 256, (0, 1): 256, (0, 2): 256, (0, 3): 5, (1, 0): 3,
    }  # fmt: skip
    again = grow(256 * 3 + 5, [leaf_hash(b"next")], reader(tiles))
    assert list(again) == [(0, 3)]
    assert again[0, 3].startswith(tiles[0, 3])


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 67, 256, "tile/0/067"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),
        (2, 5, 17, "tile/2/005.p/17"),
    ],
)
def test_tile_paths(level: int, number: int, width: int, path: str) -> None:
    # C2SP tlog-tiles, "Merkle tree": an index of 1234067 is x001/x234/067.
    assert tree.tile_path(level, number, width) == path
