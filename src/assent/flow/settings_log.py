"""What decides is part of the ledger: rulebook, keyword sets, links, what texts are screened with.

Whenever one of these documents is another than the ledger says last, an entry about nobody is
appended with its digest, and the document is kept beside it. So a bundle can show which rules were
in force when a message was decided, and nobody can say later that they were others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from assent.consent.entry import NOBODY, Channel, Entry, Kind, Origin, Scope
from assent.flow.ledger import append
from assent.flow.needs import Store, utc

RULEBOOK: Final = "rulebook"
KEYWORDS: Final = "keywords"
LINKS: Final = "links"
SCREENING: Final = "screening"


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one text of a document that its digest is of."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


async def note_settings(
    store: Store,
    documents: Mapping[str, bytes],
    now: float,
    origin: Origin = Origin.PLATFORM,
) -> list[str]:
    """Append an entry for each document (name → canonical octets) that differs from the last one of
    its name; return their names. `origin`: STAFF where somebody changed it.

    Processes that start together append one entry, not one each. Raises AssentError where nothing
    was written.
    """
    digests = {what: hashlib.sha256(document).digest() for what, document in documents.items()}
    async with store.transaction() as tx:
        await tx.execute("settings_lock")
        known = {row["what"]: bytes(row["digest"]) for row in await tx.fetch("settings_last")}
        changed = sorted(what for what, digest in digests.items() if known.get(what) != digest)
        if not changed:
            return []
        entries = [
            Entry(
                int(now * 1000), Kind.SETTING, NOBODY, scope=Scope.PLATFORM,
                channel=Channel.PLATFORM, origin=origin, statement=digests[what], receipt=what,
            )
            for what in changed
        ]  # fmt: skip
        positions = (await append(tx, entries, utc(now))).positions
        for position, what in zip(positions, changed, strict=True):
            await tx.execute(
                "setting_put", position, what, digests[what], documents[what], utc(now)
            )
    return changed
