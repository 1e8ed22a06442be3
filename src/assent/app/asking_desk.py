"""Asking people whether they agree: wired, run beside the confirmations, told to staff."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from assent.flow.asker import Asker
from assent.flow.asking import Asking
from assent.flow.asking_answers import ConsentAnswers
from assent.flow.consents_shown import ConsentsShown
from assent.flow.questions import Questions
from assent.numbers import NumberTable

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S = 600.0


class AskingDesk:
    """The rooms. See :class:`assent.web.asking_services.AskingRooms`."""

    def __init__(self, node: Node) -> None:
        store, clock, catalogue = node.store, node.clock, node.catalogue
        self.asking = Asking(
            store, clock, node.ids, catalogue, node.directory, node.vault,
            node.rulebook.default.asking, secrets.token_bytes, node.settings.asking.session_s,
        )  # fmt: skip
        self.asker = Asker(
            store, clock, catalogue, node.directory, node.vault, node.rulebook,
            NumberTable.load(), node.own_words, secrets.token_bytes,
        )  # fmt: skip
        self.shown = ConsentsShown(store, clock, catalogue)
        node.replies.questions = Questions(
            store, node.port_desk.members, ConsentAnswers(node.consent_desk.grants),
            node.consent_desk.answers,
        )  # fmt: skip
        node.confirmer.beside.append(self.asker.step)
        node.settler.slow.append(self._due)
        self._next = 0.0

    async def _due(self, at: float) -> None:
        if at >= self._next:
            await self.asker.daily(at)
            self._next = at + _EVERY_S
