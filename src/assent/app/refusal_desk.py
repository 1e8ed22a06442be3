"""The doors of refusals beside a plain reply: keywords, HELP, files, unclear words; wired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assent.flow.help_answers import HelpAnswers
from assent.flow.port_keywords import PortKeywords
from assent.flow.refusal_files import RefusalFiles
from assent.flow.unclear import Unclear

if TYPE_CHECKING:
    from assent.app.node import Node


class RefusalDesk:
    """The rooms; answers to HELP leave with the confirmations."""

    def __init__(self, node: Node) -> None:
        store, clock, catalogue = node.store, node.clock, node.catalogue
        self.keywords = PortKeywords(store, clock, catalogue, node.words)
        self.files = RefusalFiles(
            store, clock, catalogue, node.directory, node.ids, node.writer,
            [carrier.name for carrier in node.settings.carriers],
        )  # fmt: skip
        self.unclear = Unclear(store, clock, catalogue, node.directory, node.ids, node.writer)
        self.help = HelpAnswers(
            store, clock, catalogue, node.directory, node.submit, node.dispatcher
        )
        node.confirmer.also.append(self.help.step)
