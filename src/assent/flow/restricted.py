"""What restrictions are in force, as every process holds them in memory.

Written by restrictions.py, read here whole: at start, when the channel `restriction` tells of a
change, and when a commit of attempts finds one that this memory has not seen. A restriction binds
an order, a chunk of a campaign and a queued batch alike; only the purpose `system` is never bound,
since nobody may be kept from being told that their refusal holds.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.needs import Queries
from assent.message import Purpose
from assent.policy.facts import Bools, Effect

People = npt.NDArray[np.uint32]

CHANNEL: Final = "restriction"
BLOCKS: Final = "carrier_block"
"""The channel that tells of a carrier's own list (carrier_blocks.py)."""
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
    """A restriction that was not lifted. Times in unix seconds, `until` infinite if it is open.
    `why`: its code, with `words` for the customer."""

    id: int
    scope: Scope
    effect: Effect
    since: float
    until: float
    why: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return it as the answer to an order tells it."""
        until = None if self.until == math.inf else self.until
        return {
            "id": str(self.id), "effect": self.effect.name.lower(), "code": self.why,
            "until": until, "en": self.words.get("en", ""), "zh": self.words.get("zh", ""),
        }  # fmt: skip

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
        self.blocked: dict[str, People] = {}  # whom each carrier wants left alone, ascending

    async def load(self, queries: Queries) -> None:
        """Read everything anew; readers see either the old state or the new."""
        async with self._turn:  # so that no answer overtakes a later one
            rows = await queries.fetch("restrictions_open")
            self.take((_imposed(row) for row in rows if row["id"] is not None), rows[0]["seen"])

    async def load_blocked(self, queries: Queries) -> None:
        """Read carriers' lists of people who want nothing commercial."""
        async with self._turn:
            rows = await queries.fetch("carrier_blocks")
            self.blocked = {
                row["carrier"]: np.frombuffer(row["people"], ">u4").astype(np.uint32)
                for row in rows
            }
            self.version += 1

    def blocks(self, carrier: str, purpose: Purpose, people: People) -> Bools | None:
        """Return which people a carrier's list keeps a message from, None for nobody."""
        listed = self.blocked.get(carrier)
        if listed is None or purpose is not Purpose.MARKETING:
            return None
        places = np.minimum(np.searchsorted(listed, people), len(listed) - 1)
        found: Bools = listed[places] == people
        return found

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

    def told(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return some restrictions as an order's answer tells them, those known here."""
        wanted = set(ids)
        return [one.told() for one in self._all if str(one.id) in wanted]

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
        row["code"],
        json.loads(row["words"]),
    )
