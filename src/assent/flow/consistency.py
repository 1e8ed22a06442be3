"""That the ledger at one size is the beginning of the ledger at another: a proof for anybody."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from assent.errors import InvalidInput, NotFound
from assent.flow.needs import Queries
from assent.flow.sealing import last, tree_for

FORMAT: Final = "assent-consistency/1"


async def consistency(queries: Queries, origin: str, old: int, new: int) -> dict[str, Any]:
    """Return sizes, roots, the signed notes that are kept of them (None for a size of which none
    is), and the proof. `new` 0: the last checkpoint's. Raises InvalidInput, and NotFound beyond
    what is sealed."""
    head = await last(queries)
    new = new or head.size
    if not 0 < old <= new:
        raise InvalidInput(
            "bad_sizes", "the first size is above 0 and at most the second", field="from",
            mend="see GET /v1/ledger for the size that there is",
        )  # fmt: skip
    if new > head.size:
        raise NotFound("not_sealed", f"the ledger has {head.size} sealed entries", field="to")
    tree = await tree_for(queries, head.size, old - 1, new - 1, olds=[old, new])
    return {
        "format": FORMAT,
        "origin": origin,
        "from": await _side(queries, old, tree.root_at(old)),
        "to": await _side(queries, new, tree.root_at(new)),
        "proof": [b64encode(part).decode() for part in tree.consistency(old, new)],
    }


async def _side(queries: Queries, size: int, root: bytes) -> dict[str, Any]:
    row = await queries.fetchrow("evidence_checkpoint", size)
    note = row["note"] if row is not None and row["size"] == size else None
    return {"size": size, "root": b64encode(root).decode(), "note": note}
