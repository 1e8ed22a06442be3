"""Learn a model of kinds. The same texts, labels and seed give the same model."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from assent.errors import InvalidInput
from assent.screen.categories import BY_CODE
from assent.screen.grams import BITS
from assent.screen.heads import F32, Head, Names, learn
from assent.screen.lessons import Example, Label, Recipe, School
from assent.screen.model import places, rows_of, softmax
from assent.screen.normal import normalise_all
from assent.screen.weights import Part, Weights
from assent.screen.words import RuleSet

__all__ = ["Plan", "counted", "train"]

Tell = Callable[[str], None]
_SLICE: Final = 2000
_LEAST: Final = ("advert", "fraud")
"""Offers and frauds of no kind in particular."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to learn. `gate`, `kinds`: the recipes of the two heads that all schools share."""

    gate: Recipe = Recipe(cost=1.0, uneven=0.5, folds=2)  # noqa: RUF009  # frozen
    kinds: Recipe = Recipe(cost=1.0, uneven=0.5, folds=2)  # noqa: RUF009  # frozen
    least: int = 3
    gate_most: int = 3500
    kinds_most: int = 900
    features: int = 130_000
    ham_lost: float = 0.01


@dataclass(slots=True)
class _Lesson:
    """All examples, side by side."""

    matrix: Any
    school: Names
    label: Names
    fold: NDArray[np.intp]
    text: Names


def train(
    examples: Sequence[Example],
    schools: Iterable[School],
    seed: int,
    plan: Plan = Plan(),
    tell: Tell = lambda words: None,
) -> Weights:
    """Learn from `examples`; what `about` says of version and sources is the caller's to add.

    Raises:
        InvalidInput: nothing to tell apart.
    """
    random = np.random.default_rng(seed)
    known = {school.name: school for school in schools}
    picked = _picked(examples, known, random)
    if len({one.label for one in picked}) < 2:
        raise InvalidInput(
            "nothing_to_learn", "the texts have one label or none", field="texts",
            mend="give texts of at least two kinds",
        )  # fmt: skip
    used = {name: known[name] for name in dict.fromkeys(one.school for one in picked)}
    kept, rarity, lesson = _lesson(picked, plan.least)
    tell(f"{len(picked)} texts, {kept.size} features")
    heads = _school_heads(lesson, used, seed, tell)
    gate = _gate(lesson, plan, seed, random)
    tell("gate")
    kinds = _kinds(lesson, used, plan, seed, random)
    tell("kinds")
    for name, school in used.items():
        if school.general:
            used[name] = replace(school, labels=_all_labels(kinds.labels))
    threshold = _threshold(lesson, used, heads, kinds, gate, plan)
    parts = [_part(name, head) for name, head in heads.items()]
    parts += [_part("kinds", kinds)] + ([_part("gate", gate)] if gate is not None else [])
    order = gate.labels if gate is not None else tuple(used)
    told = [_told(used[name]) for name in order]
    about = {"schools": told, "threshold": threshold, "seed": seed, "texts": len(picked)}
    return _pruned(Weights(kept, rarity, tuple(parts), about), plan.features)


def _pruned(weights: Weights, most: int) -> Weights:
    """Return the model with the features that weigh most in any head; weights of less than a
    hundredth of a head's largest are left out, too: they tell little but make files large."""
    matter = np.zeros(weights.kept.size)
    for part in weights.parts:
        each = np.abs(part.weights).max(axis=1)
        strong = float(np.sort(each)[-max(each.size // 1000, 1)])
        matter = np.maximum(matter, each / max(strong, 1e-12))
    place = np.sort(np.argsort(-matter, kind="stable")[:most])
    parts = []
    for part in weights.parts:
        some = part.weights[place]
        weak = np.abs(some) < 0.01 * np.abs(some).max(axis=0, initial=0)
        parts.append(replace(part, weights=np.where(weak, np.float32(0), some)))
    return Weights(weights.kept[place], weights.rarity[place], tuple(parts), weights.about)


def _told(school: School) -> dict[str, Any]:
    labels = _merged(school) if school.merged else school.labels
    return {
        "name": school.name,
        "general": school.general,
        "labels": {
            name: {"codes": list(label.codes), "spam": int(label.spam)}
            for name, label in sorted(labels.items())
        },
    }


def _all_labels(codes: Sequence[str]) -> dict[str, Label]:
    """Return the labels of a school that answers in categories."""
    return {code: Label((code,), BY_CODE[code].nature != "service") for code in codes}


def _merged(school: School) -> dict[str, Label]:
    """Return the two labels of a school that only tells spam from the rest."""
    codes: dict[bool, list[str]] = {False: [], True: []}
    for label in school.labels.values():
        codes[label.spam] += [code for code in label.codes if code not in codes[label.spam]]
    return {"ham": Label(tuple(codes[False]), False), "spam": Label(tuple(codes[True]), True)}


def _picked(
    examples: Sequence[Example], schools: Mapping[str, School], random: np.random.Generator
) -> list[Example]:
    """Return those to learn from: no more of one label than its school wants."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(examples):
        if one.school in schools and one.label in schools[one.school].labels:
            groups.setdefault((one.school, one.label), []).append(place)
    chosen: list[int] = []
    for (school, _), members in groups.items():
        most = schools[school].most
        if len(members) > most:
            members = [members[place] for place in random.permutation(len(members))[:most]]
        chosen += members
    return [examples[place] for place in sorted(chosen)]


def _lesson(examples: Sequence[Example], least: int) -> tuple[NDArray[np.uint32], F32, _Lesson]:
    """Return the features that are kept, how rare each is, and the examples by them."""
    texts = [normal.text for normal in normalise_all([one.text for one in examples])]
    every = np.arange(1 << BITS, dtype=np.int32)
    flat = np.ones(1 << BITS, np.float32)
    seen = np.zeros(1 << BITS, np.int64)
    for begin in range(0, len(texts), _SLICE):
        seen += np.bincount(
            rows_of(texts[begin : begin + _SLICE], every, flat).indices, minlength=seen.size
        )
    kept = np.flatnonzero(seen >= least).astype(np.uint32)
    rarity = np.log((1 + len(texts)) / (1 + seen[kept])) + 1
    rarity = (np.round(rarity * 16) / 16).astype(np.float32)
    place = places(kept)
    matrix = sparse.vstack(
        [
            rows_of(texts[begin : begin + _SLICE], place, rarity)
            for begin in range(0, len(texts), _SLICE)
        ],
        format="csr",
    )
    fold = [zlib.crc32((one.cluster or one.text).encode()) // 7 for one in examples]
    return (
        kept,
        rarity,
        _Lesson(
            matrix,
            np.array([one.school for one in examples], object),
            np.array([one.label for one in examples], object),
            np.array(fold, np.intp),
            np.array([one.text for one in examples], object),
        ),
    )


def _learn(
    lesson: _Lesson,
    place: NDArray[np.intp],
    labels: Names,
    recipe: Recipe,
    seed: int,
    weight: F32 | None = None,
) -> Head:
    even = np.ones(place.size, np.float32) if weight is None else weight
    return learn(lesson.matrix[place], labels, even, lesson.fold[place], recipe, seed)


def _school_heads(
    lesson: _Lesson, schools: Mapping[str, School], seed: int, tell: Tell
) -> dict[str, Head]:
    """Return the heads of those schools that have one of their own."""
    heads = {}
    for number, school in enumerate(schools.values()):
        head = None if school.general else _school_head(lesson, school, seed + number)
        if head is not None:
            heads[school.name] = head
        tell(f"school {school.name}")
    return heads


def _school_head(lesson: _Lesson, school: School, seed: int) -> Head | None:
    place = np.flatnonzero(lesson.school == school.name)
    labels = lesson.label[place]
    if school.merged:
        spam = np.array([school.labels[label].spam for label in labels])
        labels = np.where(spam, "spam", "ham").astype(object)
    if len(set(labels)) < 2:
        return None
    return _learn(lesson, place, labels, school.recipe, seed)


def _capped(names: Names, most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Return places so that no name has more than `most`."""
    chosen = []
    for name in sorted(set(names)):
        place = np.flatnonzero(names == name)
        chosen.append(random.permutation(place)[:most])
    return np.sort(np.concatenate(chosen))


def _gate(lesson: _Lesson, plan: Plan, seed: int, random: np.random.Generator) -> Head | None:
    if len(set(lesson.school)) < 2:
        return None
    place = _capped(lesson.school, plan.gate_most, random)
    return _learn(lesson, place, lesson.school[place], plan.gate, seed)


def _kinds(
    lesson: _Lesson, schools: Mapping[str, School], plan: Plan, seed: int,
    random: np.random.Generator,
) -> Head:  # fmt: skip
    """Learn all categories from labels that name one, then again with texts whose label spans
    several, each under one of them."""
    allowed = {
        (name, text): label.codes for name, school in schools.items()
        for text, label in school.labels.items()
    }  # fmt: skip
    codes = [allowed[key] for key in zip(lesson.school, lesson.label, strict=True)]
    single = np.array([of[0] if len(of) == 1 else "" for of in codes], object)
    sure = np.flatnonzero(single != "")
    kind = np.array([f"{a} {b}" for a, b in zip(single, lesson.school, strict=True)], object)
    sure = sure[_capped(kind[sure], plan.kinds_most, random)]
    names = set(single[sure])
    if len(names) < 2:
        return _by_first(lesson, codes, plan, seed)
    first = _learn(lesson, sure, single[sure], replace(plan.kinds, folds=1), seed)
    wide = np.flatnonzero((single == "") & np.array([bool(names & set(of)) for of in codes]))
    wide = wide[_capped(lesson.school[wide], plan.kinds_most * 2, random)] if wide.size else wide
    guess = single.copy()
    if wide.size:
        guess[wide] = _guessed(lesson, first, codes, wide)
    place = np.sort(np.concatenate([sure, wide]))
    weight = np.where(single[place] != "", 1.0, 0.3).astype(np.float32)
    return _learn(lesson, place, guess[place], plan.kinds, seed, weight)


def _guessed(
    lesson: _Lesson, first: Head, codes: list[tuple[str, ...]], wide: NDArray[np.intp]
) -> Names:
    """Return the category that stands for a label of several in each of some texts. Of what nobody
    asked for it is what the rules of words find there, else the one that says least: the likeliest
    would be of the kind that is written as the set is, whatever it offers."""
    score = first.scores(lesson.matrix[wide])
    mask = np.array([[name in codes[place] for name in first.labels] for place in wide])
    guess: Names = np.array(first.labels, object)[np.where(mask, score, -np.inf).argmax(axis=1)]
    rules = RuleSet.packaged()
    for begin in range(0, wide.size, _SLICE):
        some = wide[begin : begin + _SLICE]
        found = rules.match(normalise_all(list(lesson.text[some])))
        for number, (place, findings) in enumerate(zip(some, found, strict=True), begin):
            told = [one.code.removeprefix("word_") for one in findings]
            least = [code for code in _LEAST if code in codes[place]]
            known = [code for code in (*told, *least) if code in codes[place]]
            if least and known[0] in first.labels:
                guess[number] = known[0]
    return guess


def _by_first(lesson: _Lesson, codes: list[tuple[str, ...]], plan: Plan, seed: int) -> Head:
    """Learn from labels that all span several categories: each stands for its first."""
    labels = np.array([of[0] for of in codes], object)
    return _learn(lesson, np.arange(labels.size), labels, plan.kinds, seed)


def _threshold(
    lesson: _Lesson, schools: Mapping[str, School], heads: Mapping[str, Head], kinds: Head,
    gate: Head | None, plan: Plan,
) -> float:  # fmt: skip
    """Return the spam probability that, of the wanted texts of any school, no more than
    `ham_lost` exceed when they are judged by the other schools alone."""
    if gate is None:
        return 0.5
    found = [0.5]
    for name, school in schools.items():
        if school.general:
            continue
        ham = [
            of == name and not school.labels[label].spam
            for of, label in zip(lesson.school, lesson.label, strict=True)
        ]
        place = np.flatnonzero(ham)[:3000]
        others = [other for other in gate.labels if other != name]
        if place.size < 200 or not others:
            continue
        matrix = lesson.matrix[place]
        score = gate.scores(matrix)[:, [gate.labels.index(other) for other in others]]
        offers = np.array([BY_CODE[code].nature != "service" for code in kinds.labels], np.float32)
        general = softmax(kinds.scores(matrix)) @ offers
        spam = np.zeros(place.size)
        for share, other in zip(softmax(score).T, others, strict=True):
            spam += share * _spam(matrix, schools[other], heads.get(other), general)
        found.append(float(np.quantile(spam, 1 - plan.ham_lost)))
    return round(min(max(found), 0.9999), 4)


def _spam(matrix: Any, school: School, head: Head | None, general: F32) -> F32:
    """Return a school's opinion; of one that only saw spam, or has no own head, the general one."""
    labels = _merged(school) if school.merged else school.labels
    if head is None or all(label.spam for label in labels.values()):
        return general
    spam = np.array([labels[label].spam for label in head.labels], np.float32)
    return np.asarray(softmax(head.scores(matrix)) @ spam)


def _part(name: str, head: Head) -> Part:
    return Part(name, head.labels, head.weights, head.offset, head.turn, head.shift)


def counted(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """Return how many texts of which label each school has."""
    counts: dict[str, Counter[str]] = {}
    for one in examples:
        counts.setdefault(one.school, Counter())[one.label] += 1
    return {name: dict(sorted(count.items())) for name, count in sorted(counts.items())}
