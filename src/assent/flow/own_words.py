"""The operator's own fixed words: confirmations, invitations, questions whether somebody agrees.

One road for all of them: from the operator's service port, purpose system, each message in one
commit with its attempt and with the row that says it is sent. So it is sent once or, after a crash,
unsure; never twice (DESIGN.md, promises 2 and 3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assent.errors import AssentError
from assent.flow.bound import port_bound
from assent.flow.catalogue import Catalogue
from assent.flow.days import midnight
from assent.flow.dispatch import Dispatcher
from assent.flow.needs import Store, Transaction
from assent.flow.order import SMS, Judged, Order, Port, Sender
from assent.flow.people import Directory
from assent.flow.submit import Submit
from assent.message import NO_WORDS, Purpose
from assent.registry.calendar import day_of

Mark = Callable[[Transaction, Judged], Awaitable[bool]]
"""Says in the transaction that commits the attempts what they belong to. False, with nothing
written, where another process was quicker or something changed: then nothing is sent."""

CODES: Final = 10_000


class OwnWords:
    """Sends them."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        directory: Directory,
        submit: Submit,
        dispatcher: Dispatcher,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._directory = directory
        self._submit = submit
        self._dispatcher = dispatcher

    async def send(
        self,
        people: list[int],
        text: str,
        variables: dict[str, list[str]],
        mark: Mark,
        **order: Any,
    ) -> int:
        """Send one text to each of some people; return how many it is on its way to. `order`:
        fields of the order that differ from the usual.

        Raises AssentError (`no_service_port`) when there is nothing to send it from.
        """
        usual = await service_order(
            self._store, self._catalogue, self._directory, people, text, variables
        )
        judged = await self._submit.judge(replace(usual, **order))

        async def also(tx: Transaction) -> bool:
            return await mark(tx, judged)

        judged.also = also
        if not judged.batches:
            await self._submit.store(judged)
            return 0
        return judged.allowed if await self._dispatcher.commit(judged) else 0


def may_write(catalogue: Catalogue, account: int, sender: int, purpose: Purpose, at: float) -> bool:
    """Return whether an account could write for a sender now. A question is ours, but it is asked
    in the sender's name: one that may send nothing asks nobody."""
    return any(
        not catalogue.chain.broken(account, sender, port.id, NO_WORDS, purpose, at)
        and not port_bound(catalogue.chain, account, sender, port, purpose, at)
        for port in catalogue.ports.values()
        if port.sender_id == sender and port.purpose is purpose
    )


def hour_of(at: float) -> float:
    """Return the hour of the country's day."""
    return (at - midnight(day_of(at))) / 3600


def new_code(random: Callable[[int], bytes], taken: frozenset[str] = frozenset()) -> str:
    """Return four figures that none of `taken` are."""
    while True:
        code = f"{int.from_bytes(random(4), 'big') % CODES:04d}"
        if code not in taken:
            return code


async def service_order(
    store: Store,
    catalogue: Catalogue,
    directory: Directory,
    persons: list[int],
    text: str,
    variables: dict[str, list[str]],
) -> Order:
    """Return an order of the operator's own, in its fixed words, from its service ports.

    Raises AssentError (`no_service_port`) when there is none.
    """
    operator = catalogue.operator
    ports = service_ports(catalogue)
    if operator is None or not ports:
        raise AssentError(
            "no_service_port",
            "the operator has no service port to write to receivers from",
            mend="file a port without a sender for each carrier (assent setup)",
        )
    people = np.array(persons, np.uint32)
    return Order(
        account=operator,
        sender=Sender(0, 0, "", operator.name, "", True),
        purpose=Purpose.SYSTEM,
        ports=ports,
        content=text,
        numbers=await directory.msisdns(store, people),
        faults=np.zeros(len(people), np.uint8),
        rows=np.arange(len(people), dtype=np.uint32),
        variables=variables,
        people=people,
        # Two of them to one person are two messages, not a repeated number.
        duplicates=np.zeros(len(people), np.bool_),
        urgent=True,
    )


def service_ports(catalogue: Catalogue) -> dict[str, Port]:
    """Return the operator's own port on each carrier of texts, free to reply to."""
    ports: dict[str, Port] = {}
    for port in catalogue.ports.values():
        service = port.sender_id is None and port.active and port.free_to_reply
        if service and catalogue.channel_of(port) == SMS:
            ports.setdefault(port.carrier, port)
    return ports
