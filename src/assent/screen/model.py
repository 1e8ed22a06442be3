"""Kinds: what a text is, how sure that is, and which of its words decided.

A model holds *schools*: each set of labelled texts taught one, in its own labels. A gate tells
how much a text resembles what each school has seen; the schools answer in that proportion. The
head `kinds`, which all sets taught together, answers for texts like those written by hand, tells
categories apart where a school's label spans several, and says for schools that only ever saw spam
whether a text is any. So sets whose labels contradict each other do not spoil one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from assent.message import Purpose
from assent.screen.categories import CATEGORIES
from assent.screen.finding import Span
from assent.screen.grams import BITS, grams
from assent.screen.weights import F32, Part, Weights, digest_of, read_weights

__all__ = ["PURPOSES", "Kinds", "Model", "Place", "rows_of"]

PURPOSES: Final = (Purpose.VERIFICATION, Purpose.NOTIFICATION, Purpose.MARKETING, Purpose.INTERNAL)
_CODES: Final = tuple(category.code for category in CATEGORIES)
_SERVES: Final = np.array(
    [[category.purpose == purpose for purpose in PURPOSES] for category in CATEGORIES], np.float32
)
_SERVICE: Final = np.array([one.nature == "service" for one in CATEGORIES], np.float32)
_SHARP: Final = 2
"""Within a school's label its likeliest category stands for the label: the many others together
shall not outweigh it."""
_OFFERS: Final = 1 - _SERVICE
_WIDE, _MURMUR = 25, 0.1
"""A label of more categories says with less voice which of them it is."""
_PACKAGED: Final = "data/screen/kinds-2026.1.npz"
_HEARD: Final = 0.01
"""A school whose share in a text is smaller is not asked."""

Place = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What texts are, one row each. `category`: in the order of CATEGORIES. `purpose`: in the
    order of PURPOSES. `spam`: how likely nobody asked for it."""

    category: F32
    purpose: F32
    spam: F32

    def best(self) -> list[str]:
        """Return each text's likeliest category."""
        return [_CODES[place] for place in self.category.argmax(axis=1)]


def rows_of(texts: Sequence[str], place: Place, rarity: F32) -> Any:
    """Return the features of texts as a sparse matrix: one row a text, of length 1; `place` tells
    each feature's column, or -1; `rarity` weighs the columns."""
    found = grams(texts)
    column = place[found.feature]
    known = column >= 0
    width = rarity.size
    key = found.row[known] * width + column[known]
    key.sort()
    first = np.flatnonzero(np.diff(key, prepend=-1))
    times = np.diff(first, append=key.size)
    key = key[first]
    row = key // width
    column = (key - row * width).astype(np.int32)
    value = rarity[column]
    many = times > 1
    value[many] *= 1 + np.log(times[many]).astype(np.float32)
    size = np.sqrt(np.bincount(row, value**2, len(texts)))
    value /= size.astype(np.float32)[row]
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(texts)))])
    shape = (len(texts), width)
    return sparse.csr_matrix((value, column, starts.astype(np.int32)), shape=shape)


def places(kept: NDArray[np.uint32]) -> Place:
    """Return each possible feature's column among those kept, or -1."""
    place = np.full(1 << BITS, -1, np.int32)
    place[kept] = np.arange(kept.size)
    return place


def softmax(score: F32) -> F32:
    """Return shares that grow with the scores."""
    share = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)


def _parted(category: F32, service: F32) -> F32:
    """Return the categories so that those of services have what all schools gave them together;
    within services, and within the rest, those schools speak loudest that know fine labels."""
    inside = category * _SERVICE
    outside = category - inside
    inside *= (service / np.maximum(inside.sum(axis=1), 1e-9))[:, None]
    outside *= ((1 - service) / np.maximum(outside.sum(axis=1), 1e-9))[:, None]
    category = np.maximum(inside + outside, 0)
    return np.asarray(category / category.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class _School:
    """`part`: its head, None for one that only ever says one thing. `codes`: [labels,
    categories], 1 where the label may be that category. `spam`, `voice`: of each label; the more
    categories it spans, the less it says which. `blind`: it only ever saw spam, so that the head
    `kinds` says whether a text is any."""

    part: Part | None
    codes: F32
    spam: F32
    voice: F32
    blind: bool


class Model:
    """A trained model. It is never changed; many threads may use it."""

    def __init__(self, weights: Weights, digest: bytes, size: int = 0) -> None:
        self.about = weights.about
        self.digest = digest
        self.size = size
        self._rarity = weights.rarity
        self._place = places(weights.kept)
        parts = {part.name: part for part in weights.parts}
        self._gate = parts.get("gate")
        self._kinds = parts["kinds"]
        shared = [part.weights for part in (self._kinds, self._gate) if part is not None]
        self._first = np.ascontiguousarray(np.concatenate(shared, axis=1))
        self._column = np.array([_CODES.index(code) for code in self._kinds.labels])
        self._schools = [
            _school(self._kinds if told.get("general") else parts.get(told["name"]), told)
            for told in weights.about["schools"]
        ]

    @classmethod
    def of(cls, octets: bytes) -> Model:
        """Return the model of a file's octets.

        Raises:
            InvalidInput: they are no model.
        """
        return cls(read_weights(octets), digest_of(octets), len(octets))

    @classmethod
    def load(cls, path: Path) -> Model:
        """Return the model that lies at `path`."""
        return cls.of(path.read_bytes())

    @classmethod
    def packaged(cls) -> Model:
        """Return the model that is shipped; read once."""
        return _packaged()

    @property
    def version(self) -> str:
        """The model's name."""
        return str(self.about["version"])

    @property
    def threshold(self) -> float:
        """The spam probability from which a text is spam, also one unlike any that it learned
        from."""
        return float(self.about["threshold"])

    def judge(self, texts: Sequence[str]) -> Kinds:
        """Return what `texts`, already normalised, are."""
        if not texts:
            nothing = np.zeros((0, len(_CODES)), np.float32)
            return Kinds(nothing, nothing[:, :4], nothing[:, 0])
        matrix = rows_of(texts, self._place, self._rarity)
        distances = np.asarray(matrix @ self._first)
        width = self._kinds.weights.shape[1]
        kinds = softmax(_turned(self._kinds, distances[:, :width]))
        if self._gate is None:
            share = np.ones((len(texts), 1), np.float32)
        else:
            share = softmax(_turned(self._gate, distances[:, width:]))
        return self._judged(matrix, share, kinds)

    def _judged(self, matrix: Any, share: F32, said: F32) -> Kinds:
        """Ask every school about the texts that resemble its own; `said`: by the head `kinds`."""
        count = matrix.shape[0]
        kinds = np.full((count, len(_CODES)), 1e-7, np.float32)
        kinds[:, self._column] += said
        kinds /= kinds.sum(axis=1, keepdims=True)
        category = np.zeros((count, len(_CODES)), np.float32)
        service = np.zeros(count, np.float32)
        spam = np.zeros(count, np.float32)
        heard = np.where(share >= _HEARD, share, 0)
        heard /= heard.sum(axis=1, keepdims=True)
        for number, school in enumerate(self._schools):
            some = np.flatnonzero(heard[:, number])
            if not some.size:
                continue
            part, own = heard[some, number, None], kinds[some]
            if school.part is self._kinds:
                label = own[:, self._column]
            elif school.part is None:
                label = np.ones((some.size, 1), np.float32)
            else:
                label = softmax(_scores(school.part, matrix[some]))
            label = label * part
            if school.blind:
                label *= (own @ _OFFERS)[:, None]
                wanted = own * _SERVICE * part
                service[some] += wanted.sum(axis=1)
                category[some] += wanted
            sure = own**_SHARP
            told = label / (sure @ school.codes.T)
            service[some] += ((told @ school.codes) * sure) @ _SERVICE
            category[some] += sure * ((told * school.voice) @ school.codes)
            spam[some] += label @ school.spam
        category = _parted(category, service)
        return Kinds(category, category @ _SERVES, np.clip(spam, 0, 1))

    def explain(self, text: str, category: str, most: int = 3) -> tuple[Span, ...]:
        """Return what in `text` spoke most for `category`: places, in order."""
        return self.explain_all([text], [category], most)[0]

    def explain_all(
        self, texts: Sequence[str], categories: Sequence[str], most: int = 3
    ) -> list[tuple[Span, ...]]:
        """Return for each text what in it spoke most for its category: places, in order.

        Neighbouring features are one, and their weight is spread over their characters."""
        if not texts:
            return []
        found = grams(texts, places=True)
        assert found.start is not None
        assert found.end is not None
        column = self._place[found.feature]
        known = (column >= 0) & (found.end > found.start)
        row, start, end = found.row[known], found.start[known], found.end[known]
        column = column[known]
        force = self._weight_of(texts, categories, row, column)
        force *= self._rarity[column] / (end - start)
        length = np.array([len(text) for text in texts])
        first = np.cumsum(length + 1) - length - 1
        size = int(length.sum()) + len(texts) + 1
        change = np.bincount(first[row] + start, force, size)
        change -= np.bincount(first[row] + np.minimum(end, length[row]), force, size)
        weight = np.asarray(np.cumsum(change), np.float64)
        return [
            tuple(sorted(span for span, _ in _peaks(weight[a : a + len(text)], text)[:most]))
            for a, text in zip(first.tolist(), texts, strict=True)
        ]

    def _weight_of(
        self, texts: Sequence[str], categories: Sequence[str], row: NDArray[Any], column: Place
    ) -> NDArray[np.float64]:
        """Return what each of these features weighs for its text's category against the others."""
        share = np.ones((len(texts), 1), np.float32)
        if self._gate is not None:
            share = softmax(_scores(self._gate, rows_of(texts, self._place, self._rarity)))
        total = np.zeros(column.size)
        names = np.array(categories)[row]
        for category in set(categories):
            some = np.flatnonzero(names == category)
            mine, code = column[some], _CODES.index(category)
            if not mine.size:
                continue
            if category in self._kinds.labels:
                right = np.array([label == category for label in self._kinds.labels])
                total[some] += _against(self._kinds, right, mine)
            for number, school in enumerate(self._schools):
                right = school.codes[:, code] > 0
                part = share[row[some], number]
                if school.part is None or not right.any() or right.all() or part.max() <= 0.1:
                    continue
                total[some] += np.where(part > 0.1, part, 0) * _against(school.part, right, mine)
        return total


def _school(part: Part | None, told: dict[str, Any]) -> _School:
    labels = part.labels if part is not None else tuple(told["labels"])
    codes = np.zeros((len(labels), len(_CODES)), np.float32)
    for row, label in enumerate(labels):
        for code in told["labels"][label]["codes"]:
            codes[row, _CODES.index(code)] = 1
    spam = np.array([told["labels"][label]["spam"] for label in labels], np.float32)
    voice = np.where(codes.sum(axis=1) > _WIDE, _MURMUR, 1).astype(np.float32)
    return _School(part, codes, spam, voice, bool(spam.all()))


def _scores(part: Part, matrix: Any) -> F32:
    return _turned(part, np.asarray(matrix @ part.weights))


def _turned(part: Part, distances: F32) -> F32:
    return np.asarray((distances + part.offset) @ part.turn + part.shift, np.float32)


def _against(part: Part, right: NDArray[np.bool_], column: Place) -> F32:
    """Return what features weigh for labels against the rest."""
    turn = part.turn[:, right].mean(axis=1) - part.turn[:, ~right].mean(axis=1)
    return np.asarray(part.weights[column] @ turn, np.float32)


def _peaks(force: NDArray[np.float64], text: str) -> list[tuple[Span, float]]:
    """Return stretches whose characters weigh a third of the heaviest or more."""
    if not force.size or force.max() <= 0:
        return []
    high = np.concatenate([[False], force >= force.max() / 3, [False]])
    edge = np.flatnonzero(high[1:] != high[:-1])
    spans = [(int(a), int(b)) for a, b in zip(edge[::2], edge[1::2], strict=True)]
    trimmed = []
    for a, b in spans:
        inner = text[a:b]
        left = a + len(inner) - len(inner.lstrip())
        right = b - (len(inner) - len(inner.rstrip()))
        if left < right:
            trimmed.append(((left, right), float(force[left:right].sum())))
    return sorted(trimmed, key=lambda one: -one[1])


@lru_cache(maxsize=1)
def _packaged() -> Model:
    return Model.of(resources.files("assent").joinpath(_PACKAGED).read_bytes())
