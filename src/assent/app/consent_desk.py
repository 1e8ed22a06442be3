"""What consents are worth, in a node: imports, what waits, audits, voiding; wired, and tended."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from assent.clock import pause
from assent.errors import AssentError
from assent.flow.audits import AuditAnswers, Auditor
from assent.flow.consent_facts import ConsentFacts
from assent.flow.consents import Consents
from assent.flow.import_matters import AnswerMatter, ImportMatter
from assent.flow.imports import Imports
from assent.flow.imports_shown import ImportsShown
from assent.flow.needs import utc
from assent.flow.voiding import Voider
from assent.flow.waiting import CHANNEL, Grants, Opener, Witness

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S = 15.0


class ConsentDesk:
    """The parts. One process runs :meth:`run`: it opens, undoes and closes what is due, at once
    when somebody says so (:meth:`wake`, called for what is announced on `channel`)."""

    channel = CHANNEL

    def __init__(self, node: Node) -> None:
        self._node = node
        store, clock, catalogue = node.store, node.clock, node.catalogue
        worth, desk = node.rulebook.worth, node.front.desk
        self.witness = Witness(bool(node.settings.ledger.witnesses))
        self.grants = Grants(self.witness)
        self.opener = Opener(
            store, clock, catalogue, node.live, worth, self.witness, secrets.token_bytes
        )
        self.imports = Imports(
            store, clock, catalogue, node.directory, node.live, self.opener, worth, desk
        )
        facts = ConsentFacts(store, node.vault, node.rulebook.default.refused_consents)
        self.consents = Consents(store, clock, catalogue, node.directory, self.imports, facts)
        self.shown = ImportsShown(store, clock, catalogue, node.directory)
        self.voider = Voider(store, clock, catalogue)
        self.answers = AuditAnswers(store, desk)
        desk.plug(ImportMatter())
        desk.plug(AnswerMatter())
        self._wake = asyncio.Event()
        self._stopping = False
        self.last_error = ""

    def send_audits(self) -> None:
        """Have questions sent beside confirmations, after what is sent there already."""
        node = self._node
        auditor = Auditor(node.store, node.clock, node.own_words, node.rulebook.worth.audits)
        node.confirmer.beside.append(auditor.step)

    def wake(self, _payload: str = "") -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self) -> None:
        """End after the current round."""
        self._stopping = True
        self._wake.set()

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the task."""
        start(self._tend(), "consents")

    async def _tend(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                while await self.step() and not self._stopping:
                    pass
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
            await pause(self._node.clock, _EVERY_S, self._wake)

    async def step(self) -> int:
        """Do what is due: what is void first."""
        now = self._node.clock.now()
        undone = await self.voider.step(now)
        await self._node.store.execute("audits_silent", utc(now))
        opened = await self.opener.step(now)
        await self.opener.look(now)
        return undone + opened

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        return {
            "opened": self.opener.opened,
            "undone": self.voider.undone,
            "waiting": self.opener.waiting,
            "waiting_s": round(self.opener.waiting_s, 1),
            "last_error": self.last_error or self.opener.last_error,
        }
