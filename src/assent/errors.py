"""One tree of errors. Each has a stable code, words for people, and what mends it.

::

    AssentError
    ├── InvalidInput        the caller's request cannot be understood or obeyed
    │   ├── NotAllowed      who asks may not
    │   ├── NotFound        what is named does not exist (for this caller)
    │   ├── Conflict        it contradicts something that stands already
    │   └── TooLarge        over a limit
    ├── Unavailable         ours to mend; the same request may succeed later
    └── ProtocolError
        ├── LocalProtocolError    our own code asked for an illegal move
        └── RemoteProtocolError   the peer broke the protocol

`field`, `rule` and `mend` say where it is wrong, which rule says so, and what to do
(DESIGN.md, promise 8). Messages never contain a phone number or a message text.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, Final

_CHINESE: Final = "data/errors-zh.json"


@cache
def _chinese() -> dict[str, str]:
    words: dict[str, str] = json.loads(resources.files("assent").joinpath(_CHINESE).read_bytes())
    return words


def in_chinese(code: str) -> str | None:
    """Return what an error's code says in Chinese, with what mends it; None for one that only
    whoever runs the machine meets."""
    return _chinese().get(code)


class AssentError(Exception):
    """The root. `code` is stable and meant for programs; `status` is its HTTP status."""

    status = 500
    retry = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        rule: str | None = None,
        mend: str | None = None,
        status: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.rule = rule
        self.mend = mend
        self.details = details
        if status is not None:
            self.status = status

    def to_problem(self) -> dict[str, Any]:
        """Return the body of an application/problem+json answer (RFC 9457)."""
        problem: dict[str, Any] = {
            "type": f"urn:assent:error:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.message,
            "retry": self.retry,
        }
        for name in ("field", "rule", "mend", "details"):
            value = getattr(self, name)
            if value is not None:
                problem[name] = value
        if (words := in_chinese(self.code)) is not None:
            problem["detail_zh"] = words
        return problem


class InvalidInput(AssentError):
    """The caller's request cannot be understood or obeyed; nothing was done."""

    status = 422


class NotAllowed(InvalidInput):
    """Who asks may not do this."""

    status = 403


class NotFound(InvalidInput):
    """What is named does not exist for this caller."""

    status = 404


class Conflict(InvalidInput):
    """The request contradicts something that stands already."""

    status = 409


class TooLarge(InvalidInput):
    """The request is over a limit that the message names."""

    status = 413


class Unavailable(AssentError):
    """Something of ours is missing for the moment; the same request may succeed later."""

    status = 503
    retry = True


class ProtocolError(AssentError):
    """A wire protocol was broken."""


class LocalProtocolError(ProtocolError):
    """Our own code asked for a move that the session's state forbids: a bug of ours."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol. `reply` holds the bytes to answer with, if any."""

    def __init__(self, code: str, message: str, *, reply: bytes | None = None) -> None:
        super().__init__(code, message)
        self.reply = reply
