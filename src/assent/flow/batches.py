"""From a judged order to its batches: who goes over which port, when, and until when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.needs import utc
from assent.flow.order import Judged, Order, Port
from assent.flow.work import Batch
from assent.message import BATCH_LIMIT, Purpose, message_id
from assent.policy.decide import Decisions, Verdict
from assent.policy.facts import Content, Facts, People
from assent.text import Writing

VALIDITY_S: Final[Mapping[Purpose, float]] = {
    Purpose.VERIFICATION: 300.0,
    Purpose.NOTIFICATION: 86_400.0,
    Purpose.MARKETING: 172_800.0,
    Purpose.INTERNAL: 172_800.0,
    Purpose.SYSTEM: 86_400.0,
}
"""How long a message may wait for its carrier when the order does not say."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What an order is judged by."""

    people: People
    content: Content
    facts: Facts
    text: str
    carriers: npt.NDArray[np.int16]  # place in `names`, -1 where there is no route
    names: list[str]
    writings: list[Writing]  # of each carrier in `names`
    prices: npt.NDArray[np.int64]  # of a segment on each carrier in `names`
    messages_a_day: int | None
    provinces: npt.NDArray[np.uint8]  # place in the number table's list
    category: str  # what screening says that the text is


def expiry(order: Order, now: float) -> float:
    """Return until when an order's messages may leave."""
    if order.expires_at is not None:
        return order.expires_at
    return max(now, order.not_before or 0.0) + VALIDITY_S[order.purpose]


def make_batches(
    judged: Judged,
    gathered: Gathered,
    decisions: Decisions,
    now: float,
    next_id: Callable[[], int],
) -> None:
    """Lay out who is allowed as batches, by port and time."""
    order = judged.order
    allowed = decisions.verdict == Verdict.ALLOW
    expires = utc(expiry(order, now))
    for place, port in enumerate(order.ports.values()):
        of_carrier = allowed & (gathered.carriers == place)
        for wait in np.unique(decisions.defer_until[of_carrier]).tolist():
            chosen = np.flatnonzero(of_carrier & (decisions.defer_until == wait))
            not_before = utc(max(now, order.not_before or 0.0, wait))
            for start in range(0, len(chosen), BATCH_LIMIT):
                part = chosen[start : start + BATCH_LIMIT]
                batch = _batch(next_id(), judged, gathered, port, part, not_before, expires)
                judged.batches.append(batch)
                judged.message_ids[part] = message_id(batch.id, 0) + np.arange(len(part))


def _batch(
    batch_id: int,
    judged: Judged,
    gathered: Gathered,
    port: Port,
    part: npt.NDArray[np.intp],
    not_before: Any,
    expires: Any,
) -> Batch:
    # long: a batch has so many columns
    order = judged.order
    variables = None
    if order.variables:
        variables = {k: [v[i] for i in part.tolist()] for k, v in order.variables.items()}
    return Batch(
        id=batch_id,
        submission_id=judged.submission_id,
        account_id=order.account.id,
        campaign_id=order.campaign_id,
        sender_id=order.sender.id,
        group_id=order.sender.group_id,
        programme_id=order.programme_id,
        port_id=port.id,
        port_number=port.number,
        service_code=port.service_code,
        template_id=order.template_id,
        purpose=order.purpose,
        carrier=port.carrier,
        position=judged.position,
        price=int(gathered.prices[gathered.names.index(port.carrier)]),
        not_before=not_before,
        expires_at=expires,
        content=gathered.text,
        people=judged.people[part],
        rows=order.rows[part],
        zones=gathered.people.zone[part],
        segments=gathered.content.segments[part],
        variables=variables,
        accepted_at=utc(judged.at),
        writing=gathered.writings[gathered.names.index(port.carrier)],
        video_id=order.video_id,
        provinces=gathered.provinces[part],
        uncapped=order.uncapped,
        category=gathered.category,
    )
