"""Orders drawn as groups: who sends the same text, leads to the same place, hands in the same
papers, pays and calls from the same place, though each says it is somebody of its own.

A party (a group of senders of one owner or brand) that orders through an account is a node. Marks
that two nodes share join them, each weighed by how rare it is among parties: what everybody shares
(a short-link host, a cloud's network, a code text) weighs little, and beyond a number of parties
nothing. What an account has (papers, payer, network) joins accounts, never the customers of one
agent with each other; what an order or its party has joins those, too. Nodes hold together when
their ties reach :data:`TOGETHER`, and a group is what hangs together by more than single threads.
Every group says which marks made it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import log
from typing import Final

__all__ = ["HUB", "TOGETHER", "WEIGHTS", "Group", "Mark", "Order", "Reason", "groups"]

Mark = tuple[str, str]
"""Kind and value: equal things have equal values."""

Node = tuple[int, int]
"""Party and account."""

WEIGHTS: Final[Mapping[str, float]] = {
    "text": 2.2,
    "contact": 1.4,
    "host": 0.9,
    "file": 1.6,
    "person": 1.3,
    "phone": 1.2,
    "payer": 1.3,
    "domain": 1.0,
    "sketch": 0.35,  # of a piece of a file; some are in every form
    "network": 0.6,
    "address": 0.5,
    "time": 0.2,
}
"""What a kind of mark weighs that two parties have and nobody else."""

_MOST: Final[Mapping[str, float]] = {"sketch": 1.4}
"""What all shared marks of one kind weigh together: once its weight, unless said here."""

TOGETHER: Final = 1.0
HUB: Final = 60
_HUBS: Final[Mapping[str, int]] = {"text": 300}
"""Parties that may share a mark before it says nothing of any of them. A text of so many weighs too
little to join them by itself."""
_PARTIES: Final = 1_000
"""As many parties are supposed where there are fewer: in a small house ten are not everybody."""
_WHOLE: Final = 40
_SHORT: Final = 8
"""Letters from which on a text counts wholly, and up to which not at all: a few are anybody's."""
_SAME_ACCOUNT: Final = 0.5
"""Of texts of one account's customers: an agent lawfully writes alike for them."""
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Order:
    """What one party ordered, or handed in, through one account. `at`: unix seconds. `marks`: what
    is the party's own or the order's. `through`: what the account has, which joins it with other
    accounts only. `letters`: of each text among the marks how long it is. `copies`: the party's
    papers were seen as electronic copies only."""

    party: int
    account: int
    at: float
    marks: frozenset[Mark]
    through: frozenset[Mark] = frozenset()
    letters: Mapping[str, int] = field(default_factory=dict)
    copies: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A mark that members share. `weight`: what it weighs between two of them."""

    kind: str
    value: str
    parties: int
    weight: float


@dataclass(frozen=True, slots=True)
class Group:
    """Parties that act together. `nodes`: party and account, in order. `reasons`: the marks that
    most of them share first. `copies`: parties whose papers were seen as copies only."""

    nodes: tuple[Node, ...]
    reasons: tuple[Reason, ...]
    first: float
    last: float
    copies: int

    @property
    def parties(self) -> int:
        """How many who say they are somebody of their own."""
        return len({party for party, _ in self.nodes})

    @property
    def accounts(self) -> int:
        """Through how many accounts they order."""
        return len({account for _, account in self.nodes})


def groups(orders: Iterable[Order], least: int = 5, most_reasons: int = 12) -> list[Group]:
    """Return the groups of `least` parties or more, the largest first."""
    seen = _Seen(orders)
    weights = {mark: seen.weight(mark) for mark in seen.nodes}
    ties = _ties(seen, weights)
    near: dict[Node, set[Node]] = defaultdict(set)
    for (one, other), kinds in ties.items():
        total = sum(min(weight, _MOST.get(kind, WEIGHTS[kind])) for kind, weight in kinds.items())
        if total >= TOGETHER:
            near[one].add(other)
            near[other].add(one)
    found = [
        seen.group(members, weights, most_reasons)
        for members in _components(_firm(near))
        if len({party for party, _ in members}) >= least
    ]
    return sorted(found, key=lambda group: (-group.parties, group.nodes))


class _Seen:
    """The orders by nodes and marks."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self.nodes: dict[Mark, set[Node]] = defaultdict(set)
        self.own: dict[Node, set[Mark]] = defaultdict(set)
        self.letters: dict[str, int] = {}
        self.times: dict[Node, tuple[float, float]] = {}
        self.copies: set[int] = set()
        for order in orders:
            node = order.party, order.account
            first, last = self.times.get(node, (order.at, order.at))
            self.times[node] = min(first, order.at), max(last, order.at)
            self.letters.update(order.letters)
            if order.copies:
                self.copies.add(order.party)
            self.own[node] |= order.marks
            for mark in order.marks | order.through:
                self.nodes[mark].add(node)
        self._parties = max(_PARTIES, len({party for party, _ in self.times}))

    def weight(self, mark: Mark) -> float:
        """Return what a mark weighs between two who share it: 0 for one nobody or everybody has."""
        kind, value = mark
        parties = len({party for party, _ in self.nodes[mark]})
        if parties < 2 or parties > _HUBS.get(kind, HUB) or kind not in WEIGHTS:
            return 0.0
        rare = 1 - log(parties - 1) / log(self._parties)
        whole = 1.0
        if kind == "text":
            letters = self.letters.get(value, _WHOLE)
            whole = min(1.0, max(0.0, (letters - _SHORT) / (_WHOLE - _SHORT)))
        return WEIGHTS[kind] * rare * whole

    def group(
        self, members: Sequence[Node], weights: Mapping[Mark, float], most_reasons: int
    ) -> Group:
        """Return a group with what its members share."""
        inside = set(members)
        reasons = []
        for mark, nodes in self.nodes.items():
            parties = len({party for party, _ in nodes & inside})
            if parties > 1 and weights[mark] > 0:
                reasons.append(Reason(*mark, parties, round(weights[mark], 3)))
        reasons.sort(key=lambda one: (-one.parties * one.weight, one.kind, one.value))
        times = [self.times[node] for node in members]
        copies = len(self.copies & {party for party, _ in members})
        return Group(
            tuple(sorted(members)),
            tuple(reasons[:most_reasons]),
            min(first for first, _ in times),
            max(last for _, last in times),
            copies,
        )


def _ties(seen: _Seen, weights: Mapping[Mark, float]) -> dict[tuple[Node, Node], dict[str, float]]:
    """Return what joins each pair of nodes, by kind. Hubs bound how many pairs a mark has."""
    ties: dict[tuple[Node, Node], dict[str, float]] = defaultdict(dict)
    for mark, weight in weights.items():
        if weight <= 0:
            continue
        kind = mark[0]
        most = _MOST.get(kind)
        for one, other in combinations(sorted(seen.nodes[mark]), 2):
            if one[0] == other[0]:
                continue
            worth = weight
            if one[1] == other[1]:
                if kind == "time" or mark not in seen.own[one] & seen.own[other]:
                    continue
                worth *= _SAME_ACCOUNT if kind == "text" else 1.0
            kinds = ties[one, other]
            before = kinds.get(kind, 0.0)
            kinds[kind] = before + worth if most is not None else max(before, worth)
    return ties


def _firm(near: Mapping[Node, set[Node]]) -> dict[Node, set[Node]]:
    """Return a graph without those who hang on it by fewer than two threads, and without those who
    then do: one shared thing brings nobody into a group."""
    left = {node: set(others) for node, others in near.items()}
    loose = [node for node, others in left.items() if len(others) < _THREADS]
    while loose:
        node = loose.pop()
        for other in left.pop(node, ()):
            others = left.get(other)
            if others is not None:
                others.discard(node)
                if len(others) == _THREADS - 1:
                    loose.append(other)
    return left


def _components(near: Mapping[Node, set[Node]]) -> list[list[Node]]:
    """Return what hangs together, by union-find."""
    parent = {node: node for node in near}

    def root(node: Node) -> Node:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for node, others in near.items():
        for other in others:
            parent[root(node)] = root(other)
    found: dict[Node, list[Node]] = defaultdict(list)
    for node in near:
        found[root(node)].append(node)
    return list(found.values())
