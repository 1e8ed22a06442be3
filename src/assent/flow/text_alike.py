"""What was decided about texts like one: nearly the same ones first, whoever sent them, then the
last ones of its sender and of its kind."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from assent.flow.needs import Queries
from assent.screen import traits
from assent.screen.minhash import OCTETS, agreement, signatures
from assent.screen.near import ALIKE
from assent.screen.normal import normalise_all
from assent.screen.shingles import shingles

MOST: Final = 10
"""Decisions that are shown."""
_LOOKED_AT: Final = 20_000
"""Decided texts, the newest, that one is compared with: 2 MB of signatures."""


def signature_of(text: str) -> bytes | None:
    """Return a text's signature without its variables, None where it has too few letters."""
    (reading,) = normalise_all([traits.plain(text)])
    made = signatures(shingles([reading.text]))
    return made[0].tobytes() if made.any() else None


async def similar_to(queries: Queries, row: Any) -> list[dict[str, Any]]:
    """Return decisions about texts like the one of a review's row, at most :data:`MOST`.
    `similarity`: of the texts, 0 to 1, None for those that are only of the same sender or kind."""
    near = await _near(queries, row)
    found = {one["id"]: one for one in await queries.fetch(
        "text_review_alike", row["sender_id"], list(near))} if near else {}  # fmt: skip
    told = [_told(found[id_], near[id_]) for id_ in near if id_ in found]
    others = await queries.fetch(
        "text_review_similar", row["sender_id"], row["category"], row["id"], MOST
    )
    told += [_told(one, None) for one in others if one["id"] not in found]
    return told[:MOST]


async def _near(queries: Queries, row: Any) -> dict[int, float]:
    """Return the numbers of the texts that are nearest, with how near, the nearest first."""
    if row["signature"] is None:
        return {}
    rows = await queries.fetch("text_review_signatures", row["id"], _LOOKED_AT)
    if not rows:
        return {}
    others = np.frombuffer(b"".join(bytes(one["signature"]) for one in rows), np.uint8)
    others = others.reshape(-1, OCTETS)
    mine = np.frombuffer(bytes(row["signature"]), np.uint8)
    alike = agreement(np.ascontiguousarray(np.broadcast_to(mine, others.shape)), others)
    order = np.argsort(-alike, kind="stable")[:MOST]
    return {rows[place]["id"]: float(alike[place]) for place in order.tolist()
            if alike[place] >= ALIKE}  # fmt: skip


def _told(one: Any, similarity: float | None) -> dict[str, Any]:
    return {
        "id": str(one["id"]),
        "same_sender": one["same_sender"],
        "similarity": None if similarity is None else round(similarity, 2),
        "category": one["category"],
        "state": one["state"],
        "code": one["code"],
        "at": one["decided_at"],
    }
