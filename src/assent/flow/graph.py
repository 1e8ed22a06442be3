"""The graph of what entities have in common: persons, telephones, addresses, files, hosts, payers.

Entities on one side, nodes on the other; an edge says how, from where that is known, and since
when. Persons, telephones and payers stand as keyed digests, so that the graph tells who is the same
and not who it is. Other rooms add their own kinds of nodes with :func:`link`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from assent.flow.matters import Note
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.vault import Vault
from assent.registry.sketch import ALIKE

SECRET_KINDS: Final = frozenset({"person", "name", "phone", "contact", "payer"})
"""Kinds of nodes that stand as digests made with the vault's key, and have no label."""

MOST_ENTITIES: Final = 5
"""Entities behind which one person may stand before that is a signal."""

_DEPTH: Final = 3
_BUSY: Final = 200
"""A node with more entities than that (a business park, a filing agent) leads nowhere."""
_PATHS: Final = 500
_GONE: Final = frozenset({"suspended", "revoked"})


@dataclass(frozen=True, slots=True)
class Tie:
    """Something that an entity has. `mark`: its digest."""

    kind: str
    mark: bytes
    relation: str
    label: str = ""


def tie(kind: str, text: str, relation: str, *, vault: Vault | None = None) -> Tie:
    """Return a tie to something by its text; secret kinds need the vault and keep no label."""
    if kind in SECRET_KINDS:
        if vault is None:
            raise ValueError(f"{kind} stands in the graph as a keyed digest only")
        return Tie(kind, vault.digest(text, kind), relation)
    return Tie(kind, hashlib.sha256(f"{kind}\0{text}".encode()).digest(), relation, text)


async def link(tx: Transaction, entity: int, one: Tie, source: str, at: float) -> None:
    """Note that an entity has something, once a source."""
    node = await tx.fetchval("graph_node_put", one.kind, one.mark, one.label)
    await tx.execute("graph_edge_put", entity, node, one.relation, source, utc(at))


async def shown(queries: Queries, entity: int) -> dict[str, Any]:
    """Return an entity's own ties and the paths over which others are near, bounded."""
    own = [
        {
            "kind": row["kind"],
            "mark": bytes(row["mark"]).hex()[:16],
            "label": row["label"],
            "relation": row["relation"],
            "source": row["source"],
            "since": row["since"],
            "entities": row["entities"],
        }
        for row in await queries.fetch("graph_ties", entity)
    ]
    rows = await queries.fetch("graph_paths", entity, _DEPTH, _BUSY, _PATHS)
    return {
        "ties": own,
        "near": [_path(row) for row in rows],
        "bounds": {"steps": _DEPTH, "paths": _PATHS, "entities_a_node": _BUSY},
    }


def _path(row: Any) -> dict[str, Any]:
    steps = zip(row["codes"][:-1], row["kinds"], row["marks"], row["codes"][1:], strict=True)
    return {
        "entity": row["credit_code"],
        "name": row["legal_name"],
        "status": row["status"],
        "steps": len(row["kinds"]),
        "path": [
            {"from": start, "over": kind, "mark": bytes(mark).hex()[:16], "to": end}
            for start, kind, mark, end in steps
        ],
    }


async def flags(queries: Queries, entity: int) -> list[Note]:
    """Return what the graph holds against an entity: something shared with one that was suspended
    or revoked, a person behind many, files that others handed in as theirs; each with its path."""
    found: list[Note] = []
    pieces: Counter[str] = Counter()
    for row in await queries.fetch("graph_paths", entity, 1, _BUSY, _PATHS):
        path, over = _path(row), row["kinds"][0]
        code = row["credit_code"]
        pieces[code] += over == "sketch"
        # A piece of a file is not a file: forms and fonts are everybody's.
        if over == "sketch" and pieces[code] != ALIKE:
            continue
        if row["status"] in _GONE:
            found.append(_note("shares_with_revoked", over, path))
        elif over in ("file", "sketch"):
            found.append(_note("same_file", over, path))
    for row in await queries.fetch("graph_busy", entity, MOST_ENTITIES):
        more = {"over": row["kind"], "entities": row["entities"]}
        found.append(_noted("person_behind_many", more))
    return found


_WORDS: Final = {
    "shares_with_revoked": (
        "it shares a person, address, paper or host with a suspended or revoked entity",
        "与已暂停或清退主体共享人员、地址、材料或域名",
    ),
    "same_file": (
        "another applicant handed in the same or nearly the same file",
        "其他申请人提交过相同或近似文件",
    ),
    "person_behind_many": ("one person stands behind many entities", "同一人员关联多家主体"),
}


def _note(code: str, over: str, path: Mapping[str, Any]) -> Note:
    return _noted(code, {"over": over, "path": path["path"], "entity": path["entity"]})


def _noted(code: str, more: Mapping[str, Any]) -> Note:
    en, zh = _WORDS[code]
    return Note(code, en, zh, more)
