"""What binds an order or a batch: the restrictions of restricted.py laid over the chain."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.flow.chain import Chain, Walk
from assent.flow.order import Order, Port
from assent.flow.restricted import Imposed, People, Subject
from assent.flow.work import Batch, Work
from assent.message import (
    HELD_BACK,
    WITHHELD_REFUSED,
    WITHHELD_RESTRICTED,
    WITHHELD_STOPPED,
    Purpose,
)
from assent.numbers import NumberTable
from assent.policy.facts import Bools, Effect, Mask, Restriction

_NOBODY: Final[list[Imposed]] = []


def order_facts(
    chain: Chain,
    order: Order,
    category: str,
    carriers: npt.NDArray[np.int16],
    provinces: npt.NDArray[np.uint8],
    now: float,
) -> tuple[Restriction, ...]:
    """Return the restrictions that bind an order, as facts. `carriers`: place in the order's ports
    of each person's carrier. `provinces`: of each person, 0 where it is not known.

    What only a person may free waits in the queue where a campaign is judged chunk by chunk: nobody
    would hand its people in again.
    """
    if chain.restricted.none:
        return ()
    ports = [port.id for port in order.ports.values()]
    group = order.sender.group_id
    subject = Subject(
        chain.accounts_of(order.account.id), (group,), order.sender.id, ports, order.purpose,
        category,
    )  # fmt: skip
    facts = []
    for one in chain.restricted.binding(subject, now):
        if one.effect is Effect.HOLD and order.campaign_id is not None:
            continue
        mask = _mask(one, order, carriers, provinces)
        if mask is None or mask.any():
            until = None if one.until == np.inf else one.until
            facts.append(Restriction(str(one.id), one.effect, until, mask))
    return tuple(facts)


def _mask(
    one: Imposed,
    order: Order,
    carriers: npt.NDArray[np.int16],
    provinces: npt.NDArray[np.uint8],
) -> Bools | None:
    """Return whom of an order's people a restriction concerns, None for all."""
    scope = one.scope
    mask: Bools | None = None
    if scope.carrier or scope.port_id is not None:
        places = [
            place
            for place, port in enumerate(order.ports.values())
            if scope.carrier in ("", port.carrier) and scope.port_id in (None, port.id)
        ]
        if len(places) < len(order.ports):
            mask = np.isin(carriers, places)
    if scope.province:
        here = provinces == scope.province
        mask = here if mask is None else mask & here
    return mask


def blocked(chain: Chain, order: Order, people: People, carriers: npt.NDArray[np.int16]) -> Mask:
    """Return whom of an order's people a carrier's own list keeps marketing from."""
    restricted = chain.restricted
    if not restricted.blocked or order.purpose is not Purpose.MARKETING:
        return False
    found = np.zeros(len(people), np.bool_)
    for place, carrier in enumerate(order.ports):
        listed = restricted.blocks(carrier, order.purpose, people)
        if listed is not None:
            found |= listed & (carriers == place)
    return found


def whole_hold(chain: Chain, order: Order, category: str, now: float) -> bool:
    """Return whether an order waits as a whole for a restriction that only a person may free."""
    none = np.zeros(0, np.int16), np.zeros(0, np.uint8)
    facts = order_facts(chain, replace(order, campaign_id=None), category, *none, now)
    return any(fact.effect is Effect.HOLD and fact.mask is None for fact in facts)


# Queued batches ----------------------------------------------------------------------------


def binding(chain: Chain, batch: Batch, now: float) -> list[Imposed]:
    """Return the restrictions that bind a batch, or some of its people."""
    about = batch.account_id, batch.sender_id, batch.group_id, batch.port_id
    return binding_row(chain, *about, batch.carrier, batch.purpose, batch.category, now)


def binding_row(
    chain: Chain,
    account: int,
    sender: int,
    group: int,
    port: int,
    carrier: str,
    purpose: Purpose,
    category: str,
    now: float,
) -> list[Imposed]:
    """Return the same of what the queue says of a batch."""
    if chain.restricted.none:
        return _NOBODY
    groups = {group, chain.group_of(sender) or group}
    subject = Subject(chain.accounts_of(account), tuple(groups), sender, (port,), purpose, category)
    found = chain.restricted.binding(subject, now)
    return [one for one in found if one.scope.carrier in ("", carrier)]


def port_bound(
    chain: Chain, account: int, sender: int, port: Port, purpose: Purpose, now: float
) -> bool:
    """Return whether nothing of a purpose may leave from a port now, whatever it says."""
    about = account, sender, chain.group_of(sender) or 0, port.id, port.carrier
    found = binding_row(chain, *about, purpose, "", now)
    return any(not one.scope.province and not one.scope.category for one in found)


def laid_over(walk: Walk, found: list[Imposed]) -> Walk:
    """Return what follows for the whole of a batch from its chain and from what binds it."""
    whole = [one for one in found if not one.scope.province]
    if not whole:
        return walk
    ends = any(one.effect is Effect.REJECT for one in whole)
    return replace(
        walk,
        broken=walk.broken | {one.code for one in whole},
        over=walk.over or ends,
        restricted=ends and not walk.over,
    )


def aside(walk: Walk) -> int | None:
    """Return why nothing of a batch may leave now, None where it may."""
    if not walk.broken:
        return None
    if not walk.over:
        return HELD_BACK
    return WITHHELD_RESTRICTED if walk.restricted else WITHHELD_STOPPED


@cache
def _table() -> NumberTable:
    return NumberTable.load()


def apart(chain: Chain, work: Work, now: float) -> dict[int, int]:
    """Return the slots of a batch whose receivers live where a restriction holds, or whom the
    carrier wants left alone, with why they may not leave."""
    batch = work.batch
    listed = chain.restricted.blocks(batch.carrier, batch.purpose, batch.people)
    found = binding(chain, batch, now)
    partly = [one for one in found if one.scope.province]
    slots: dict[int, int] = {}
    if partly:
        provinces = work.batch.provinces
        if provinces is None:  # it was stored before that was kept
            provinces = _table().lookup(np.array(work.msisdns, np.uint64)).province
        for one in sorted(partly, key=lambda one: one.effect):
            code = WITHHELD_RESTRICTED if one.effect is Effect.REJECT else HELD_BACK
            here = np.flatnonzero(provinces == one.scope.province)
            slots.update(dict.fromkeys(here.tolist(), code))
    if listed is not None:
        slots.update(dict.fromkeys(np.flatnonzero(listed).tolist(), WITHHELD_REFUSED))
    return slots
