"""Texts of stored decisions screened anew, for what other models and words would have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from assent.errors import AssentError
from assent.flow.catalogue import Catalogue
from assent.flow.columns import unpack_object
from assent.flow.examine_texts import Judgements, Said
from assent.flow.needs import Queries
from assent.flow.replay_judge import Bits
from assent.flow.replay_parts import Part
from assent.flow.text_cases import severity_of
from assent.flow.text_reviews import text_owner
from assent.flow.text_values import free_names
from assent.flow.vault import Vault
from assent.policy.again import mask_of
from assent.screen.finding import Severity
from assent.text import wording

_BIT: Final = {"held": mask_of(["text_held"]), "rejected": mask_of(["text_rejected"])}
_BOTH: Final = mask_of(["text_held", "text_rejected"])


class Rescreened:
    """`judgements`: with the models that are tried. The text of an order of which nothing was
    allowed is known where it was kept for a reviewer."""

    def __init__(
        self, queries: Queries, catalogue: Catalogue, vault: Vault, judgements: Judgements
    ) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._vault = vault
        self._judgements = judgements
        self._reviewed: dict[int, str] = {}

    async def ready(self) -> str:
        """Read the models; return the digest of what texts are screened with."""
        return await self._judgements.ready()

    async def read(self, parts: Sequence[Part]) -> None:
        """Open the texts that were kept for reviewers, of parts that have no other."""
        wanted = {
            review
            for part in parts
            if part.batch is None
            for review in part.screening.get("reviews", ())
        }
        self._reviewed = {}
        for row in await self._queries.fetch("replay_reviews", sorted(wanted)) if wanted else ():
            owner = text_owner(row["sender_id"], bytes(row["digest"]))
            try:
                self._reviewed[row["id"]] = self._vault.open(bytes(row["sealed"]), owner).decode()
            except AssentError:
                continue  # a text that cannot be opened is not known

    async def bits(self, part: Part) -> tuple[Bits, Bits]:
        """Return what is found in the texts of a part, and for whom that is known."""
        found, sure = np.zeros(part.n, np.uint64), np.zeros(part.n, np.uint64)
        whole = await self._whole(part)
        if part.batch is not None and part.batch["video_id"] is not None:
            return found, np.full(part.n, _BOTH, np.uint64)
        if whole is None:
            return found, sure
        if _stops(whole):
            found[:] = _BIT[whole.state]
            sure[:] = _BOTH
            return found, sure
        batch = part.batch
        if batch is None or not batch["variables"]:
            sure[:] = _BOTH
        elif part.allowed:
            port = self._catalogue.ports[batch["port_id"]]
            _, cases, places = await self._judgements.of(port, batch, part.variables)
            for place, case in enumerate(cases):
                found[places == place] = _BIT[case.state] if _stops(case) else 0
            sure[:] = _BOTH
        elif not free_names(_names(batch), self._catalogue.templates.get(batch["template_id"])):
            sure[:] = _BOTH
        return found, sure

    async def category(self, part: Part) -> str:
        """Return the kind of a part's text, '' where it is not known."""
        whole = await self._whole(part)
        return "" if whole is None else whole.category

    async def _whole(self, part: Part) -> Said | None:
        if part.batch is not None:
            port = self._catalogue.ports[part.batch["port_id"]]
            return await self._judgements.whole(port.signature, part.batch)
        for review in part.screening.get("reviews", ()):
            text = self._reviewed.get(review)
            if text is not None:
                row: Mapping[str, Any] = {
                    "sender_id": part.order["sender_id"], "purpose": part.order["purpose"],
                    "template_id": 0, "content": text,
                }  # fmt: skip
                return await self._judgements.whole(wording.signature_of(text) or "", row)
        return None


def _stops(said: Said) -> bool:
    """Tell whether a text would be stopped. That it waits for a reviewer is what came of the models
    of then, and would not be so."""
    waits = said.state == "held" and severity_of(said.screened) is Severity.NOTE
    return said.stops and not waits


def _names(batch: Any) -> list[str]:
    return list(unpack_object(batch["variables"]))
