"""From order to octets without a database: for any text and variables, on any dialect, as many
segments as were charged are written, and whoever reads them reads the text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.clock import SystemClock
from assent.flow.ends import Ends
from assent.flow.links import Deliver
from assent.flow.order import Port
from assent.flow.render import Rendering
from assent.flow.segments import segments_of
from assent.flow.traffic import Traffic
from assent.flow.work import Batch, Window, Work
from assent.message import AttemptStatus, Purpose
from assent.text import (
    PLAIN,
    Adds,
    Alphabet,
    Coding,
    LongText,
    SevenBit,
    Writing,
    concat_of,
    decode,
    parse_udh,
)
from assent.wire import (
    cmpp,
    cmpp_tables,
    sgip_tables,
    smgp,
    smgp_codec,
    smgp_tables,
    smpp,
    smpp_tables,
)
from assent.wire.kit import Kit, Quirks, kit_for
from assent.wire.smpp_pdus import SmppSubmit, read_message

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KITS = {
    "cmpp": kit_for("cmpp", user="900001"),
    "cmpp2": kit_for("cmpp", user="900001", version=cmpp.V20),
    "sgip": kit_for("sgip", user="u", quirks=Quirks(node=3010012345)),
    "smgp": kit_for("smgp", user="u"),
    "smpp": kit_for("smpp", user="u"),
    "smpp ascii": kit_for("smpp", user="u", quirks=Quirks(seven_bit=SevenBit.ASCII)),
}
words = st.one_of(
    st.text(st.sampled_from("abc {}€[]~^|\\@£é"), max_size=250),
    st.text(st.sampled_from("您的验证码😀𠮷é1a,㐂"), max_size=120),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
)


def writing_for(kit: Kit, coding: Coding, long_text: LongText, adds: Adds) -> Writing:
    """What the settings would make of it; the usual where the kit cannot."""
    coding = coding if coding.alphabet in kit.codings else Coding.UCS2
    long_text = long_text if long_text in kit.long_texts else LongText.UDH
    return Writing(coding, long_text, kit.seven_bit, kit.octets, adds)


class OneLink:
    """A link that asks for a few messages at a time."""

    name, carrier, user = "one", "one", "u"

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def acknowledge(self, delivers: Sequence[Deliver], result: int = 0) -> None:
        raise AssertionError

    def abort(self, reason: str) -> None:
        raise AssertionError


def fields_of(kit: Kit, body: bytes) -> tuple[str, bytes, int, bool, tuple[int, int, int] | None]:
    """(receiver, content, format, whether a header begins it, part by parameters) as a gateway
    reads them off the octets."""
    if kit.name == "smpp":
        pdu = bytes(4) + smpp_tables.SUBMIT_SM.to_bytes(4, "big") + bytes(8) + body
        submit = SmppSubmit(1, pdu, read_message(pdu, 0, len(pdu)))
        return submit.destinations[0], submit.content, submit.fmt, bool(submit.udhi), submit.sar
    if kit.name == "smgp":
        fields = smgp_codec.layouts(kit.version)[smgp_tables.SUBMIT].decode(body)
        udhi = smgp.named(fields["tlvs"]).get("udhi", 0)
    elif kit.name == "sgip":
        fields = sgip_tables.LAYOUTS[sgip_tables.SUBMIT].decode(body)
        udhi = fields["udhi"]
    else:
        fields = cmpp_tables.LAYOUTS[kit.version >> 4][cmpp_tables.SUBMIT].decode(body)
        udhi = fields["udhi"]
    return fields["destinations"][0], fields["content"], fields["fmt"], bool(udhi), None


def read(kit: Kit, bodies: list[bytes]) -> dict[str, str]:
    """What each receiver's telephone shows."""
    got: dict[str, dict[int, str]] = {}
    totals: dict[str, int] = {}
    for body in bodies:
        to, content, fmt, udhi, part = fields_of(kit, body)
        if udhi:
            elements, content = parse_udh(content)
            part = concat_of(elements)
            assert part is not None
        alphabet = kit.alphabet(fmt)
        assert alphabet is not None
        assert alphabet in kit.codings
        assert kit.codings[alphabet] == fmt
        text = decode(content, alphabet, seven_bit=kit.seven_bit)
        number = part[2] if part else 1
        assert number not in got.setdefault(to[-8:], {})
        got[to[-8:]][number] = text
        totals[to[-8:]] = part[1] if part else 1
    for to, parts in got.items():
        assert set(parts) == set(range(1, totals[to] + 1))
    return {to: "".join(parts[n] for n in sorted(parts)) for to, parts in got.items()}


def batch_of(
    text: str, variables: dict[str, list[str]] | None, writing: Writing, n: int
) -> tuple[Batch, Window]:
    segments = segments_of(text, variables, [writing], np.zeros(n, np.int16))
    port = Port(1, "106900011", "one", 1, Purpose.MARKETING, "", 1, True, "", True)
    batch = Batch(
        id=77_000, submission_id=1, account_id=1, campaign_id=None, sender_id=1, group_id=1,
        programme_id=1, port_id=port.id, port_number=port.number, service_code="", template_id=0,
        purpose=Purpose.MARKETING, carrier="one", position=0, price=1, not_before=NOW,
        expires_at=datetime.now(UTC) + timedelta(days=1), content=text,
        people=np.arange(1, n + 1, dtype=np.uint32), rows=np.arange(n, dtype=np.uint32),
        zones=np.full(n, 480, np.int16), segments=segments, variables=variables, accepted_at=NOW,
        writing=writing,
    )  # fmt: skip
    numbers = np.array([8613900000000 + i for i in range(n)], np.uint64)
    window = Window(5, Work(batch, 1, numbers, list(range(n))), list(range(n)), [1] * n, 0)
    window.lay_out()
    return batch, window


def taken(kit: Kit, window: Window, credit: int) -> tuple[Traffic, list[tuple[int, bytes]]]:
    traffic = Traffic(SystemClock(), Ends(0), ["one"], lambda link, delivers: None)
    traffic.add(window)
    link, out = OneLink(kit), []
    while window.next < len(window.positions):
        some = traffic.take(link, credit)
        assert len(some) <= credit
        out += some
    assert traffic.pending["one"] == 0
    return traffic, out


@given(
    st.sampled_from(sorted(KITS)),
    st.sampled_from(Coding),
    st.sampled_from(LongText),
    st.sampled_from(Adds),
    st.lists(words, min_size=1, max_size=3),
    st.lists(words, min_size=1, max_size=4),
    st.integers(1, 9),
    st.data(),
)
def test_as_much_is_written_as_was_charged_and_it_reads_as_it_was_meant(
    name: str,
    coding: Coding,
    long_text: LongText,
    adds: Adds,
    pieces: list[str],
    values: list[str],
    credit: int,
    data: Any,
) -> None:
    kit = KITS[name]
    writing = writing_for(kit, coding, long_text, adds).signed("安信")
    assert kit.carries(writing)
    literal = [piece.replace("{", "(").replace("}", ")") for piece in pieces]
    fixed = data.draw(st.booleans())
    text = "【安信】" + ("{x}".join(literal) if not fixed else "".join(literal))
    variables = None if fixed else {"x": values}
    n = len(values)
    batch, window = batch_of(text, variables, writing, n)
    traffic, out = taken(kit, window, credit)
    meant = Rendering(writing.own(text), variables).texts(n)
    shown = read(kit, [body for _, body in out])
    assert shown == {f"{place:08d}": meant[place] for place in range(n)}
    if writing.adds is Adds.NO:
        assert all(one.startswith("【安信】") for one in shown.values())
    charged = int(batch.segments.sum())
    if writing.long_text is not LongText.PAYLOAD:
        assert len(out) == charged
    else:
        assert len(out) == n
    # Each token that is answered ends all that it stands for.
    traffic.answered(OneLink(kit), [(token, 0, 1000 + i) for i, (token, _) in enumerate(out)])
    assert window.open == 0
    assert len(window.results) == charged
    assert {item for item, *_ in window.results} == set(range(charged))


@pytest.mark.parametrize("ended", ["lost", "refused", "throttled", "expired"])
def test_a_payload_ends_with_all_its_segments(ended: str) -> None:
    kit = KITS["smpp"]
    batch, window = batch_of("您" * 200, None, Writing(long_text=LongText.PAYLOAD), 2)
    assert batch.segments.tolist() == [3, 3]
    if ended == "expired":
        window.work.expires = 0.0
    traffic, out = taken(kit, window, 1)
    assert len(out) == (0 if ended == "expired" else 2)
    link, tokens = OneLink(kit), [token for token, _ in out]
    if ended == "lost":
        traffic.lost(link, tokens)
    elif ended != "expired":
        code = 0x58 if ended == "throttled" else 0x0B
        traffic.answered(link, [(token, code, 0) for token in tokens])
    status = {
        "lost": AttemptStatus.UNSURE, "refused": AttemptStatus.REFUSED,
        "throttled": AttemptStatus.THROTTLED, "expired": AttemptStatus.WITHHELD,
    }[ended]  # fmt: skip
    assert [(item, one) for item, one, _, _ in window.results] == [(i, status) for i in range(6)]
    assert window.open == 0


@pytest.mark.parametrize(
    ("name", "writing"),
    [
        ("cmpp", Writing(Coding.LATIN1)),
        ("smpp", Writing(Coding.GB18030)),
        ("smgp", Writing(Coding.GSM7, octets=159)),
        ("cmpp", Writing(long_text=LongText.PAYLOAD)),
        ("sgip", Writing(long_text=LongText.SAR)),
    ],
)
def test_what_was_judged_for_other_links_is_refused_by_us_and_paid_back(
    name: str, writing: Writing
) -> None:
    """The settings were changed while it waited: another cut would not be what was charged."""
    assert not KITS[name].carries(writing)
    _, window = batch_of("a" * 200, None, writing, 3)
    traffic, out = taken(KITS[name], window, 10)
    assert out == []
    assert {(status, code) for _, status, code, _ in window.results} == {(AttemptStatus.REFUSED, 0)}
    assert window.open == 0
    assert traffic.touched == {window}


def test_carriers_of_an_order_count_each_in_their_way() -> None:
    ways = [PLAIN, Writing(Coding.GSM7), PLAIN, Writing(long_text=LongText.UDH16)]
    carriers = np.array([0, 1, 2, 3, -1], np.int16)
    assert segments_of("a" * 133, None, ways, carriers).tolist() == [2, 1, 2, 3, 2]
    values = {"x": ["a" * 133] * 4 + ["a" * 70]}
    assert segments_of("{x}", values, ways, carriers).tolist() == [2, 1, 2, 3, 1]


def test_alphabets_of_the_kits() -> None:
    for name, kit in KITS.items():
        chinese = name.split()[0].rstrip("2") != "smpp"
        assert (Alphabet.GB18030 in kit.codings) is chinese
        assert (Alphabet.LATIN1 in kit.codings) is not chinese
    assert {name: kit.octets for name, kit in KITS.items()} == {
        "cmpp": 159, "cmpp2": 159, "sgip": 159, "smgp": 140, "smpp": 160, "smpp ascii": 160,
    }  # fmt: skip
    assert KITS["smpp"].version == smpp.V34
