"""What data sets call things: which categories a set's label may be, and what a category is called
there. Packaged as data, so that scores come from a model's output and this table alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from assent.screen.categories import BY_CODE, CATEGORIES
from assent.screen.lessons import Label, Recipe, School

__all__ = ["label_of", "own_school", "school_of", "table"]

_PACKAGED: Final = "data/screen/labels-2026.1.json"
_SERVICES: Final = tuple(one.code for one in CATEGORIES if one.nature == "service")
_OTHERS: Final = tuple(one.code for one in CATEGORIES if one.nature != "service")


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """Return what the table says of every set that it knows."""
    document = json.loads(resources.files("assent").joinpath(_PACKAGED).read_bytes())
    sets: dict[str, Any] = document["sets"]
    return sets


def school_of(name: str) -> School:
    """Return the school that a known set teaches."""
    told = table()[name]
    labels = {
        label: Label(tuple(means["codes"]), bool(means["spam"]))
        for label, means in told["teaches"].items()
    }
    return School(name, labels, Recipe(**told["recipe"]), merged=told["merged"], most=told["most"])


def own_school(name: str, labels: Sequence[str]) -> School:
    """Return the school of an operator's own texts: labels are categories, or ham and spam."""
    known = {"ham": Label(_SERVICES, False), "spam": Label(_OTHERS, True)}
    for label in labels:
        if label in BY_CODE:
            known[label] = Label((label,), BY_CODE[label].nature != "service")
    return School(name, {label: known[label] for label in sorted(set(labels))})


def label_of(name: str, code: str) -> str:
    """Return what a set calls a category."""
    return str(table()[name]["scores"][code])
