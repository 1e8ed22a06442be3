"""PDUs as an operator may see them: fields told, people's numbers masked, texts as length and
digest, secrets not at all.

What is shown as it is stands in a list; whatever is in no list is hidden, so that a field nobody
thought of cannot give anything away.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from assent.carrier.pdu_tap import Caught
from assent.errors import InvalidInput
from assent.wire.explain import Explained, Note, explain
from assent.wire.explain_notes import HEADER

PLAIN: Final = frozenset(
    {
        *("day", "service_id", "service_type", "fee_type", "fee_code", "given_value", "msg_src"),
        *("corp_id", "user", "system_id", "system_type", "stat", "err", "error", "sub", "dlvrd"),
        *("submit_time", "done_time", "submit_date", "done_date", "final_date", "at_time"),
        *("valid_time", "validity_period", "schedule_delivery_time", "received_at", "sent_at"),
        *("query_code", "mservice_id", "message_id", "receipted_message_id", "node"),
    }
)
"""Fields whose text is shown."""

IDS: Final = frozenset({"message_id", "network_error_code"})
"""Fields whose octets are shown, in hex."""

NUMBERS: Final = frozenset(
    {
        *("source", "destination", "destinations", "src_id", "sp_number", "user_number"),
        *("fee_terminal", "source_addr", "destination_addr", "esme_addr", "unsuccess_sme"),
    }
)
"""Fields that hold numbers, ours or people's."""

TEXTS: Final = frozenset({"content", "short_message", "message_payload", "text"})
SECRETS: Final = frozenset({"password", "authenticator"})

_CODE: Final = re.compile(r"10[06]\d{2,18}|\d{1,6}", re.ASCII)
"""Code numbers: services', short codes, those of 106. No country has the code 10."""
_DIGITS: Final = re.compile(r"\d{7,}", re.ASCII)
_MAINLAND: Final = re.compile(r"1[3-9]\d{9}", re.ASCII)
HIDDEN: Final = "●"


def canonical(number: str) -> str:
    """Return a number as it is compared: digits only, mainland ones with 86. Raises InvalidInput
    for what is no number."""
    digits = re.sub(r"[\s()-]", "", number).removeprefix("+").removeprefix("00")
    if not 3 <= len(digits) <= 20 or not (digits.isascii() and digits.isdigit()):
        raise InvalidInput(
            "bad_number",
            "this is no phone number",
            field="number",
            mend="write it like 13800138000 or +85251234567",
        )
    return f"86{digits}" if _MAINLAND.fullmatch(digits) else digits


def mark_of(key: bytes, text: str | bytes) -> bytes:
    """Return a keyed digest. The key is in memory only: without it nobody finds the number or the
    text by trying all of them."""
    data = text.encode() if isinstance(text, str) else text
    return hmac.new(key, data, hashlib.sha256).digest()


def mask(number: str) -> str:
    """Return a number as it may be shown; code numbers as they are."""
    if _CODE.fullmatch(number) or not any(map(str.isdigit, number)):
        return number
    if len(number) < 10:
        return "****"
    return f"{number[: min(6, len(number) - 8)]}****{number[-4:]}"


class Masks:
    """Makes entries of a log. `key` as for `mark_of`; `texts`: whether texts are shown."""

    def __init__(self, key: bytes, texts: bool = False) -> None:
        self._key = key
        self._texts = texts

    def explain(self, caught: Caught) -> Explained:
        """Return a PDU explained, with all that is in it: not to be shown."""
        return explain(caught.dialect, caught.octets)

    def entry(self, caught: Caught, explained: Explained) -> dict[str, Any]:
        """Return what may be shown of a PDU, as JSON has values."""
        people = {number for number in numbers_of(explained) if mask(number) != number}
        fields = [
            [f"{note.group}.{note.name}".removeprefix("."), *self._field(note, people)]
            for note in explained.notes
            if note.group != HEADER
        ]
        text = explained.text
        return {
            "link": caught.link,
            "direction": caught.direction,
            "dialect": caught.dialect,
            "command": explained.command,
            "sequence": explained.sequence,
            "octets": len(caught.octets),
            "fields": fields,
            "text": None if text is None else self._text(text.encode(), len(text), text),
            "segment": explained.segment,
            "fault": explained.fault and {"at": explained.fault.at, "why": explained.fault.why},
        }

    def _field(self, note: Note, people: set[str]) -> tuple[Any, str]:
        """Return value and meaning of a field."""
        name, value = note.name, note.value
        if name in SECRETS:
            return HIDDEN, ""
        if isinstance(value, int):
            return value, note.meaning
        if name in NUMBERS:
            return _masked(value), ""
        if isinstance(value, str) and name in PLAIN:
            return _without(value, people), _without(note.meaning, people)
        if isinstance(value, bytes) and name in IDS:
            return value.hex(), note.meaning
        data = value.encode() if isinstance(value, str) else value
        if not isinstance(data, bytes):
            return HIDDEN, ""
        if not any(data):
            return "", ""
        shown = None
        if self._texts and name in TEXTS and isinstance(value, str):
            shown = value
        return self._text(data, len(data), shown), ""

    def _text(self, data: bytes, size: int, text: str | None) -> str:
        if self._texts and text is not None:
            return re.sub(_DIGITS, lambda found: mask(found[0]), text)
        return f"{HIDDEN} {size}, {mark_of(self._key, data).hex()[:8]}"


def numbers_of(explained: Explained) -> Iterator[str]:
    """Yield every number in the fields of a PDU, as it stands there."""
    for note in explained.notes:
        if note.name in NUMBERS:
            yield from _strings(note.value)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for one in value:
            yield from _strings(one)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, (list, tuple)):
        return [_masked(one) for one in value]
    return value if isinstance(value, int) else HIDDEN


def _without(text: str, people: set[str]) -> str:
    """A text without numbers of people that stand in it all the same."""
    for number in people:
        text = text.replace(number, mask(number))
    return text
