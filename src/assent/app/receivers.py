"""The part of a node that serves receivers: their page, and codes to their phones."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import msgspec

from assent.app.links import wrong
from assent.app.receipt_codes import receipt_code
from assent.errors import AssentError
from assent.flow.call_centre import CallCentre
from assent.flow.receiver_acts import ReceiverActs
from assent.flow.receiver_proof import ReceiverProof
from assent.flow.receiver_view import ReceiverView
from assent.flow.receivers import Receivers
from assent.flow.refusal_calls import RefusalCalls
from assent.flow.selves import Codes
from assent.flow.throttle import Throttle

if TYPE_CHECKING:
    from assent.app.node import Node

_TIDY_S: Final = 600.0
MOST_AN_HOUR: Final = 1_000_000


class ReceiversFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The receivers' page. `codes_an_hour`: codes that it sends to all receivers together."""

    codes_an_hour: int = 2_000

    def most(self) -> int:
        """Return it checked. Raises InvalidInput."""
        if not 0 <= self.codes_an_hour <= MOST_AN_HOUR:
            raise wrong("receivers.codes_an_hour", f"it is 0 to {MOST_AN_HOUR}", "correct it")
        return self.codes_an_hour


class ReceiverRooms:
    """Made where everything else is, in a process that serves the API."""

    def __init__(self, node: Node, codes: Codes) -> None:
        store, clock, vault = node.store, node.clock, node.vault
        proof = ReceiverProof(
            store, clock, vault, secrets.token_bytes, node.directory,
            Throttle(store, clock, vault), codes, node.settings.receivers.most(),
        )  # fmt: skip
        self.rooms = Receivers(
            clock,
            proof,
            ReceiverView(store, clock, node.catalogue, vault),
            ReceiverActs(
                store,
                clock,
                node.catalogue,
                node.ids,
                node.writer,
                node.erasure_desk.erasing,
                receipt_code,
                node.complaint_desk.complaints,
            ),
            node.links,
            node.ledger.gathering,
        )
        self.telephone = RefusalCalls(
            store, clock, node.catalogue, node.directory, node.ids, node.writer, node.live
        )
        self.calls = CallCentre(
            store, clock, node.catalogue, node.directory, node.ids, node.writer, node.live, vault,
            node.complaint_desk.complaints,
        )  # fmt: skip
        self.last_error = ""

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks."""
        start(self.rooms.proof.run(), "receivers")
        start(self._tidy(), "receivers_tidy")

    async def _tidy(self) -> None:
        while True:
            try:
                await self.rooms.proof.tidy()
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
            await asyncio.sleep(_TIDY_S)

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        proof = self.rooms.proof
        return {"receiver_codes": proof.sent, "receiver_codes_limited": proof.limited}

    def errors(self) -> list[tuple[str, str]]:
        """Return what failed last, by part."""
        return [("receivers", self.rooms.proof.last_error), ("receivers_tidy", self.last_error)]
