"""An order that came over a customer's link, and what is stored beside it for its receipts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from assent.flow.answers import customer_code
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U8, U64, pack
from assent.flow.customers import Wanted
from assent.flow.handed import RAW, Piece, Whole
from assent.flow.matching import Matched
from assent.flow.order import Judged, Order
from assent.flow.orders import Resolved
from assent.flow.parcels import receipt_item
from assent.flow.requests import Caller
from assent.message import Purpose
from assent.policy.decide import Verdict
from assent.policy.reasons import BY_CODE


@dataclass(slots=True, eq=False)
class Receiver:
    """One receiver of a message; `place`: among the message's receivers."""

    whole: Whole
    place: int
    person: int
    number: int
    fault: int
    values: dict[str, str]

    @property
    def form(self) -> int:
        return self.whole.first.forms[self.place]

    @property
    def raw(self) -> str:
        """The number as it came, where it cannot be read."""
        if self.form != RAW:
            return ""
        piece = self.whole.first
        return piece.raw[sum(form == RAW for form in piece.forms[: self.place])]


@dataclass(slots=True, eq=False)
class Group:
    """Messages of one link that make one order. `piece`: any of them, for what they share."""

    link_id: int
    account_id: int
    source: str
    matched: Matched
    piece: Piece
    receivers: list[Receiver] = field(default_factory=list)
    people: set[int] = field(default_factory=set)

    def messages(self) -> list[Whole]:
        """Return the messages, each once."""
        return list(dict.fromkeys(receiver.whole for receiver in self.receivers))

    def rows(self) -> list[int]:
        """Return the stored rows that the order is made of."""
        return [one.row for whole in self.messages() for one in whole.pieces]


def order_of(catalogue: Catalogue, group: Group) -> Order:
    """Return the order. Raises InvalidInput, NotAllowed, NotFound."""
    piece, receivers = group.piece, group.receivers
    request = group.matched.request(group.source)
    request.not_before = _time(piece.not_before)
    request.expires_at = _time(piece.expires_at)
    caller = Caller(group.account_id, frozenset(), False, 0)
    resolved = Resolved(catalogue, caller, request)
    names = list(group.matched.values)
    variables = {name: [one.values[name] for one in receivers] for name in names}
    return resolved.order(
        np.array([one.number for one in receivers], np.uint64),
        np.array([one.fault for one in receivers], np.uint8),
        np.arange(len(receivers), dtype=np.uint32),
        variables or None,
        people=np.array([one.person for one in receivers], np.uint32),
        urgent=resolved.purpose is Purpose.VERIFICATION,
    )


def batches_of(group: Group, judged: Judged) -> list[Any]:
    """Return the parameters of `link_batches_store`."""
    times, parts, ids, forms, wanted = [], [], [], [], []
    for batch in judged.batches:
        some = [group.receivers[row] for row in batch.rows.tolist()]
        called = [one.whole.ids(one.place) for one in some]
        times.append(min(one.whole.pieces[0].at for one in some))
        parts.append(pack([len(mine) for mine in called], U8))
        ids.append(pack([id_ for mine in called for id_ in mine], U64))
        forms.append(bytes([one.form for one in some]))
        wanted.append(bytes([one.whole.wanted for one in some]))
    batch_ids = [batch.id for batch in judged.batches]
    node = group.piece.node
    return [batch_ids, group.link_id, times, group.source, node, parts, ids, forms, wanted]


def rejected(group: Group, judged: Judged) -> list[list[Any]]:
    """Return a receipt for every receiver that may not be written to, with the number of the
    reason as customers see it."""
    items = []
    for place in np.flatnonzero(judged.verdict != Verdict.ALLOW).tolist():
        one = group.receivers[place]
        whole = one.whole
        if whole.wanted == Wanted.NONE.value:
            continue
        reason = BY_CODE[customer_code(int(judged.reason[place]))]
        items.append(
            receipt_item(
                whole.ids(one.place),
                one.person,
                one.form,
                one.raw,
                group.source,
                "REJECTD",
                reason.number,
                whole.pieces[0].at,
                judged.at,
                group.piece.node,
            )
        )
    return items


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
