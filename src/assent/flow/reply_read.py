"""A reply as it is read, and what of it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from assent.flow.answered import Answered
from assent.flow.columns import array_literal, pack_object
from assent.flow.order import Port
from assent.flow.questions import NOTHING_MEANT, Meant
from assent.flow.whom import Shown
from assent.text.keywords import Intent, KeywordSet, Kind

_NOBODY: Final = Shown()


@dataclass(slots=True)
class Reply:
    """A whole message, or what came of it."""

    id: int
    rows: list[Any]
    text: str
    complete: bool
    words: KeywordSet
    intent: Intent
    ports: list[Port]
    groups: tuple[int, ...] = ()
    meant: Meant = NOTHING_MEANT  # by the questions that were open
    shown: Shown = _NOBODY

    @property
    def first(self) -> Any:
        return self.rows[0]


def columns(reply: Reply) -> tuple[Any, ...]:
    """Return what of a reply is stored, in the order of the query, and its event."""
    first, intent = reply.first, reply.intent.kind.name.lower()
    payload = {
        "reply": reply.id,
        "destination": first["destination"],
        "text": reply.text,
        "person": first["person_id"],
        "intent": intent,
        "keyword": reply.shown.keyword,
    }
    return (
        reply.id,
        first["at"],
        first["carrier"],
        first["destination"],
        first["person_id"],
        reply.text,
        intent,
        reply.intent.complaint,
        reply.complete,
        array_literal(reply.groups),
        f"{reply.words.name} {reply.words.version}",
        reply.words.digest,
        reply.shown.keyword,
        reply.shown.account,
        pack_object(payload),
    )


def read(reply: Reply) -> tuple[int, str, str, bool, str, bytes | None, bytes]:
    """Return what is stored of a refusal that is one message to one sender (:class:`Word`)."""
    all_ = columns(reply)
    return (all_[0], *all_[5:8], *all_[10:12], all_[14])


def answered(reply: Reply) -> Answered | None:
    """Return a reply as an answer to questions that may be open, None where it is to a sender."""
    person = reply.first["person_id"]
    if not person or any(port.sender_id is not None for port in reply.ports):
        return None
    kind = reply.intent.kind
    ends = reply.meant.member or kind in (Kind.REFUSE, Kind.REFUSE_ALL)
    return Answered(person, reply.text, kind, reply.groups if ends else (), reply.id)
