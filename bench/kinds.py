"""Kinds: the model against a plain TF-IDF with linear support vectors, on the same split.

The public sets (`../shared/data/sms`) are split by `cluster` inside their open parts: four fifths
to learn from, one fifth to be judged. The baseline learns each set alone, from the same rows; the
model is one for all. Then each set with wanted texts is left out altogether: how many of its
wanted texts would the model call spam at its default threshold? At last, codes and bank notices
from hand-written templates, and speed. Where the sets are not there, only the templates are judged.
"""

from __future__ import annotations

import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from assent.cli.model import lessons
from assent.screen.categories import BY_CODE
from assent.screen.labels import label_of
from assent.screen.lessons import Example, Recipe, School
from assent.screen.model import Kinds, Model
from assent.screen.normal import normalise_all
from assent.screen.samples import renderings, sample_document
from assent.screen.training import Plan, train
from assent.screen.weights import write_weights
from bench.kinds_templates import must_pass

SETS: Final = Path(__file__).parents[2] / "shared" / "data" / "sms"
LIGHT: Final = Plan(
    gate=Recipe(uneven=0.5, folds=2),
    kinds=Recipe(uneven=0.5, folds=1),
    gate_most=1500,
    kinds_most=300,
)
"""For models whose categories nobody looks at."""
_CHINESE: Final = ("mudou", "fbs", "zh80w", "zh80w6")
_SHARES: Final = ("fbs", "zh80w6", "smish5971")
_SIDES: Final = ("mudou", "zh80w", "uci", "exais", "smish5971", "phsms")
_SPEED_TEXTS: Final = 1000
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """Judged texts of one set, and the baseline that learned from the rest."""

    examples: list[Example]
    spam: NDArray[np.bool_]


def held_back(example: Example, seed: int) -> bool:
    """Tell whether a text is judged rather than learned from: whole clusters, one in five."""
    return zlib.crc32(f"{seed}{example.cluster or example.text}".encode()) % 5 == 0


def run(tell: Tell, quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Measure everything."""
    found: dict[str, Any] = {}
    if quick or not SETS.is_dir():
        found["sets"] = "not measured" if quick else "not here"
    else:
        found |= _on_sets(tell, seed)
    found["templates"] = templates(Model.packaged(), 100 if quick else 1000)
    found["speed"] = speed(Model.packaged(), seconds=0.2 if quick else 3.0)
    return found


def _on_sets(tell: Tell, seed: int) -> dict[str, Any]:
    """Learn and judge as the module's docstring says."""
    found: dict[str, Any] = {}
    examples, schools, _ = lessons([SETS], seed, True, set())
    learn = [one for one in examples if one.school == "written" or not held_back(one, seed)]
    parts = _parts(examples, schools, seed)
    model = _model(learn, schools, seed)
    tell("one model for all sets is learned")
    found["validation"] = {
        name: _against(name, part, model, _baseline(name, learn, part, schools))
        for name, part in parts.items()
    }
    found["left_out"] = {}
    for name, part in parts.items():
        if (~part.spam).sum() >= 30:
            found["left_out"][name] = _without(name, learn, part, schools, seed)
            tell(f"learned without {name}")
    found["codes_and_notices"] = _must_pass(parts["mudou"], model)
    return found


def _model(
    examples: list[Example],
    schools: Sequence[School],
    seed: int,
    plan: Plan = Plan(),  # noqa: B008  # frozen
) -> Model:
    weights = train(examples, schools, seed, plan)
    return Model.of(write_weights(replace(weights, about={**weights.about, "version": "bench"})))


def _parts(examples: list[Example], schools: Sequence[School], seed: int) -> dict[str, Part]:
    means = {school.name: school.labels for school in schools}
    groups: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        if one.school != "written" and held_back(one, seed):
            groups[one.school].append(one)
    for group in groups.values():
        texts = _read([one.text for one in group])
        group[:] = [replace(one, text=text) for one, text in zip(group, texts, strict=True)]
    return {
        name: Part(group, np.array([means[name][one.label].spam for one in group], bool))
        for name, group in groups.items()
    }


def _read(texts: Sequence[str]) -> list[str]:
    return [normal.text for normal in normalise_all(texts)]


def judge(model: Model, texts: Sequence[str]) -> Kinds:
    """Judge any number of texts, a thousand at a time."""
    lists = [model.judge(texts[begin : begin + 1000]) for begin in range(0, len(texts), 1000)]
    return Kinds(
        np.concatenate([one.category for one in lists]),
        np.concatenate([one.purpose for one in lists]),
        np.concatenate([one.spam for one in lists]),
    )


def _baseline(
    name: str, learn: list[Example], part: Part, schools: Sequence[School]
) -> dict[str, Any]:
    """Learn the set alone with TF-IDF of characters and a linear support vector machine."""
    means = {school.name: school.labels for school in schools}[name]
    own = [one for one in learn if one.school == name]
    chinese = name in _CHINESE
    if len({one.label for one in own}) < 2:
        return {}
    features = TfidfVectorizer(
        analyzer="char" if chinese else "char_wb", ngram_range=(1, 3) if chinese else (2, 5),
        sublinear_tf=True, min_df=2,
    )  # fmt: skip
    matrix = features.fit_transform([one.text for one in own])
    rest = features.transform([one.text for one in part.examples])
    found: dict[str, Any] = {}
    if name in _SHARES:
        told = LinearSVC().fit(matrix, [one.label for one in own]).predict(rest)
        found["macro_f1"] = _macro([one.label for one in part.examples], list(told))
    if name in _SIDES:
        machine = LinearSVC().fit(matrix, [means[one.label].spam for one in own])
        distance = machine.decision_function(rest)
        found |= _ranked(part.spam, distance)
        found["f1"] = float(f1_score(part.spam, distance > 0))
    return found


def _macro(right: list[str], told: list[str]) -> float:
    labels = sorted({label for label in right if right.count(label) >= 5})
    return float(f1_score(right, told, labels=labels, average="macro", zero_division=0))


def _ranked(spam: NDArray[np.bool_], score: NDArray[Any]) -> dict[str, float]:
    """Return recall where no more than so many of the wanted texts stand above."""
    ham = np.sort(score[~spam])[::-1]
    return {
        f"recall_at_{share:.1%}": float(np.mean(score[spam] > ham[int(share * ham.size)]))
        for share in (0.005, 0.001)
    }


def _against(name: str, part: Part, model: Model, baseline: dict[str, Any]) -> dict[str, Any]:
    kinds = judge(model, [one.text for one in part.examples])
    right = [one.label for one in part.examples]
    found: dict[str, Any] = {"texts": len(right), "wanted": int((~part.spam).sum())}
    told = [label_of(name, code) for code in kinds.best()]
    if name in _SHARES:
        found["macro_f1"] = _macro(right, told)
        found["macro_f1_95"] = _resampled(
            part.examples, lambda at: _macro([right[i] for i in at], [told[i] for i in at])
        )
    if name in _SIDES:
        found |= _ranked(part.spam, kinds.spam)
        found["recall_at_0.5%_95"] = _resampled(
            part.examples, lambda at: _ranked(part.spam[at], kinds.spam[at])["recall_at_0.5%"]
        )
        said = np.array([_spam_label(name, code) for code in kinds.best()])
        found["f1"] = float(f1_score(part.spam, said))
        over = kinds.spam >= model.threshold
        found["over_threshold"] = share(int(over[~part.spam].sum()), int((~part.spam).sum()))
        found["recall_at_threshold"] = float(over[part.spam].mean())
    if baseline:
        found["baseline"] = baseline
    return found


def _spam_label(name: str, code: str) -> bool:
    return label_of(name, code) not in ("ham", "Other")


def _resampled(
    examples: list[Example], measure: Callable[[NDArray[np.intp]], float], times: int = 200
) -> str:
    """Return the interval of 95 % over samples of whole clusters, drawn with replacement."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(examples):
        groups[one.cluster or one.text].append(place)
    members = [np.array(group) for group in groups.values()]
    random = np.random.default_rng(7)
    found = [
        measure(
            np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        )
        for _ in range(times)
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    return f"{low:.3f} to {high:.3f}"


def share(hits: int, total: int) -> str:
    """Return a share with Wilson's interval of 95 %."""
    if not total:
        return "none of 0"
    z = 1.96
    rate = hits / total
    middle = (rate + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * ((rate * (1 - rate) + z * z / (4 * total)) / total) ** 0.5 / (1 + z * z / total)
    return f"{hits} of {total} ({rate:.2%}; {max(middle - reach, 0):.2%} to {middle + reach:.2%})"


def _without(
    name: str, learn: list[Example], part: Part, schools: Sequence[School], seed: int
) -> dict[str, Any]:
    """Learn from all other sets; judge all of this one's texts that were held back."""
    rest = [one for one in learn if one.school != name]
    others = [
        replace(school, recipe=replace(school.recipe, folds=2), most=min(school.most, 4000))
        for school in schools
        if school.name != name
    ]
    model = _model(rest, others, seed, LIGHT)
    spam = judge(model, [one.text for one in part.examples]).spam
    over = spam >= model.threshold
    return {
        "threshold": model.threshold,
        "wanted_over_threshold": share(int(over[~part.spam].sum()), int((~part.spam).sum())),
        "spam_recall": float(over[part.spam].mean()) if part.spam.any() else "none",
    }


def _must_pass(part: Part, model: Model) -> dict[str, Any]:
    """Judge the rows that are codes and notices by their weak labels."""
    found = {}
    for label in ("weak:otp", "weak:notification"):
        texts = [one.text for one in part.examples if one.label == label]
        found[label] = _suspected(model, texts)
    return found


def _suspected(model: Model, texts: Sequence[str]) -> dict[str, str]:
    kinds = judge(model, texts)
    natures = [BY_CODE[code].nature for code in kinds.best()]
    return {
        "harmful": share(natures.count("harmful"), len(texts)),
        "restricted": share(natures.count("restricted"), len(texts)),
        "over_threshold": share(int((kinds.spam >= model.threshold).sum()), len(texts)),
    }


def templates(model: Model, count: int) -> dict[str, Any]:
    """Judge renderings of hand-written codes and notices that no model has learned from."""
    return _suspected(model, _read(must_pass(count, 99)))


def speed(model: Model, seconds: float) -> dict[str, float]:
    """Return texts a second on one core in lists of a thousand, and milliseconds for one text."""
    every = renderings(sample_document(), 5, 8)
    texts = _read([one.text for one in every][:_SPEED_TEXTS])
    model.judge(texts)
    best, alone = 0.0, []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        model.judge(texts)
        best = max(best, len(texts) / (time.perf_counter() - begin))
        begin = time.perf_counter()
        model.judge(texts[:1])
        alone.append(time.perf_counter() - begin)
    return {"texts_per_s": best, "one_text_ms": float(np.median(alone)) * 1000}
