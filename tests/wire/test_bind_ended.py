"""A bind and a PDU that breaks the session, in one read: the owner answers the bind of a session
that has ended already, in every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from assent.wire import cmpp, sgip, smgp, smpp
from assent.wire.connection import SessionSettings
from assent.wire.events import BindAsked, End, Ended
from assent.wire.kit import DIALECTS, Quirks, kit_for
from assent.wire.session import Role, Session

SECRET = "888888"
NODE = 3010012345


def server(dialect: str) -> Session:
    if dialect == "smpp":
        settings = SessionSettings(version=smpp.V34)
        return smpp.SmppSession(smpp.SMPP, Role.SERVER, settings, 0.0)
    if dialect == "sgip":
        return sgip.SgipSession(
            sgip.SGIP, Role.SERVER, SessionSettings(version=sgip.SP_TO_SMG), 0.0
        )
    spoken: Any = smgp.SMGP if dialect == "smgp" else cmpp.CMPP
    return Session(spoken, Role.SERVER, SessionSettings(), 0.0)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("answer", ["accept", "wrong secret", "refuse"])
def test_what_is_said_to_a_bind_whose_session_ended_is_nothing(dialect: str, answer: str) -> None:
    kit = kit_for(dialect, quirks=Quirks(node=NODE if dialect == "sgip" else None))
    near = kit.session(SessionSettings(user="900001", secret=SECRET, version=kit.version), 0.0)
    far = server(dialect)
    events = far.receive(near.start(0.0, 1021080510) + b"\xff" * 64, 0.0)
    asked = next(event for event in events if isinstance(event, BindAsked))
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.reason is End.PROTOCOL_ERROR
    if answer == "refuse":
        assert far.refuse(asked, 3, 0.0) == []
    else:
        assert far.accept(asked, SECRET if answer == "accept" else "wrong", 0.0) == []
    assert far.ended
    assert far.receive(b"more", 0.0) == []
