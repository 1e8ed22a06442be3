"""Ways in which a paper is seen: on paper, by a call back, in a register, by its signature.

Each sight is a row that stays, with who and what shows it. A look that does not confirm is written
down as an act of staff and makes no sight: no data is `unknown`, and unknown is no match.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow.admission_matters import promote
from assent.flow.admission_requests import PersonMatch, SightRequest
from assent.flow.applications import Rooms
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.documents import Documents, belongs, no_document, type_of, unsealed
from assent.flow.needs import Transaction, utc
from assent.flow.old_hand import digits_of, same_line
from assent.flow.people_shown import opened, people_told
from assent.flow.registers import compare
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, check_staff, keep_act
from assent.registry.papers import Seen
from assent.registry.signed_pdf import Roots, check_signed

_STATES: Final = ("submitted", "accepted")


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look came to. `result`: yes, no or unknown; only yes is a sight."""

    way: str
    result: str
    evidence: dict[str, Any]


class Sights:
    """What reviewers saw. `roots`: certificates that electronic licences may lead to."""

    def __init__(
        self, rooms: Rooms, catalogue: Catalogue, documents: Documents, roots: Roots
    ) -> None:
        self._rooms = rooms
        self._catalogue = catalogue
        self._documents = documents
        self._roots = roots

    async def see(self, caller: Caller, document: int, request: SightRequest) -> dict[str, Any]:
        """Keep how a reviewer saw a paper; return the paper and what the look came to.

        Raises InvalidInput naming what is missing, NotAllowed for a number that the applicant gave
        or no register lists, and for who acts for the customer; Conflict for a paper that is in
        process or decided against.
        """
        self._check(caller)
        rooms, at = self._rooms, self._rooms.clock.now()
        row = await self._standing(document)
        look = await self._look(row, request)
        async with rooms.store.transaction() as tx:
            held = await tx.fetchrow("document_hold", document)
            if held is None or held["state"] not in _STATES:
                raise _not_standing("" if held is None else held["state"])
            await check_not_own(tx, caller, held["account_id"], held["entity_id"])
            if request.screenshot:
                await self._keep(tx, request.screenshot, look)
            before = {"seen": held["seen"]}
            # The sight has the number that was dialled; the record of acts holds none.
            shown = {name: one for name, one in look.evidence.items() if name != "number"}
            after: dict[str, Any] = {"way": look.way, "result": look.result, **shown}
            if look.result == "yes":
                after |= await self._seen(tx, caller, held, look, at)
            await keep_act(tx, caller, at, f"document.{request.way}", f"document/{document}",
                           before, after)  # fmt: skip
        paper = await self._documents.show(caller, document)
        return {"result": look.result, "evidence": look.evidence, "document": paper}

    def _check(self, caller: Caller) -> None:
        check_staff(self._catalogue, caller)
        if caller.scopes.isdisjoint(("review", "second_review")):
            raise NotAllowed(
                "missing_scope", "only reviewers may do this", field="Authorization",
                rule="http-api: keys", mend="use a key with the scope review",
            )  # fmt: skip

    async def _standing(self, document: int) -> Any:
        row = await self._rooms.store.fetchrow("document_get", document, None)
        if row is None:
            raise no_document()
        if row["state"] not in _STATES:
            raise _not_standing(row["state"])
        return row

    async def _look(self, row: Any, request: SightRequest) -> _Look:
        if request.way == "paper":
            _needed(request, "by", "where")
            return _Look("paper", "yes", {"by": request.by, "where": request.where})
        if request.way == "call_back":
            return await self._call_back(row, request)
        if request.way == "look_up":
            return self._look_up(request)
        if request.way == "register":
            return await self._register(row)
        return await self._signature(row)

    async def _call_back(self, row: Any, request: SightRequest) -> _Look:
        """A call at a number that a register lists for the entity, and the applicant did not
        give."""
        _needed(request, "by", "number")
        if request.confirmed is None:
            raise _missing("confirmed")
        digits = digits_of(request.number)
        store, entity = self._rooms.store, row["entity_id"]
        if await self._supplied(entity, digits):
            raise NotAllowed(
                "number_of_applicant", "the applicant gave this number", field="number",
                rule="admission: call-back", status=422,
                mend="dial a number that a register lists and the applicant did not name",
            )  # fmt: skip
        found = await store.fetchrow("register_phone", row["credit_code"], digits)
        if found is None:
            raise NotAllowed(
                "number_not_listed", "no imported register lists this number for the entity",
                field="number", rule="admission: call-back", status=422,
                mend="import a register that lists it, or see the paper in another way",
            )  # fmt: skip
        evidence = {
            "by": request.by, "number": digits, "showed": request.showed,
            "register": found["kind"], "file": found["id"], "row": found["place"],
            "dated": found["dated"].isoformat(),
        }  # fmt: skip
        return _Look("call_back", "yes" if request.confirmed else "no", evidence)

    async def _supplied(self, entity: int, digits: str) -> bool:
        """Whether an applicant gave this number, now or before, as the entity's or a person's."""
        store = self._rooms.store
        claims = (
            json.loads(row["claims"]) for row in await store.fetch("applications_about", entity)
        )
        people = (
            opened(self._rooms.vault, row) for row in await store.fetch("people_ever", entity)
        )
        given = [
            *(str(one.get("contact", "")) for one in claims),
            *(one["phone"] for one in people),
        ]
        return any(same_line(one, digits) for one in given)

    def _look_up(self, request: SightRequest) -> _Look:
        _needed(request, "url", "showed", "by")
        if request.result is None:
            raise _missing("result")
        if request.at is None or request.at.tzinfo is None:
            raise _missing("at")
        if request.at.timestamp() > self._rooms.clock.now() + 60:
            raise _wrong("at", "the look lies in the future", "give the time of the look")
        if not request.url.startswith("https://") and not request.url.startswith("http://"):
            raise _wrong("url", "this is no address of a page", "give the address that was read")
        if not request.screenshot:
            raise _missing("screenshot")
        if type_of(request.screenshot) is None:
            raise _wrong(
                "screenshot", "by its content it is no PDF or picture", "save it as PNG or PDF"
            )
        evidence = {
            "look_up": True, "url": request.url, "looked_at": request.at.isoformat(),
            "showed": request.showed, "by": request.by,
            "screenshot": hashlib.sha256(request.screenshot).hexdigest(),
        }  # fmt: skip
        return _Look("register", request.result, evidence)

    async def _register(self, row: Any) -> _Look:
        found = await compare(self._rooms.store, self._rooms.vault, row)
        return _Look("register", found.result, dict(found.evidence))

    async def _signature(self, row: Any) -> _Look:
        """Check the signature of the paper's own file, off the loop."""
        if row["file_sha256"] is None:
            raise no_document()
        kind, octets = await unsealed(self._rooms, bytes(row["file_sha256"]))
        if kind != "application/pdf":
            raise _wrong("way", "only a PDF can be signed so", "see the paper in another way")
        at = utc(self._rooms.clock.now())
        told = await asyncio.to_thread(check_signed, octets, self._roots, at)
        return _Look("signature", "yes" if told.good else "no", told.told())

    async def _keep(self, tx: Transaction, screenshot: bytes, look: _Look) -> None:
        sha = hashlib.sha256(screenshot).digest()
        kind = type_of(screenshot)
        sealed = self._rooms.vault.seal(screenshot, belongs(sha))
        await tx.execute("paper_file_put", sha, kind, len(screenshot), sealed)

    async def _seen(
        self, tx: Transaction, caller: Caller, held: Any, look: _Look, at: float
    ) -> Mapping[str, Any]:
        evidence = json.dumps(look.evidence, ensure_ascii=False, sort_keys=True)
        who = look.evidence.get("by") or f"key {caller.key_id}"
        await tx.execute(
            "document_sight_insert", held["id"], look.way, utc(at), who, caller.key_id, evidence
        )
        best = max(Seen[held["seen"].upper()], Seen[look.way.upper()])
        await tx.execute("document_seen", held["id"], best.name.lower())
        promoted: Mapping[str, Any] = {}
        if held["state"] == "accepted":
            promoted = await promote(self._rooms, tx, held["entity_id"], caller, at)
            await tx.execute("notify", CHANNEL, "")
        return {"seen": best.name.lower(), **promoted}

    # Persons ---------------------------------------------------------------------------------

    async def match(self, caller: Caller, person: int, request: PersonMatch) -> dict[str, Any]:
        """Keep what a real-name check of name, number and phone said of a person."""
        self._check(caller)
        rooms, at = self._rooms, self._rooms.clock.now()
        if request.at.tzinfo is None or request.at.timestamp() > at + 60:
            raise _wrong("at", "the time has no zone, or lies ahead", "give the check's time")
        source = f"{request.source} {request.at.isoformat()}"
        async with rooms.store.transaction() as tx:
            row = await tx.fetchrow("person_hold", person)
            if row is None:
                raise no_document()
            await check_not_own(tx, caller, row["account_id"], row["entity_id"])
            await tx.execute("person_matched", person, request.result, source)
            states = ({"matched": row["matched"]}, {"matched": request.result, "source": source})
            await keep_act(tx, caller, at, "person.match", f"person/{person}", *states)
            row = await tx.fetchrow("person_hold", person)
        return people_told(rooms.vault, [row])[0]

    async def open(self, caller: Caller, person: int) -> dict[str, Any]:
        """Return who a person is, unmasked; that somebody looked is written down."""
        self._check(caller)
        rooms, at = self._rooms, self._rooms.clock.now()
        async with rooms.store.transaction() as tx:
            row = await tx.fetchrow("person_hold", person)
            if row is None:
                raise no_document()
            await keep_act(tx, caller, at, "person.open", f"person/{person}", {}, {})
        return {"id": str(person), "role": row["role"], **opened(rooms.vault, row)}


def _needed(request: SightRequest, *names: str) -> None:
    for name in names:
        if not str(getattr(request, name)).strip():
            raise _missing(name)


def _missing(name: str) -> InvalidInput:
    return InvalidInput(
        "sight_incomplete", f"{name} is missing: what shows that the paper was seen so",
        field=name, rule="admission: ways of being seen", mend="docs/front-door.md tells each way",
    )  # fmt: skip


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput(
        "sight", words, field=field, rule="admission: ways of being seen", mend=mend
    )


def _not_standing(state: str) -> Conflict:
    words = {
        "in_process": "the paper is only applied for: there is nothing to see yet",
    }.get(state, f"the paper is {state or 'gone'}")
    return Conflict(
        "document_state", words, field="id", rule="admission: ways of being seen",
        mend="wait for the issued paper to be handed in",
    )  # fmt: skip
