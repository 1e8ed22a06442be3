"""An ESME and an SMSC on an imagined line, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from assent.wire.events import BindAsked
from assent.wire.smpp import DEFAULTS, SMPP, SmppDialect, SmppForm, SmppSession, deliver_body
from assent.wire.states import Role
from tests.wire.talk import only, sent

SECRET = "secret"
BODY = SmppForm(src_id="Assent").body(b"8613800138000", b"hello", 0)
MO = deliver_body(0x34, destination="12321", source="8613800138000", content=b"STOP")


def esme(dialect: SmppDialect = SMPP, **settings: Any) -> SmppSession:
    asked = replace(DEFAULTS, user="assent", secret=SECRET, **settings)
    return SmppSession(dialect, Role.CLIENT, asked, 0.0)


def smsc(dialect: SmppDialect = SMPP, **settings: Any) -> SmppSession:
    return SmppSession(dialect, Role.SERVER, replace(DEFAULTS, **settings), 0.0)


def bound(
    esme_settings: dict[str, Any] | None = None,
    smsc_settings: dict[str, Any] | None = None,
    dialect: SmppDialect = SMPP,
) -> tuple[SmppSession, SmppSession]:
    """Both ends after a successful bind at time 0."""
    near = esme(dialect, **esme_settings or {})
    far = smsc(dialect, **smsc_settings or {})
    asked = only(far.receive(near.start(0.0, 0), 0.0), BindAsked)
    near.receive(sent(far.accept(asked, SECRET, 0.0)), 0.0)
    assert near.bound
    assert far.bound
    return near, far
