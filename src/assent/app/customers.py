"""The part of a node that serves customers' own links: taking in, judging, telling."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Coroutine
from random import Random
from typing import TYPE_CHECKING, Any, Final

from assent.app.doors import customer_settings
from assent.carrier.customers import CustomerServer
from assent.carrier.pdu_tap import TapMaker
from assent.errors import AssentError
from assent.flow.judging import Judging
from assent.flow.logins import seal_open_secrets
from assent.flow.reception import Reception
from assent.flow.status import Status

if TYPE_CHECKING:
    from assent.app.node import Node

TASKS: Final = ("reception", "judging")


class Customers:
    """Made in `Node._wire`; the node runs its tasks and stops it first of all."""

    def __init__(self, node: Node) -> None:
        self.judging = Judging(
            node.store,
            node.clock,
            node.epoch.id,
            node.catalogue,
            node.submit,
            node.dispatcher,
            node.settings.refusal_wording,
        )
        self.reception = Reception(
            node.store,
            node.clock,
            node.epoch.id,
            node.catalogue,
            node.directory,
            self.judging.add,
            self.judging.backlog,
            node.vault,
            Status(node.store, node.clock, node.directory),
        )
        self._store, self._vault = node.store, node.vault
        self._clock = node.clock
        served = customer_settings(node.settings.customers)
        self.server: CustomerServer | None = None
        if served.doors:
            rng = Random(secrets.randbits(64))
            self.server = CustomerServer(served, self.reception, node.clock, rng)

    async def reload(self) -> None:
        """Read the logins anew. Raises AssentError."""
        await seal_open_secrets(self._store, self._vault)
        await self.reception.reload()
        self.judging.know(self.reception.links)
        if self.server is not None and self.server.ports:
            self.server.changed()

    async def listen(self) -> None:
        """Let customers in. Raises AssentError where an address cannot be had."""
        if self.server is None:
            return
        try:
            await self.server.start()
        except OSError as error:
            raise AssentError(
                "customers_address",
                f"customers cannot be served: {error.strerror or error}",
                field="customers",
                mend="choose another host or port, or end what listens there",
            ) from None
        self.mail()  # SGIP customers are called, bound or not

    def mail(self, payload: str = "") -> None:
        """There are parcels for a link; for which is not told where something was missed."""
        if self.server is None:
            return
        links = [int(payload)] if payload else [link.id for link in self.reception.links]
        for link in links:
            self.server.mail(link)

    def tap(self, maker: TapMaker | None, login: str = "") -> None:
        """Show what passes over a customer's connections; None: no more."""
        if self.server is not None:
            self.server.tap(maker, login)

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks."""
        start(self.reception.run(), "reception")
        start(self.judging.run(), "judging")

    async def tidy(self) -> None:
        """Take over what ended processes left; give up what does not come. Raises AssentError."""
        if not await self.reception.adopt():  # else the missing parts may be among the next
            self.judging.expire(self._clock.now())

    async def close(self) -> None:
        """Answer what is being stored, let customers go."""
        if self.server is not None:
            await self.server.stop()
            with contextlib.suppress(AssentError):  # then they are free when the epoch is ended
                await self.reception.give_back()

    def abort(self, reason: str) -> None:
        """Drop every connection at once."""
        if self.server is not None:
            self.server.abort(reason)

    def stop(self) -> None:
        """Take no more in, end after what is being judged."""
        self.reception.stop()
        self.judging.stop()

    def errors(self) -> list[tuple[str, str]]:
        """Return what failed last, by part."""
        return [("reception", self.reception.last_error), ("judging", self.judging.last_error)]

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        return {
            "submits_stored": self.reception.stored,
            "submits_waiting": self.reception.waiting,
            "judged": self.judging.judged,
            "rejected": self.judging.rejected,
            "incomplete": self.judging.incomplete,
            "server": self.server.health() if self.server is not None else {},
        }
