"""SGIP's connections: commands go one way only (facts: SGIP 2.1).

Who connects sends the commands. With login type 1 that is an SP with SUBMITs; with login type 2
it is a gateway with DELIVERs and REPORTs, so that the SP is the one who listens. Everything else
is as in any session. There is no heartbeat: a connection without a PDU for `heartbeat_s` is
idle, then the client unbinds and the server ends it (2.1 speaks of 60 s; infinity means never).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import isinf
from typing import Any, cast

from assent.errors import LocalProtocolError
from assent.wire import sgip_tables as tables
from assent.wire.connection import SessionSettings
from assent.wire.dialect import Dialect, Meaning, Mode
from assent.wire.events import Delivers, End, Event, Send, Submits
from assent.wire.session import Session
from assent.wire.states import CARRYING, Role, State


class SgipSession(Session):
    """Sans-IO session of one SGIP connection.

    An SP submits on `SgipSession(SGIP, Role.CLIENT, ...)` with version `SP_TO_SMG` and serves
    the gateway on `Role.SERVER` with version `SMG_TO_SP`, where `Delivers` come and
    `acknowledge` answers them. A gateway has the other two: `Submits` and `respond` as a server,
    `deliver` as a client. A server with version `EITHER` takes both kinds of login;
    `Bound.version` says which it was."""

    def __init__(self, dialect: Dialect, role: Role, settings: SessionSettings, now: float) -> None:
        super().__init__(dialect, role, settings, now)
        self._take_direction(settings.version)

    def _set_mode(self, mode: Mode) -> None:
        """The login type decides, which stands where others have a version."""
        self._take_direction(self._codec.version)

    def _take_direction(self, login_type: int) -> None:
        connecting = self._sends = self.role is Role.CLIENT
        sp = connecting == (login_type != tables.SMG_TO_SP)
        self._part = Role.CLIENT if sp else Role.SERVER
        self._carries = Meaning.SUBMIT if sp else Meaning.DELIVER
        self._answers_ours = Meaning.SUBMIT_ANSWER if sp else Meaning.DELIVER_ANSWER
        self._brings = Meaning.DELIVER if sp else Meaning.SUBMIT
        self._answers_theirs = Meaning.DELIVER_ANSWER if sp else Meaning.SUBMIT_ANSWER
        if connecting and not sp:
            # An SP that we connected to has proved nothing to us, so its SUBMITs are refused. Our
            # own gateway's DELIVERs on the wrong connection are taken: a refusal may be in one.
            self._brings = Meaning.NOTHING

    def _only(self, role: Role) -> None:
        if self._part is not role:
            who = "an SP" if role is Role.CLIENT else "a gateway"
            raise LocalProtocolError("wrong_role", f"only {who} does this")

    def _answer(self, pdus: Sequence[Any], ids: Sequence[int], results: Sequence[int]) -> bytes:
        """Each command has an answer of its own, in the order of the PDUs."""
        if self.state not in CARRYING:
            return b""
        parts = []
        pairs = zip(pdus, results, strict=True)
        for command, some in groupby(pairs, key=lambda pair: pair[0].raw[4:8]):
            run = list(some)
            sequences = [pdu.sequence for pdu, _ in run]
            answer = int.from_bytes(command, "big") | tables.ANSWER
            codes = [result for _, result in run]
            parts.append(self._codec.answers(answer, sequences, sequences, codes))
        return b"".join(parts)

    def _take_in(self, brought: Sequence[Any], events: list[Event]) -> None:
        before = len(events)
        super()._take_in(brought, events)
        if self._part is Role.CLIENT:
            # Session names what a server is brought Submits; these are DeliverPdus.
            events[before:] = [
                Delivers(cast("list[Any]", event.submits)) if isinstance(event, Submits) else event
                for event in events[before:]
            ]

    def _connection_deadline(self) -> float | None:
        if self.state is State.BOUND:
            limit = self.settings.heartbeat_s
            return None if isinf(limit) else self._heard_at + limit
        # Once we finish, the messages under way have deadlines of their own.
        return None if self.state is State.DRAINING else super()._connection_deadline()

    def _tick_connection(self, now: float) -> list[Event]:
        if self.state is not State.BOUND:
            return super()._tick_connection(now)
        deadline = self._connection_deadline()
        if deadline is None or now < deadline:
            return []
        if self.role is Role.SERVER:
            return self._silence(End.SILENT)
        ending = self.finish(now)
        return [Send(ending)] if ending else []
