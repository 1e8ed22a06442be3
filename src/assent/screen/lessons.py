"""What a model of kinds is taught: labelled texts, what their labels mean, how each head learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Example", "Label", "Recipe", "School"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is learned. `cost`: of an error against a narrow margin. `uneven`: the power of
    the log-count ratio. `least`: texts that a feature stands in. `balanced`: every label weighs
    the same. `folds`: of the cross-validation."""

    cost: float = 1.0
    uneven: float = 0.5
    least: int = 3
    balanced: bool = False
    folds: int = 4


@dataclass(frozen=True, slots=True)
class Label:
    """What a school's label means: the categories that it may be, and whether it is spam."""

    codes: tuple[str, ...]
    spam: bool


@dataclass(frozen=True, slots=True)
class School:
    """A set of labelled texts. `merged`: its own head tells only spam from the rest, because its
    finer labels are too weak. `general`: its labels are the categories, and it has no head of its
    own but answers by the one that all share. `most`: texts of a label that are learned from."""

    name: str
    labels: Mapping[str, Label]
    recipe: Recipe = Recipe()
    merged: bool = False
    general: bool = False
    most: int = 8000


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text, as it was sent. `cluster`: equal for near-duplicates, which are never
    learned from and judged by at once."""

    text: str
    school: str
    label: str
    cluster: str = ""
