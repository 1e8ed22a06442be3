"""Near-duplicates: accuracy against `cluster` labels of public messages, texts a second, memory.

Labels come from files beside the project; without them the texts are made up and there is no
accuracy to tell. Pairs of texts are counted, once each, over each language's sets together:

- `answers right`: of the pairs that a query of every text answers, those in one cluster.
- `pairs connected`: of all pairs in one cluster, those that answers connect, directly or over
  others; the labels were made so, too (union-find), and many of their pairs are less alike than
  0.6.
- `connected right`: of all pairs that are so connected, those in one cluster; `exact` beside it is
  the same with the exact Jaccard similarity (0.6) in place of signatures, over the same candidates.
- `alike found`: of a cluster's pairs whose exact similarity is 0.6 or more, those answered.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.screen.minhash import OCTETS, Signatures, signatures
from assent.screen.near import ALIKE, Index, Matches
from assent.screen.normal import normalise_all
from assent.screen.shingles import Shingles, jaccard, shingles

DATA: Final = Path(__file__).parents[2] / "shared" / "data" / "sms"
SETS: Final = {
    "zh": ("mudou", "fbs", "zh80w", "zh80w6"),
    "en": ("uci", "exais", "smish5971", "phsms", "spamhunter", "spamhunter947"),
}
_BATCH: Final = 4_096
_LABELLED: Final = 0.6
_PAIRS: Final = 400_000
"""Pairs whose exact similarity is computed at most, drawn among all."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How much is measured. `sizes`: texts in the index; `asked`: texts indexed and queried then;
    `peers`: texts that datasketch gets; `most`: texts a language."""

    sizes: tuple[int, ...] = (1_000_000, 10_000_000)
    asked: int = 40_000
    peers: int = 5_000
    most: int = 1 << 40

    @classmethod
    def quick(cls) -> Plan:
        """Return a plan that takes seconds."""
        return cls((20_000,), 4_000, 300, 3_000)


def run(plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure."""
    found: dict[str, Any] = {"labels": DATA.is_dir()}
    texts: list[str] = []
    for language in SETS:
        some, clusters = labelled(language, plan.most)
        if some:
            tell(f"accuracy, {language}")
            found[f"accuracy {language}"] = accuracy(some, clusters)
        texts += some
    texts = texts or made_up(plan.asked)
    tell("datasketch")
    found["alone"] = alone(texts, plan.peers)
    real = signatures(shingles(texts[: 4 * plan.asked]), workers=2)
    for size in plan.sizes:
        tell(f"{size:,} texts")
        found[f"{size:,} texts"] = at_size(texts, real, size, plan.asked)
    return found


def labelled(language: str, most: int) -> tuple[list[str], Numbers]:
    """Return texts and the cluster of each; none where the files are absent."""
    texts: list[str] = []
    clusters: list[int] = []
    for name in SETS[language] if DATA.is_dir() else ():
        for row in rows_of(DATA / f"{name}.dev.csv.zst"):
            texts.append(row["text"])
            clusters.append(int(row["cluster"]))
    # Of a part every cluster is whole: those with the smallest numbers.
    numbers = np.array(clusters, np.int64)
    if len(texts) > most:
        kept = np.flatnonzero(numbers <= np.sort(numbers)[most])
        return [texts[at] for at in kept], numbers[kept]
    return texts, numbers


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a packed CSV file."""
    import zstandard

    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as plain:
        yield from csv.DictReader(io.TextIOWrapper(plain, "utf-8", newline=""))


def made_up(count: int) -> list[str]:
    """Return texts of random words, a tenth of them like the one before."""
    rng = np.random.default_rng(1)
    points = rng.integers(0x4E00, 0x5E00, (count, 60))
    again = np.flatnonzero(rng.random(count) < 0.1)
    points[again, :50] = points[again - 1, :50]
    return ["".join(map(chr, row)) for row in points.tolist()]


def accuracy(texts: list[str], clusters: Numbers) -> dict[str, Any]:
    """Return how answers compare with labels."""
    cut = shingles([one.text for one in normalise_all(texts)])
    made = signatures(cut, workers=2)
    index = Index()
    found: list[Matches] = []
    for at in range(0, len(texts), _BATCH):  # as they come: each asks for those before it
        part = made[at : at + _BATCH]
        index.add(np.arange(at, at + len(part)), part)
        one = index.near(part, 0.5, most=1_000)
        found.append(Matches(one.queries + at, one.ids, one.similarity))
    asked = np.concatenate([one.queries for one in found])
    told = np.concatenate([one.ids for one in found])
    alike = np.concatenate([one.similarity for one in found])
    pairs, places = np.unique(
        np.minimum(asked, told) << 32 | np.maximum(asked, told), return_index=True
    )
    left, right, alike = pairs >> 32, pairs & 0xFFFFFFFF, alike[places]
    apart = left != right
    one, other, alike = left[apart], right[apart], alike[apart]
    exact = np.array([jaccard(cut.of(a), cut.of(b)) for a, b in zip(one, other, strict=True)])
    answered = alike >= ALIKE
    inside = clusters[one] == clusters[other]
    by_signature = _connected(len(texts), one[answered], other[answered], clusters)
    by_jaccard = _connected(
        len(texts), one[exact >= _LABELLED], other[exact >= _LABELLED], clusters
    )
    near = (alike - exact)[(exact > 0.5) & (exact < 0.7)]
    return {
        "texts": len(texts),
        "pairs in clusters": int(_pairs(np.unique(clusters, return_counts=True)[1])),
        "answers": int(answered.sum()),
        "answers right": _share(inside & answered, answered),
        "answers right, exact": _share(inside & (exact >= _LABELLED), exact >= _LABELLED),
        "pairs connected": by_signature[1],
        "pairs connected, exact": by_jaccard[1],
        "connected right": by_signature[0],
        "connected right, exact": by_jaccard[0],
        "alike found": _alike_found(cut, clusters, pairs[apart][answered]),
        "error of the similarity": round(float(near.std()), 3),
    }


def _alike_found(cut: Shingles, clusters: Numbers, answered: Numbers) -> float:
    """Return the share of a cluster's pairs of 0.6 and more that were answered."""
    order = np.argsort(clusters, kind="stable")
    ends = np.flatnonzero(np.diff(clusters[order])) + 1
    pairs: list[Numbers] = []
    for members in np.split(order, ends):
        if len(members) > 1:
            a, b = np.triu_indices(len(members), 1)
            one, other = members[a], members[b]
            pairs.append(np.minimum(one, other) << 32 | np.maximum(one, other))
    every = np.concatenate(pairs)
    if len(every) > _PAIRS:
        every = np.random.default_rng(2).choice(every, _PAIRS, replace=False)
    sets = {int(at): cut.of(int(at)) for at in np.unique([every >> 32, every & 0xFFFFFFFF])}
    exact = [jaccard(sets[int(p >> 32)], sets[int(p & 0xFFFFFFFF)]) for p in every]
    alike = np.array(exact) >= _LABELLED
    return _share(np.isin(every, answered) & alike, alike)


def _connected(count: int, one: Numbers, other: Numbers, clusters: Numbers) -> tuple[float, float]:
    """Return of the pairs that a graph connects the share in one cluster, and of the pairs in one
    cluster the share that it connects."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(one), bool), (one, other)), (count, count))
    _, parts = connected_components(graph, directed=False)
    both = _pairs(np.unique(parts.astype(np.int64) << 32 | clusters, return_counts=True)[1])
    return (
        round(float(both / max(1, _pairs(np.bincount(parts)))), 4),
        round(float(both / max(1, _pairs(np.unique(clusters, return_counts=True)[1]))), 4),
    )


def _pairs(sizes: Numbers) -> int:
    return int((sizes.astype(np.int64) * (sizes - 1) // 2).sum())


def _share(some: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]) -> float:
    return round(float(some.sum() / max(1, whole.sum())), 4)


def alone(texts: list[str], peers: int) -> dict[str, Any]:
    """Return texts a second, from the text to the answer, in an index of these alone; datasketch's
    with as many draws, the same shingles and the threshold of the labels."""
    found: dict[str, Any] = {}
    some = texts[: 5 * _BATCH]
    begin = time.process_time()
    normalise_all(some)
    found["normalised_a_core_per_s"] = round(len(some) / (time.process_time() - begin))
    index = Index()
    begin, clock = time.process_time(), time.perf_counter()
    _through(index, texts, 0)
    found["indexed_and_queried_per_s"] = round(len(texts) / (time.perf_counter() - clock))
    found["a_core_per_s"] = round(len(texts) / (time.process_time() - begin))
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        found["datasketch"] = "left out: it is not installed"
        return found
    some = texts[:peers]
    cut = shingles(some)
    lsh = MinHashLSH(threshold=_LABELLED, num_perm=OCTETS)
    begin = time.process_time()
    for place in range(len(some)):
        one = MinHash(num_perm=OCTETS, hashfunc=int)
        one.update_batch(cut.of(place).tolist())
        lsh.query(one)
        lsh.insert(place, one, check_duplication=False)
    found["datasketch_a_core_per_s"] = round(len(some) / (time.process_time() - begin))
    found["ratio"] = round(found["a_core_per_s"] / found["datasketch_a_core_per_s"], 1)
    return found


def _through(index: Index, texts: list[str], offset: int, workers: int = 2) -> int:
    """Ask for texts and add them, portion by portion; return how many answers there were. The next
    portion's signatures are made while one is looked up."""

    def made(at: int) -> Signatures:
        return signatures(shingles(texts[at : at + _BATCH]))

    answers = 0
    with ThreadPoolExecutor(workers) as pool:
        following = pool.submit(made, 0)
        for at in range(0, len(texts), _BATCH):
            part = following.result()
            following = pool.submit(made, at + _BATCH)
            answers += len(index.near(part).ids)
            index.add(np.arange(offset + at, offset + at + len(part)), part)
    return answers


def at_size(texts: list[str], real: Signatures, size: int, asked: int) -> dict[str, Any]:
    """Return how an index of many does: filled with real signatures and with mixtures of them, that
    share up to half with each of two; then real texts are asked for and added."""
    rng = np.random.default_rng(size)
    before = _resident()
    index = Index()
    begin = time.perf_counter()
    portion = min(size, 250_000)
    filled = 0.0
    for at in range(0, size, portion):
        made = real[:portion] if at == 0 else mixed(rng, real, portion)
        made = made if len(made) == portion else mixed(rng, real, portion)
        clock = time.perf_counter()
        index.add(np.arange(at, at + portion), made)
        filled += time.perf_counter() - clock
    some = (texts * (asked // len(texts) + 1))[:asked]
    clock, cpu = time.perf_counter(), time.process_time()
    answers = _through(index, some, size)
    wall, spent = time.perf_counter() - clock, time.process_time() - cpu
    return {
        "filled_per_s": round(size / filled),
        "indexed_and_queried_per_s": round(asked / wall),
        "a_core_per_s": round(asked / spent),
        "answers": answers,
        "segments": len(index.segments),
        "octets_a_text": round(index.octets / len(index)),
        "resident_mb": round(_resident() - before),
        "took_s": round(time.perf_counter() - begin),
    }


def mixed(rng: np.random.Generator, real: Signatures, count: int) -> Signatures:
    """Return signatures each of which shares some octets with a real one, the rest with others."""
    share = rng.random((count, 1), np.float32) * 0.5
    own = rng.random((count, OCTETS), np.float32) < share
    others = rng.integers(0, len(real), (count, OCTETS))
    one = real[rng.integers(0, len(real), count)]
    return np.where(own, one, real[others, np.arange(OCTETS)])


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
