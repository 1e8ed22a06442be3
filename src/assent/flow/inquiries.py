"""Where a message stands that came over a customer's link, by the id that the customer was told.

Ids of customers' links are columns of their batches, so they are looked for among the batches that
were made soon after the id: by what an id says of its time (a tongue knows).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from assent.flow.columns import U8, U64, pack, unpack, unpack_object
from assent.flow.customers import CustomerLink, Inquired
from assent.flow.needs import Store
from assent.flow.parcels import STAT_OF_STATE
from assent.flow.requests import Caller
from assent.flow.status import Status, shown
from assent.message import batch_id, message_id

WITHIN_S: Final = 900.0
"""How long after it was handed in a message may have been judged to be found."""

_STATS: Final = {shown(state, told=True): stat for state, stat in STAT_OF_STATE.items()}
_WAITING: Final = Inquired("ENROUTE", 0)


async def inquire(
    store: Store, status: Status, link: CustomerLink, id_: int, at: float
) -> Inquired | None:
    """Return where a message stands, None for one that is not found: never handed in over this
    link, too long ago, or refused when it was judged and told. `at`: when its id was made, unix
    seconds. What a withdrawal stopped is on its way until its customer is told (DESIGN.md, promise
    7). Raises AssentError."""
    first = batch_id(max(0, int(at * 1000)), 0)
    last = batch_id(int((at + WITHIN_S) * 1000), 0)
    rows = await store.fetch("link_message_find", link.id, first, last, pack([id_], U64))
    caller, found = Caller(link.account_id, frozenset(), False, 0), []
    for row in rows:
        for slot in _slots(row, id_):
            told = await status.message(caller, message_id(row["batch_id"], slot))
            stat, error = _STATS.get(told["state"], ("ENROUTE", 0))
            found.append(Inquired(stat, error))
    if found:
        # One id may stand for several receivers: while one of them waits, all do.
        return _WAITING if _WAITING in found else found[0]
    told_of = await store.fetch("link_message_unjudged", link.id, _packed(id_))
    for row in told_of:
        if row["parcel"] is None:
            return _WAITING
        for item in unpack_object(row["parcel"]):
            if item[0] == 0 and id_ in item[1]:
                return Inquired(item[6], item[7])
    return None


def _slots(row: Any, id_: int) -> list[int]:
    """Return the messages of a batch that a customer calls by an id; its octets may also be found
    across two others."""
    places = np.flatnonzero(unpack(row["ids"], U64) == id_)
    ends = np.cumsum(unpack(row["parts"], U8).astype(np.int64))
    return sorted(set(np.searchsorted(ends, places, side="right").tolist()))


def _packed(id_: int) -> bytes:
    """Return an id as it stands in what is stored as msgpack: as 64 bits."""
    return b"\xcf" + id_.to_bytes(8, "big")
