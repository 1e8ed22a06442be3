"""Lawful requests for records: an authority asks, two persons agree, and what leaves proves itself.

What is handed over are evidence bundles (evidence.py), one for each person and sender of the scope:
`assent verify` checks them without the platform. The people asked for lie sealed; the customer
concerned is shown nothing of such a case. Every look and every bundle stands in the record of acts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.case_requests import RecordsRequest
from assent.flow.case_rows import Case, Parts, Step, among, check_open, person
from assent.flow.documents import belongs, type_of
from assent.flow.evidence import Wanted
from assent.flow.needs import Transaction, utc
from assent.flow.requests import Caller
from assent.numbers import parse

REQUEST: Final = "request"
_AUTHORITIES: Final = {"police": "公安机关", "regulator": "监管机构", "court": "人民法院"}
_PERSONS: Final = 2


class Bundles(Protocol):
    """Makes evidence bundles (evidence.py, `Gathering`)."""

    async def bundle(self, wanted: Wanted) -> bytes:
        """Return an archive."""


async def begin(tx: Transaction, parts: Parts, caller: Caller, request: RecordsRequest) -> int:
    """Open a case of a request and propose it to a second person; return its number. Raises
    InvalidInput, NotFound for a sender."""
    scope = request.scope
    if scope.since.tzinfo is None or scope.to.tzinfo is None or scope.since >= scope.to:
        raise InvalidInput(
            "bad_period", "the period has no zone or no length", field="scope.to",
            mend="write times like 2026-11-22T10:00:00+08:00, the earlier first",
        )  # fmt: skip
    parsed = parse(scope.people)
    for place in range(len(scope.people)):
        if parsed.fault[place]:
            raise InvalidInput(
                "bad_number", "this is no phone number", field=f"scope.people[{place}]",
                mend="write it like +8613800000000",
            )  # fmt: skip
    for place, code in enumerate(scope.senders):
        if await tx.fetchrow("case_sender", code, None) is None:
            raise NotFound(
                "unknown_sender", "there is no such sender", field=f"scope.senders[{place}]"
            )
    sha, kind, paper = _paper(request.paper)
    sealed = parts.vault.seal(paper, belongs(sha))
    await tx.execute("paper_file_put", sha, kind, len(paper), sealed)
    number: int = await tx.fetchval(
        "case_open", "records", "staff", f"records: {request.authority}", None, None, None, None,
        1, caller.actor_id, utc(parts.clock.now()), None, "", "",
    )  # fmt: skip
    details = {
        "authority": request.authority, "authority_zh": _AUTHORITIES[request.authority],
        "name": request.name, "reference": request.reference, "basis": request.basis,
        "paper": sha.hex(), "senders": sorted(set(scope.senders)), "people": len(scope.people),
        "since": scope.since.isoformat(), "to": scope.to.isoformat(),
    }  # fmt: skip
    people = [f"+{int(number)}" for number in parsed.msisdn]
    await parts.say(
        tx, number, REQUEST, "proposed", caller=caller, rule=request.basis, details=details,
        until=parts.working(parts.ladder.agree_days), words=json.dumps(sorted(set(people))),
    )  # fmt: skip
    return number


def _paper(text: str) -> tuple[bytes, str, bytes]:
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error:
        octets = b""
    kind = type_of(octets)
    if kind is None:
        raise InvalidInput(
            "records_paper", "the authority's paper is no PDF, PNG, JPEG or GIF", field="paper",
            rule="cases: records", mend="hand in a copy of it, in base64",
        )  # fmt: skip
    return hashlib.sha256(octets).digest(), kind, octets


async def agree(tx: Transaction, parts: Parts, case: Case, proposal: Step, caller: Caller) -> None:
    """Agree to hand over, as a second person."""
    said = [proposal, *case.of(proposal, "agreed")]
    if among(person(caller), said):
        raise NotAllowed(
            "same_person", "you took the request in; another person must agree",
            field="Authorization", rule="cases: two persons", mend="have a colleague look at it",
        )  # fmt: skip
    for state in ("agreed", "done"):
        await parts.say(
            tx, case.id, REQUEST, state, caller=caller, of=proposal.id, rule=proposal.rule
        )


class Records:
    """Hands over what was agreed to. `bundles`: what makes the archives."""

    def __init__(self, parts: Parts, bundles: Callable[[], Bundles]) -> None:
        self._parts = parts
        self._bundles = bundles

    async def listed(self, number: int) -> list[dict[str, Any]]:
        """Return the parts of a scope: who and what sender, by their place. Raises Conflict until
        two persons agreed."""
        return [
            {"part": place, "person": who, "sender": sender}
            for place, (who, sender) in enumerate(self._parts_of(await self._agreed(number)))
        ]

    async def part(self, caller: Caller, number: int, place: int) -> bytes:
        """Return the bundle of one part; that it was made is written down first. Raises NotFound
        for a part that is not there, and where nothing is known of the person."""
        case = await self._agreed(number)
        proposal = _request(case)
        found = self._parts_of(case)
        if place >= len(found):
            raise NotFound("no_part", "the request has no such part", field="part")
        who, sender = found[place]
        details = proposal.details
        since, to = (datetime.fromisoformat(details[name]) for name in ("since", "to"))
        archive = await self._bundles().bundle(Wanted(who, sender, since, to))
        async with self._parts.store.transaction() as tx:
            held = await self._parts.hold(tx, number)
            check_open(held, "records")
            handed = {"part": place, "sender": sender, "octets": len(archive),
                      "sha256": hashlib.sha256(archive).hexdigest()}  # fmt: skip
            await self._parts.say(tx, number, "export", caller=caller, of=proposal.id,
                                  details=handed)  # fmt: skip
        return archive

    async def _agreed(self, number: int) -> Case:
        case = await self._parts.load(self._parts.store, number)
        check_open(case, "records")
        if not case.of(_request(case), "done"):
            raise Conflict(
                "records_not_agreed", "a second person has not agreed yet", field="id",
                rule="cases: records", mend=f"{_PERSONS} persons agree before anything leaves",
            )  # fmt: skip
        return case

    def _parts_of(self, case: Case) -> list[tuple[str, str]]:
        proposal = _request(case)
        people = json.loads(self._parts.words(proposal))
        return [(who, sender) for who in people for sender in proposal.details["senders"]]


def _request(case: Case) -> Step:
    return next(one for one in case.steps if one.action == REQUEST and one.state == "proposed")
