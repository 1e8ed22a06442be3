"""What restrictions are in force, as every process holds them in memory.

Written by restrictions.py, read here whole: at start, when the channel `restriction` tells of a
change, and when a commit of attempts finds one that this memory has not seen. A restriction binds
an order, a chunk of a campaign and a queued batch alike; only the purpose `system` is never bound,
since nobody may be kept from being told that their refusal holds.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.flow.needs import Queries
from assent.message import Purpose
from assent.policy.facts import Effect

CHANNEL: Final = "restriction"
EFFECTS: Final = {"defer": Effect.DEFER, "hold": Effect.HOLD, "reject": Effect.REJECT}
CODE_OF: Final = {
    Effect.DEFER: "restricted_until",
    Effect.HOLD: "restricted_review",
    Effect.REJECT: "restricted",
}
"""The reason (policy/reasons.py) that each effect is told by."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a restriction concerns: whatever is set must match, what is not set matches all.

    `account_id` stands for its sub-accounts, too. `category`: what screening says a text is (a code
    of screen/categories.py); a text of which nobody knows is bound where sender, group, account or
    port is named as well. `province`: place in the number table's list. `purposes`: a mask of
    1 << purpose, 0 for all but `system`.
    """

    group_id: int | None = None
    sender_id: int | None = None
    account_id: int | None = None
    port_id: int | None = None
    carrier: str = ""
    province: int = 0
    category: str = ""
    purposes: int = 0

    @property
    def narrow(self) -> bool:
        """Whether it names somebody."""
        return (self.group_id, self.sender_id, self.account_id, self.port_id) != (None,) * 4


@dataclass(frozen=True, slots=True)
class Imposed:
    """A restriction that was not lifted. Times in unix seconds, `until` infinite if it is open."""

    id: int
    scope: Scope
    effect: Effect
    since: float
    until: float

    @property
    def code(self) -> str:
        """The reason that it is told by."""
        return CODE_OF[self.effect]


@dataclass(frozen=True, slots=True)
class Subject:
    """What might be restricted: an order, or a batch. `accounts`: its account and those that it is
    a sub-account of. `groups`: the sender's, also as it was when a batch was made."""

    accounts: tuple[int, ...]
    groups: tuple[int, ...]
    sender_id: int
    ports: Collection[int]
    purpose: Purpose
    category: str


class Restricted:
    """The restrictions as of the last :meth:`load`. `seen`: the id of the last one read; ids are
    given under a lock, so all before it are known too. `version` grows whenever an answer may
    differ."""

    def __init__(self) -> None:
        self.seen = 0
        self.version = 0
        self._of: dict[tuple[str, int], list[Imposed]] = {}
        self._all: tuple[Imposed, ...] = ()
        self._from, self._until = -math.inf, math.inf
        self._turn = asyncio.Lock()

    async def load(self, queries: Queries) -> None:
        """Read everything anew; readers see either the old state or the new."""
        async with self._turn:  # so that no answer overtakes a later one
            rows = await queries.fetch("restrictions_open")
            self.take((_imposed(row) for row in rows if row["id"] is not None), rows[0]["seen"])

    def take(self, imposed: Iterable[Imposed], seen: int) -> None:
        """Take what was read."""
        found = tuple(imposed)
        of: dict[tuple[str, int], list[Imposed]] = defaultdict(list)
        for one in found:
            of[_place(one.scope)].append(one)
        self._of, self._all, self.seen = dict(of), found, seen
        self._from, self._until = math.inf, -math.inf
        self.version += 1

    def as_of(self, now: float) -> int:
        """Return the version for a moment: another one means that answers may differ."""
        if self._all and not self._from <= now < self._until:
            edges = [edge for one in self._all for edge in (one.since, one.until)]
            self._from = max((edge for edge in edges if edge <= now), default=-math.inf)
            self._until = min((edge for edge in edges if edge > now), default=math.inf)
            self.version += 1
        return self.version

    @property
    def none(self) -> bool:
        """Whether nothing is restricted at all: the usual state."""
        return not self._all

    def binding(self, subject: Subject, now: float) -> list[Imposed]:
        """Return what binds a subject, or some people or carriers of it, now."""
        if subject.purpose is Purpose.SYSTEM or not self._all:
            return []
        places = [
            ("", 0),
            ("sender", subject.sender_id),
            *(("account", account) for account in subject.accounts),
            *(("group", group) for group in subject.groups),
            *(("port", port) for port in subject.ports),
        ]
        return [
            one
            for place in dict.fromkeys(places)
            for one in self._of.get(place, ())
            if one.since <= now < one.until and _binds(one.scope, subject)
        ]


def _place(scope: Scope) -> tuple[str, int]:
    """Return what a restriction is found by: the narrowest thing that it names."""
    for name in ("port", "sender", "account", "group"):
        named: int | None = getattr(scope, f"{name}_id")
        if named is not None:
            return name, named
    return "", 0


def _binds(scope: Scope, subject: Subject) -> bool:
    category = scope.category
    return (
        (scope.group_id is None or scope.group_id in subject.groups)
        and (scope.sender_id is None or scope.sender_id == subject.sender_id)
        and (scope.account_id is None or scope.account_id in subject.accounts)
        and (scope.port_id is None or scope.port_id in subject.ports)
        and (not scope.purposes or bool(scope.purposes >> subject.purpose & 1))
        and (
            not category or category == subject.category or (not subject.category and scope.narrow)
        )
    )


def strongest(found: Sequence[Imposed]) -> Effect | None:
    """Return the gravest effect of some restrictions, None without any."""
    return max((one.effect for one in found), default=None)


def scope_of(row: Any) -> Scope:
    """Return the scope of a row."""
    return Scope(
        row["group_id"], row["sender_id"], row["account_id"], row["port_id"], row["carrier"],
        row["province"], row["category"], row["purposes"],
    )  # fmt: skip


def _imposed(row: Any) -> Imposed:
    until = row["until"]
    return Imposed(
        row["id"],
        scope_of(row),
        EFFECTS[row["effect"]],
        row["since"].timestamp(),
        math.inf if until is None else until.timestamp(),
    )
