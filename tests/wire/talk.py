"""A client and a server session on an imagined line, for tests."""

from __future__ import annotations

from typing import Any, TypeVar

from assent.wire.cmpp import CMPP
from assent.wire.events import BindAsked, Event, Send
from assent.wire.session import Role, Session, SessionSettings

E = TypeVar("E")
SECRET = "888888"
STAMP = 1021080510


def client(**settings: Any) -> Session:
    return Session(
        CMPP, Role.CLIENT, SessionSettings(user="900001", secret=SECRET, **settings), 0.0
    )


def server(**settings: Any) -> Session:
    return Session(CMPP, Role.SERVER, SessionSettings(**settings), 0.0)


def bound(
    client_settings: dict[str, Any] | None = None, server_settings: dict[str, Any] | None = None
) -> tuple[Session, Session]:
    """Both ends after a successful bind at time 0."""
    near, far = client(**client_settings or {}), server(**server_settings or {})
    asked = only(far.receive(near.start(0.0, STAMP), 0.0), BindAsked)
    near.receive(sent(far.accept(asked, SECRET, 0.0)), 0.0)
    assert near.bound
    assert far.bound
    return near, far


def only(events: list[Event], kind: type[E]) -> E:
    """The one event of a kind."""
    [event] = [event for event in events if isinstance(event, kind)]
    return event


def sent(events: list[Event]) -> bytes:
    """All that is to be written."""
    return b"".join(event.data for event in events if isinstance(event, Send))
