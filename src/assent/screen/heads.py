"""One head: a linear answer to one question of a text (which of these labels?), learned from
examples and calibrated on examples that it has not seen.

Features are weighed by how rare they are and by how unevenly they stand in the labels (the
log-count ratio that makes Bayes and support vectors one), then separated by linear support
vectors, one label against the rest. A small logistic regression turns the distances, measured by
cross-validation over clusters of near-duplicates, into probabilities.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from assent.screen.lessons import Recipe

__all__ = ["F32", "Head", "learn"]

F32 = NDArray[np.float32]
Names = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Head:
    """`labels`; `weights`: [features, distances]; `offset`: of each distance; `turn`, `shift`:
    scores of the labels are `distances @ turn + shift`. `unseen`: those scores of the examples,
    each by a head that had not seen its cluster."""

    labels: tuple[str, ...]
    weights: F32
    offset: F32
    turn: F32
    shift: F32
    unseen: F32

    def scores(self, matrix: Any) -> F32:
        """Return scores of rows whose features are already weighed by rarity."""
        return np.asarray((matrix @ self.weights + self.offset) @ self.turn + self.shift)


def _unevenness(matrix: Any, labels: Names, names: tuple[str, ...], power: float) -> F32:
    """Return for every feature how much it tells of any one label, on average 1."""
    there = (matrix > 0).astype(np.float32)
    total = np.asarray(there.sum(axis=0)).ravel() + 2
    most = np.zeros(matrix.shape[1])
    for name in names:
        inside = np.asarray(there[labels == name].sum(axis=0)).ravel() + 1
        outside = total - inside
        ratio = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
        most = np.maximum(most, np.abs(ratio))
    return np.asarray((most / max(float(most.mean()), 1e-9)) ** power, np.float32)


def _separate(
    matrix: Any, labels: Names, weight: F32, names: tuple[str, ...], recipe: Recipe, seed: int
) -> tuple[F32, F32]:
    """Return weights and offsets of the distances on all features."""
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= recipe.least)
    part = matrix[:, kept]
    scale = _unevenness(part, labels, names, recipe.uneven)
    machine = LinearSVC(
        C=recipe.cost,
        class_weight="balanced" if recipe.balanced else None,
        random_state=seed,
        tol=0.02,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(part @ sparse.diags(scale), list(labels), sample_weight=weight)
    found = np.zeros((matrix.shape[1], machine.coef_.shape[0]), np.float32)
    found[kept] = (machine.coef_ * scale).T
    order = [list(machine.classes_).index(name) for name in names if name in machine.classes_]
    if len(names) == 2:
        return found, np.asarray(machine.intercept_, np.float32)
    full = np.zeros((matrix.shape[1], len(names)), np.float32)
    offset = np.full(len(names), -3, np.float32)
    here = [place for place, name in enumerate(names) if name in machine.classes_]
    full[:, here] = found[:, order] if len(order) > 2 else np.concatenate([-found, found], axis=1)
    if len(order) > 2:
        offset[here] = machine.intercept_[order]
    else:
        offset[here] = [-machine.intercept_[0], machine.intercept_[0]]
    return full, offset


def _calibrate(
    distances: F32, labels: Names, weight: F32, names: tuple[str, ...]
) -> tuple[F32, F32]:
    """Return turn and shift."""
    machine = LogisticRegression(C=1.0, max_iter=200, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(distances, list(labels), sample_weight=weight)
    if len(names) == 2:
        zero = np.zeros_like(machine.coef_)
        return (
            np.concatenate([zero, machine.coef_]).T.astype(np.float32),
            np.array([0, machine.intercept_[0]], np.float32),
        )
    return machine.coef_.T.astype(np.float32), machine.intercept_.astype(np.float32)


def learn(
    matrix: Any, labels: Names, weight: F32, fold: NDArray[np.intp], recipe: Recipe, seed: int
) -> Head:
    """Learn a head. `matrix`: features weighed by rarity. `fold`: equal for near-duplicates.

    Raises:
        ValueError: there is only one label.
    """
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise ValueError(f"only one label: {names}")
    fold = fold % recipe.folds
    distances = np.zeros((labels.size, 1 if len(names) == 2 else len(names)), np.float32)
    for number in range(recipe.folds):
        away = np.flatnonzero(fold == number)
        rest = np.flatnonzero(fold != number)
        if not away.size or len(set(labels[rest])) < 2:
            continue
        weights, offset = _separate(matrix[rest], labels[rest], weight[rest], names, recipe, seed)
        distances[away] = matrix[away] @ weights + offset
    turn, shift = _calibrate(distances, labels, weight, names)
    weights, offset = _separate(matrix, labels, weight, names, recipe, seed)
    return Head(names, weights, offset, turn, shift, distances @ turn + shift)
