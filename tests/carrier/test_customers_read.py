"""Whatever a submit holds, reading it gives flow's form of it or a code, and never an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.carrier.tongue import Tongue
from assent.clock import ManualClock
from assent.flow.customers import Handed, Objection
from assent.wire.frame import MalformedPdu
from assent.wire.kit import DIALECTS, Quirks, kit_for
from tests.carrier.customers_rig import ACCESS, NODE, PERSON, Memory, customer

NOW = 1_790_000_000.0
HEADER = {"cmpp": 12, "sgip": 20, "smgp": 12, "smpp": 16}
TONGUES: dict[str, Tongue] = CustomerServer(
    CustomerSettings(doors={dialect: Door() for dialect in DIALECTS}), Memory(), ManualClock(NOW),
    cast("Any", None),
).tongues  # fmt: skip


def read(dialect: str, body: bytes) -> Handed | int:
    """What becomes of a SUBMIT with this body; raises MalformedPdu where no session takes it."""
    tongue = TONGUES[dialect]
    size = HEADER[dialect]
    whole = (size + len(body)).to_bytes(4, "big") + b"\0\0\0\4" + bytes(size - 8) + body
    sequence = NODE << 64 | 922_080_000 << 32 | 5
    submit = tongue.dialect.codec(tongue.highest).read_submit(whole, 0, len(whole), sequence)
    [read] = tongue.read(customer(), [submit], NOW)
    return read


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=140),
    fmt=st.integers(0, 255).filter(lambda fmt: fmt != 15),
    udhi=st.integers(0, 1),
    total=st.integers(0, 255),
    number=st.integers(0, 255),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
)
def test_reading_never_fails(
    dialect: str, content: bytes, fmt: int, udhi: int, total: int, number: int,
    changes: list[tuple[int, int]],
) -> None:  # fmt: skip
    kit = kit_for(dialect, quirks=Quirks(node=NODE if dialect == "sgip" else None))
    person = kit.number(86 * 10**11 + PERSON)
    body = bytearray(kit.form("", ACCESS).body(person, content, fmt, udhi, total, number))
    for at, octet in changes:
        body[at % len(body)] = octet
    try:
        got = read(dialect, bytes(body))
    except MalformedPdu:
        return
    if isinstance(got, int):
        assert 0 < got <= 0x104
        return
    assert got.alphabet is not None
    assert len(got.ids) == len(got.numbers) > 0
    assert all(0 <= one < 1 << 64 for one in got.ids)
    assert got.part is None or 1 <= got.part[2] <= got.part[1] <= 255
    if not changes:
        assert got.source == ACCESS
        assert got.numbers[0].removeprefix("86") == str(PERSON)
        assert content.endswith(got.content)
        assert (got.node == NODE) is (dialect == "sgip")


ROWS = {
    "source": Objection.SOURCE,
    "no receiver": Objection.DESTINATION,
    "no text": Objection.CODING,
    "too long": Objection.LENGTH,
    "a time": Objection.TIME,
    "cannot be stored": Objection.BUSY,
}


def test_the_codes_are_told() -> None:
    """docs/customer-links.md says what the tongues do."""
    text = (Path(__file__).parents[2] / "docs" / "customer-links.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith(("| bind: ", "| submit: "))]
    told: dict[str, list[set[int]]] = {}
    for line in lines:
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        told[name.partition(": ")[2]] = [
            {int(number, 0) for number in re.findall(r"0x[0-9A-F]+|\d+", cell)} for cell in cells
        ]
    for place, dialect in enumerate(("smpp", "cmpp", "sgip", "smgp")):
        tongue = TONGUES[dialect]
        said = {name: row[place] for name, row in told.items()}
        for begin, objection in ROWS.items():
            [codes] = [row for name, row in said.items() if name.startswith(begin)]
            assert tongue.codes.objections[objection] in codes
        assert said["no such login, or wrong secret"] == {tongue.dialect.codes.bad_proof}
        assert said["wrong address"] == {tongue.codes.address}
        assert said["one too many"] == {tongue.codes.crowded}
        assert said["over the rate or the window"] == {tongue.dialect.codes.flow_control}
