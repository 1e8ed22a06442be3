"""Packing and unpacking SMPP PDUs, against smpplib: the same values, the same octets.

Both sides make a PDU of plain values and read it back into them; turns alternate, and the ratio is
the median over the pairs. smpplib is a dependency of development only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from smpplib import smpp as theirs

from assent.wire.smpp import Pdu, SmppForm, decode, encode
from assent.wire.smpp_codec import HEADER
from assent.wire.smpp_dialect import SMPP
from assent.wire.smpp_tables import ANSWER, DELIVER_SM, SUBMIT_SM, V34

TEXT: Final = ("【华联超市】周末全场八折，会员再减二十元，" * 4)[:70].encode("utf-16-be")
RECEIPT: Final = (
    b"id:123456789 sub:001 dlvrd:001 submit date:2611221030 done date:2611221031"
    b" stat:DELIVRD err:000 text:"
)
_HEADER_OCTETS: Final = 16
_MESSAGE: Final[dict[str, Any]] = {
    "source_addr_ton": 1,
    "source_addr_npi": 1,
    "source_addr": "106900011",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": "8613900000007",
}

VALUES: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "submit_sm": (
        SUBMIT_SM,
        {**_MESSAGE, "registered_delivery": 1, "data_coding": 8, "short_message": TEXT},
    ),
    "submit_sm_resp": (SUBMIT_SM | ANSWER, {"message_id": "123456789"}),
    "deliver_sm": (DELIVER_SM, {**_MESSAGE, "esm_class": 4, "short_message": RECEIPT}),
}
"""What each PDU holds, by the names that both sides have."""


class _NoClient:
    """smpplib takes sequence numbers from a client."""

    sequence = 0

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence


def smpplib_turn(name: str) -> Callable[[int], bytes]:
    """One PDU there and back with smpplib; returns its octets."""
    client, values = _NoClient(), VALUES[name][1]

    def turn(sequence: int) -> bytes:
        client.sequence = sequence - 1
        made = theirs.make_pdu(name, client=client, **values)
        made.sequence = sequence
        octets: bytes = made.generate()
        theirs.parse_pdu(octets, client=client, allow_unknown_opt_params=True)
        return octets

    return turn


def table_turn(name: str) -> Callable[[int], bytes]:
    """The same with our tables, which read and write every command."""
    command, values = VALUES[name]

    def turn(sequence: int) -> bytes:
        octets = encode(Pdu(command, sequence, values))
        decode(octets)
        return octets

    return turn


def link_turn(name: str) -> Callable[[int], bytes]:
    """The same as links do it, with what messages have in common encoded once."""
    command, values = VALUES[name]
    codec = SMPP.codec(V34)
    form = SmppForm(V34, src_id=values.get("source_addr", ""))

    def submit(sequence: int) -> bytes:
        body = form.body(b"8613900000007", TEXT, 8)
        octets = HEADER.pack(_HEADER_OCTETS + len(body), command, 0, sequence) + body
        read = codec.read_submit(octets, 0, len(octets), sequence)
        assert read.content is not None
        assert read.destinations
        return octets

    def answer(sequence: int) -> bytes:
        octets = codec.answers(command, [sequence], [123456789], [0])
        codec.read_answer(octets, 0, len(octets), sequence)
        return octets

    return {"submit_sm": submit, "submit_sm_resp": answer}[name]


def _per_s(turn: Callable[[int], bytes], count: int) -> float:
    begin = time.perf_counter()
    for sequence in range(1, count + 1):
        turn(sequence)
    return count / (time.perf_counter() - begin)


def run(count: int = 20_000, pairs: int = 5) -> dict[str, Any]:
    """Measure each PDU in turns; medians."""
    result: dict[str, Any] = {}
    for name in VALUES:
        kinds = {"table": table_turn(name)}
        if name != "deliver_sm":
            kinds["link"] = link_turn(name)
        base = smpplib_turn(name)
        wanted = base(7)
        for kind, turn in kinds.items():
            assert turn(7) == wanted, f"{name} as {kind}: other octets than smpplib's"
            rates = [(_per_s(base, count), _per_s(turn, count)) for _ in range(pairs)]
            result[f"{name}, {kind}"] = {
                "ratio": round(median(ours / other for other, ours in rates), 2),
                "ratios": [round(ours / other, 2) for other, ours in rates],
                "ours_per_s": round(median(ours for _, ours in rates)),
                "smpplib_per_s": round(median(other for other, _ in rates)),
            }
    return result
