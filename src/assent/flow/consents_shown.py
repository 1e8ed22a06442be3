"""What a sender may know of a number in its own programmes: consents that stand, with their proof.

Whoever does not stand is shown alike: refused, lapsed, never asked, dead, unknown (DESIGN.md,
promise 7). A withdrawal is told once its day is over, like all withdrawals: until then a consent
that stood when the day began is shown as it stood then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assent.clock import Clock
from assent.consent.entry import Entry, Origin, decode
from assent.consent.standing import Standing, fold
from assent.errors import InvalidInput
from assent.flow.asking_requests import ConsentLook
from assent.flow.catalogue import Catalogue
from assent.flow.days import midnight
from assent.flow.needs import Store, utc
from assent.flow.orders import account_of
from assent.flow.requests import Caller
from assent.message import Grade
from assent.numbers import FAULT_WORDS, Fault, parse
from assent.registry.calendar import day_of

NO_STANDING: Final = "no_standing"


class ConsentsShown:
    """Shows consents to those who hold them."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue

    async def look(self, caller: Caller, request: ConsentLook) -> dict[str, Any]:
        """Return how a number stands in each programme of a sender. Raises NotAllowed for a sender
        that the account does not act for, InvalidInput for a wrong number."""
        sender = self._catalogue.sender_for(account_of(self._catalogue, caller), request.sender)
        parsed = parse([request.number])
        if parsed.fault[0]:
            fault = Fault(int(parsed.fault[0]))
            raise InvalidInput(
                fault.name.lower(), FAULT_WORDS[fault].en, field="number",
                mend="give a mobile number",
            )  # fmt: skip
        now = self._clock.now()
        # The same questions for a number that nobody has: what is asked must not tell.
        person = await self._store.fetchval("person_of_number", int(parsed.msisdn[0])) or 0
        rows = await self._store.fetch("consent_entries", person)
        entries = [(row["position"], decode(bytes(row["body"])), row["at"]) for row in rows]
        today = utc(midnight(day_of(now)))
        stands = fold((position, entry) for position, entry, _ in entries)
        stood = fold((position, entry) for position, entry, at in entries if at < today)
        by_position = {position: entry for position, entry, _ in entries}
        proofs = await self._proofs(sender.id, by_position)
        items = []
        for programme in self._catalogue.programmes.values():
            if programme.sender_id != sender.id:
                continue
            found = stands.standing(programme.id, person)
            at = now
            if found.grade_at(int(now * 1000)) is Grade.NONE:
                at = midnight(day_of(now))
                found = stood.standing(programme.id, person)
            told: dict[str, Any] = {"programme": programme.name, "state": NO_STANDING}
            if found.grade_at(int(at * 1000)) is not Grade.NONE:
                proof = proofs.get(found.since)
                told |= _told(found, by_position[found.since], proof)
            items.append(told)
        return {"sender": sender.credit_code, "items": sorted(items, key=lambda i: i["programme"])}

    async def _proofs(self, sender: int, entries: Mapping[int, Entry]) -> dict[int, Any]:
        wordings = [entry.wording for entry in entries.values()]
        statements = [entry.statement for entry in entries.values()]
        rows = await self._store.fetch(
            "consent_proofs", sender, list(entries), wordings, statements
        )
        return {row["position"]: row for row in rows}


def _told(standing: Standing, entry: Entry, proof: Any) -> dict[str, Any]:
    """Return a consent with what shows it; where it was given is personal and stays sealed."""
    told: dict[str, Any] = {
        "state": "stands",
        "grade": standing.grade.name.lower(),
        "since": utc(standing.at_ms / 1000),
        "until": utc(standing.expires_ms / 1000) if standing.expires_ms else None,
        "channel": entry.channel.name.lower(),
        "origin": entry.origin.name.lower(),
        "entry": str(standing.since),
        "statement_sha256": entry.statement.hex() or None,
    }
    if proof is not None:
        told |= {
            "wording": proof["version"],
            "wording_text": proof["words"],
            "wording_sha256": None if proof["sha256"] is None else bytes(proof["sha256"]).hex(),
            "kinds": proof["kinds"],
            "frequency": proof["frequency"],
            "period": proof["period"],
            "how": proof["how"] or ("reply" if entry.origin is Origin.RECEIVER else None),
            "declared": list(proof["declared"] or ()),
            "source": proof["source"],
            "evidence_sha256": None
            if proof["evidence"] is None
            else bytes(proof["evidence"]).hex(),
        }
    return told
