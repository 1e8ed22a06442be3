"""What flow makes of reports, replies and result codes of every dialect, without sockets."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from assent.clock import SystemClock
from assent.flow.columns import from_signed
from assent.flow.ends import Ends
from assent.flow.ids import BatchIds
from assent.flow.inbound import Inbound
from assent.flow.outstanding import Outstanding
from assent.flow.reply_parts import coding_of, text_of
from assent.flow.traffic import Traffic
from assent.message import AttemptStatus, State
from assent.text import SevenBit
from assent.wire import cmpp, sgip, smgp, smpp
from assent.wire.cmpp_tables import DELIVER as CMPP_DELIVER
from assent.wire.dialect import Mode
from assent.wire.kit import DIALECTS, Quirks, kit_for
from assent.wire.pdus import Report
from assent.wire.sgip_tables import DELIVER as SGIP_DELIVER
from assent.wire.smgp_tables import DELIVER as SMGP_DELIVER
from assent.wire.smpp_receipts import ReceiptForm

PORT, PERSON, NODE = "106900011", "13800000001", 3010012345
SUBMITTED = sgip.first_sequence(NODE, 1_772_323_200.0, 7)
MESSAGE = 0x1234
STATS = {"delivered": "DELIVRD", "failed": "UNDELIV", "under way": "ACCEPTD"}


class Link:
    """As much of a link as flow looks at."""

    def __init__(self, dialect: str, **quirks: Any) -> None:
        if dialect == "sgip":
            quirks["node"] = NODE
        self.name = self.carrier = dialect
        self.user = "900001"
        self.kit = kit_for(dialect, user=self.user, quirks=Quirks(**quirks))
        self.acknowledged: list[Any] = []

    def acknowledge(self, delivers: Sequence[Any], result: int = 0) -> None:
        self.acknowledged += delivers

    def abort(self, reason: str) -> None:
        raise AssertionError(reason)


class Notes:
    """A store that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    async def execute(self, name: str, *args: Any) -> None:
        self.calls.append((name, args))

    async def fetch(self, name: str, most: int) -> list[dict[str, int]]:
        return [{"counter": place} for place in range(most)]


def deliver(dialect: str, body: bytes, header: int = 12) -> Any:
    """A DELIVER as a session hands it up."""
    codec = {
        "cmpp": cmpp.CMPP.codec(cmpp.V30),
        "smgp": smgp.SMGP.codec(smgp.V30),
        "sgip": sgip.SGIP.codec(sgip.SMG_TO_SP),
        "smpp": smpp.SMPP.codec(smpp.V34),
    }[dialect]
    framing = {
        "cmpp": cmpp.CMPP.framing, "smgp": smgp.SMGP.framing, "sgip": sgip.SGIP.framing,
        "smpp": smpp.SMPP.framing,
    }[dialect]  # fmt: skip
    command = {"cmpp": CMPP_DELIVER, "smgp": SMGP_DELIVER, "sgip": SGIP_DELIVER, "smpp": 5}[dialect]
    size = framing.header.size + len(body)
    raw = framing.pack(size, command, SUBMITTED if dialect == "sgip" else 9) + body
    return codec.read_deliver(raw, 0, len(raw), SUBMITTED if dialect == "sgip" else 9)


def a_report(dialect: str, what: str, form: ReceiptForm = ReceiptForm.BOTH) -> Any:
    report = Report(MESSAGE, STATS[what], "2611221030", "2611221031", PERSON, 0)
    if dialect == "cmpp":
        return deliver(
            dialect, cmpp.report_body(cmpp.V30, report, deliver_id=1, service_number=PORT)
        )
    if dialect == "sgip":
        state = {"delivered": 0, "under way": 1, "failed": 2}[what]
        return deliver(
            dialect,
            sgip.report_body(submit_sequence=SUBMITTED, user_number=f"86{PERSON}", state=state),
        )
    if dialect == "smgp":
        return deliver(
            dialect,
            smgp.report_body(
                smgp.SmgpReport(MESSAGE, STATS[what], "2611221030", "2611221031"),
                deliver_id=1, service_number=PORT, user_number=PERSON,
            ),
        )  # fmt: skip
    there = report._replace(destination=f"86{PERSON}")
    return deliver(dialect, smpp.report_body(smpp.V34, there, service_number=PORT, form=form))


def inbound(link: Link) -> tuple[Inbound, Notes, Outstanding, list[str]]:
    numbers: list[str] = []

    async def person_of(some: Sequence[str]) -> list[int]:
        numbers.extend(some)
        return [77] * len(some)

    async def replies(some: list[Any]) -> None:
        raise AssertionError("no reply was sent")

    notes, clock, known = Notes(), SystemClock(), Outstanding()
    made = Inbound(notes, clock, BatchIds(clock), person_of, replies)  # type: ignore[arg-type]  # keeps notes
    made.attach({link.carrier: known})
    return made, notes, known, numbers


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("what", "state"), [("delivered", 3), ("failed", 4)])
async def test_a_report_that_nobody_waits_for_is_parked_with_its_receiver(
    dialect: str, what: str, state: int
) -> None:
    link = Link(dialect)
    one, notes, _, numbers = inbound(link)
    came = a_report(dialect, what)
    await one._store_reports([(link, came)])
    assert [number.removeprefix("86") for number in numbers] == [PERSON]
    ((name, args),) = notes.calls
    assert name == "receipts_store"
    carriers, ids, people, states, bodies = args[-5:]
    assert (carriers, people, states) == ([dialect], [77], [state])
    assert [from_signed(one) for one in ids] == [
        sgip.id_of(SUBMITTED) if dialect == "sgip" else MESSAGE
    ]
    assert State(state).name == what.upper()
    assert bodies == [came.content]
    assert link.acknowledged == [came]
    assert one.parked == 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_report_on_a_message_under_way_is_acknowledged_and_not_stored(dialect: str) -> None:
    link = Link(dialect)
    one, notes, known, _ = inbound(link)
    came = a_report(dialect, "under way")
    known.put(came.report().message_id, 5 << 8)
    await one._store_reports([(link, came)])
    assert notes.calls == []
    assert link.acknowledged == [came]
    assert known.get(came.report().message_id) == 5 << 8


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_report_that_is_waited_for_is_stored_under_its_message(dialect: str) -> None:
    link = Link(dialect)
    one, notes, known, numbers = inbound(link)
    came = a_report(dialect, "delivered")
    known.put(came.report().message_id, 5 << 8)
    await one._store_reports([(link, came)])
    assert len(notes.calls) == 1
    assert (one.receipts, one.parked, numbers, len(known)) == (1, 0, [], 0)


async def test_a_receipt_without_text_keeps_its_octets() -> None:
    link = Link("smpp")
    one, notes, _, _ = inbound(link)
    came = a_report("smpp", "delivered", ReceiptForm.TLV)
    assert came.content == b""
    await one._store_reports([(link, came)])
    assert notes.calls[0][1][-1] == [came.raw]


async def test_a_broken_report_is_counted_and_acknowledged() -> None:
    link = Link("smpp")
    one, notes, _, _ = inbound(link)
    came = deliver(
        "smpp",
        smpp.deliver_body(
            smpp.V34, destination=PORT, source=PERSON, content=b"no receipt", esm_class=4
        ),
    )
    await one._store_reports([(link, came)])
    assert (one.malformed, notes.calls, link.acknowledged) == (1, [], [came])


# --- result codes


def window() -> Any:
    ends: list[tuple[int, int, int, int]] = []
    work = SimpleNamespace(batch=SimpleNamespace(id=1), whole=False)
    return SimpleNamespace(
        ends=ends, slots=[0] * 8, positions=list(range(8)), segments=[0] * 8, work=work, link="",
        long=False,
        end=lambda item, status, code=0, carrier_id=0: ends.append(
            (item, int(status), code, carrier_id)
        ),
    )  # fmt: skip


class Hashable(SimpleNamespace):
    """A window's stand-in that may be in a set."""

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("dialect", "code", "status"),
    [
        ("cmpp", 8, AttemptStatus.THROTTLED),
        ("cmpp", 3, AttemptStatus.UNSURE),
        ("cmpp", 200, AttemptStatus.REFUSED),
        ("sgip", 11, AttemptStatus.THROTTLED),
        ("sgip", 33, AttemptStatus.THROTTLED),
        ("sgip", 9, AttemptStatus.UNSURE),
        ("sgip", 6, AttemptStatus.REFUSED),
        ("smgp", 1, AttemptStatus.THROTTLED),
        ("smgp", 8, AttemptStatus.REFUSED),
        ("smgp", 47, AttemptStatus.REFUSED),
        ("smpp", 0x58, AttemptStatus.THROTTLED),
        ("smpp", 0x14, AttemptStatus.THROTTLED),
        ("smpp", 0x08, AttemptStatus.THROTTLED),
        ("smpp", 0x0B, AttemptStatus.REFUSED),
        ("smpp", 0x4FF, AttemptStatus.REFUSED),
    ],
)
def test_a_code_means_what_its_own_dialect_says(
    dialect: str, code: int, status: AttemptStatus
) -> None:
    link = Link(dialect)
    traffic = Traffic(SystemClock(), Ends(0), [dialect], lambda *_: None)
    open_window = Hashable(**vars(window()))
    traffic.windows[5] = open_window
    token = 5 << 20
    traffic.answered(link, [(token, code, 99), (token + 1, 0, (1 << 63) + 5)])
    assert open_window.ends == [
        (0, int(status), code, 0),
        (1, int(AttemptStatus.ACCEPTED), 0, (1 << 63) + 5),
    ]
    assert traffic.outstanding[dialect].get((1 << 63) + 5) == 1 << 18


def test_a_link_that_only_receives_carries_nothing() -> None:
    traffic = Traffic(SystemClock(), Ends(0), ["smpp"], lambda *_: None)
    traffic.changed(Link("smpp", mode=Mode.RECEIVER), "bound", "")
    assert not traffic.up["smpp"]
    traffic.changed(Link("smpp"), "bound", "")
    assert traffic.up["smpp"]


# --- texts of replies


@pytest.mark.parametrize(
    ("dialect", "fmt", "content", "text"),
    [
        ("cmpp", 8, "退订".encode("utf-16-be"), "退订"),
        ("cmpp", 0x18, "退订".encode("utf-16-be"), "退订"),
        ("cmpp", 15, "退订".encode("gb18030"), "退订"),
        ("cmpp", 4, b"TD", "TD"),
        ("sgip", 0, b"TD", "TD"),
        ("smgp", 8, b"\0T\0D", "TD"),
        ("smpp", 3, b"\xe4\xf6", "äö"),
        ("smpp", 1, b"TD", "TD"),
        ("smpp", 0, b"\x00TD", "@TD"),
        ("smpp", 0xF1, b"TD", "TD"),
        ("smpp", 0x18, b"\0T\0D", "TD"),
        ("smpp", 5, b"TD", "TD"),
        ("smpp", 4, b"\0T\0D", "TD"),
    ],
)
def test_a_reply_is_read_in_the_alphabet_of_its_link(
    dialect: str, fmt: int, content: bytes, text: str
) -> None:
    came = SimpleNamespace(fmt=fmt, udhi=0, content=content)
    coding = coding_of(Link(dialect), came)  # type: ignore[arg-type]  # no whole link
    assert 0 <= coding < 1 << 15  # it is stored as a small integer
    row = {"number": None, "total": None, "content": content, "fmt": coding}
    assert text_of([row]) == text


def test_the_seven_bits_of_an_smpp_link_may_be_ascii() -> None:
    came = SimpleNamespace(fmt=0, udhi=0, content=b"a$")
    read = {}
    for seven_bit in SevenBit:
        coding = coding_of(Link("smpp", seven_bit=seven_bit), came)  # type: ignore[arg-type]  # no whole link
        row = {"number": None, "total": None, "content": came.content, "fmt": coding}
        read[seven_bit] = text_of([row])
    assert read == {SevenBit.ASCII: "a$", SevenBit.GSM: "a¤"}
