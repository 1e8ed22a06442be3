"""Orders drawn as groups: found beside the message path, put before a reviewer with their evidence.

What is compared comes from uses of texts (prints.py), from the graph of what entities have in
common (graph.py), and from where an account's people come. A group is told to the desk once; it
comes back when it has grown.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict
from assent.flow.desk import Desk
from assent.flow.groups_shown import families_of, shown, summary
from assent.flow.matters import Item, Matter, Note
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.requests import Caller
from assent.screen.groups import Group, Mark, Order, groups

KIND: Final = "group"
LEAST: Final = 5
"""Parties from which on a group is put before a reviewer."""

_DAYS: Final = 30
_MOST: Final = 50_000
"""Uses of texts that are compared at most: the latest."""
_DAY_S: Final = 86_400.0
_TIME_S: Final = 900.0

Pair = tuple[int, int]
"""Account and sender."""

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "text": ("the same text", "同一文案"),
    "contact": ("the same contact in the text", "文案中联系方式相同"),
    "host": ("links to the same host", "链接指向同一域名"),
    "file": ("the same file handed in", "提交了同一份材料"),
    "sketch": ("nearly the same file handed in", "提交了近似材料"),
    "person": ("the same person", "同一人员"),
    "phone": ("the same telephone", "同一电话"),
    "payer": ("the same payer", "同一付款人"),
    "domain": ("the same website or mail domain", "同一网站或邮箱域名"),
    "network": ("the same network", "同一网络地址"),
    "address": ("the same address", "同一住所"),
    "time": ("within the same quarter of an hour", "同一刻钟内提交"),
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A group that was found before."""

    id: int
    state: str
    parties: int
    decided_parties: int
    members: frozenset[Pair]


class Groups:
    """Looks for groups. Call :meth:`look` now and then in one process of an installation."""

    def __init__(self, store: Store, clock: Clock, desk: Desk, least: int = LEAST) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk
        self._least = least

    async def look(self) -> list[int]:
        """Compare what was ordered of late; return the ids of groups that were put before a
        reviewer. Doing it again changes nothing. Raises AssentError."""
        now = self._clock.now()
        since = now - _DAYS * _DAY_S
        uses = await self._store.fetch("near_uses", utc(since), _MOST)
        orders, senders = await self._orders(uses, since)
        found = await asyncio.to_thread(groups, orders, self._least)
        put: list[int] = []
        async with self._store.transaction() as tx:
            # Held until the end: two processes do not find the same group twice.
            await tx.fetchval("cursor_hold", "groups")
            known = await _known(tx)
            for group in found:
                members = frozenset(pair for node in group.nodes for pair in senders[node])
                put += await self._keep(tx, group, members, known, now)
        return put

    async def _orders(
        self, uses: Sequence[Any], since: float
    ) -> tuple[list[Order], Mapping[Pair, set[Pair]]]:
        """Return the orders to compare, and the accounts and senders of each node."""
        entities = {row[name] for row in uses for name in ("entity_id", "own_entity")} - {None}
        accounts = sorted({row["account_id"] for row in uses})
        own: dict[int, set[Mark]] = defaultdict(set)
        for row in await self._store.fetch("near_entity_marks", sorted(entities)):
            own[row["entity_id"]].add((row["kind"], bytes(row["mark"]).hex()))
        networks: dict[int, set[Mark]] = defaultdict(set)
        for row in await self._store.fetch("near_networks", accounts, utc(since)):
            network = sha256(row["network"].encode()).hexdigest()
            networks[row["account_id"]].add(("network", network))
        rows = await self._store.fetch("near_copies", sorted(entities))
        copies = {row["entity_id"] for row in rows}
        orders, senders = [], defaultdict(set)
        for row in uses:
            family, at = str(row["family"]), row["first_at"].timestamp()
            marks: set[Mark] = {("text", family), ("time", str(int(at // _TIME_S)))}
            marks |= {(kind, value) for kind, _, value in (m.partition(" ") for m in row["marks"])}
            marks |= own.get(row["entity_id"], set())
            through = own.get(row["own_entity"], set()) | networks.get(row["account_id"], set())
            orders.append(
                Order(
                    row["group_id"], row["account_id"], at, frozenset(marks), frozenset(through),
                    {family: row["letters"]}, row["entity_id"] in copies,
                )
            )  # fmt: skip
            senders[row["group_id"], row["account_id"]].add((row["account_id"], row["sender_id"]))
        return orders, senders

    async def _keep(
        self, tx: Transaction, group: Group, members: frozenset[Pair], known: Iterable[_Known],
        now: float,
    ) -> list[int]:  # fmt: skip
        """Keep a group as it is now, and put it before a reviewer if that is news."""
        old = max(known, key=lambda one: len(one.members & members), default=None)
        if old is not None and 2 * len(old.members & members) < min(len(old.members), len(members)):
            old = None
        reasons = json.dumps([_reason(one, group) for one in group.reasons], ensure_ascii=False)
        facts = (group.parties, group.accounts, group.copies, reasons,
                 utc(group.first), utc(group.last))  # fmt: skip
        if old is None:
            id_ = int(await tx.fetchval("near_group_put", *facts, utc(now)))
        else:
            id_ = old.id
            if members <= old.members:
                return []
            state = old.state if old.state == "open" or not _grown(old, group) else "open"
            await tx.execute("near_group_grown", id_, state, *facts)
            if state != "open":
                return []
        rows = [(id_, *pair, utc(now)) for pair in sorted(members)]
        await tx.executemany("near_member_put", rows)
        await self._desk.open(
            tx, KIND, id_, at=now, reasons=[_headline(group)], signals=_signals(group)
        )
        return [id_]


def _grown(old: _Known, group: Group) -> bool:
    """Whether a group that was decided about has to be looked at again: a lawful one that is half
    as large again, a harmful one with anybody new."""
    if old.state == "harmful":
        return group.parties > old.decided_parties
    return 2 * group.parties >= 3 * old.decided_parties


async def _known(queries: Queries) -> list[_Known]:
    rows: dict[int, Any] = {}
    members: dict[int, set[Pair]] = defaultdict(set)
    for row in await queries.fetch("near_groups"):
        rows[row["id"]] = row
        members[row["id"]].add((row["account_id"], row["sender_id"]))
    return [
        _Known(id_, row["state"], row["parties"], row["decided_parties"], frozenset(members[id_]))
        for id_, row in rows.items()
    ]


def _reason(one: Any, group: Group) -> dict[str, Any]:
    en, zh = WORDS[one.kind]
    # What a digest stands for is nobody's to read; hosts and families are shown.
    shown = one.value if one.kind in ("text", "host") else one.value[:16]
    return {
        "kind": one.kind, "value": shown, "parties": one.parties, "of": group.parties,
        "weight": one.weight, "en": en, "zh": zh,
    }  # fmt: skip


def _headline(group: Group) -> Note:
    figures = {"parties": group.parties, "accounts": group.accounts, "copies": group.copies}
    en = f"{group.parties} senders who name different owners act together"
    zh = f"{group.parties} 家自称无关联的发送方行动一致"
    if group.copies:
        en += f"; {group.copies} of them showed electronic copies only"
        zh += f"，其中 {group.copies} 家仅提供电子影印件"
    return Note("acting_together", en, zh, figures)


def _signals(group: Group) -> list[Note]:
    return [
        Note(f"shared_{one.kind}", *WORDS[one.kind], {"parties": one.parties, "weight": one.weight})
        for one in group.reasons
    ]


class GroupMatter(Matter):
    """What a reviewer says of a group. Approved: what they share is explained, such as a brand's
    shops. Refused: they are one hand; their texts may be told to other platforms (fingerprints.py),
    and what becomes of the accounts is ordered one by one."""

    kind = KIND

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """It is lawful."""
        return await self._decide(tx, item, "lawful", at)

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """It is not: the texts they share count as rejected."""
        row = await tx.fetchrow("near_group_get", item.subject)
        families = [] if row is None else families_of(summary(row))
        await tx.execute("near_family_refused", families, utc(at))
        await tx.execute("near_family_told", families, utc(at))
        return await self._decide(tx, item, "harmful", at)

    async def _decide(
        self, tx: Transaction, item: Item, state: str, at: float
    ) -> Mapping[str, Any]:
        parties = await tx.fetchval("near_group_decided", item.subject, state, utc(at))
        if parties is None:
            raise Conflict(
                "group_state", "the group waits for no decision", field="id",
                mend="see where it stands",
            )  # fmt: skip
        return {"group": state, "parties": parties}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the group with its members and what they share."""
        row = await queries.fetchrow("near_group_get", item.subject)
        return {} if row is None else await shown(queries, row)
