"""Explanations: every octet of every kind of PDU, in every dialect, and of broken ones what can be
read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import cmpp, cmpp_tables, sgip, sgip_tables, smgp, smgp_tables, smpp, smpp_tables
from assent.wire.explain import DIALECTS, Explained, Note, explain, explain_all
from assent.wire.explain_notes import date_time, fen, moment, stamp
from tests.wire import smpp_vectors, test_sgip_vectors, test_smgp_vectors, vectors
from tests.wire.fuzz.checks import check_explanation

_OF_CMPP = [
    (f"cmpp{v.version >> 4}", v.name, v.octets, cmpp.decode(v.octets, v.version))
    for v in vectors.VECTORS
]
_OF_OTHERS = [
    *(("sgip", v.name, v.octets, sgip.decode(v.octets)) for v in test_sgip_vectors.VECTORS),
    *(
        ("smgp", v.name, v.octets, smgp.decode(v.octets, v.version))
        for v in test_smgp_vectors.VECTORS
    ),
    *(("smpp", v.name, v.octets, smpp.decode(v.octets)) for v in smpp_vectors.VECTORS),
]
ALL: list[tuple[str, str, bytes, Any]] = [*_OF_CMPP, *_OF_OTHERS]
NAMED = {name: (dialect, octets) for dialect, name, octets, _ in ALL}


def said(explained: Explained, group: str = "") -> dict[str, Note]:
    return {note.name: note for note in explained.notes if note.group in (group, "header")}


def of(name: str) -> Explained:
    return explain(*NAMED[name])


@pytest.mark.parametrize(("dialect", "name", "octets", "pdu"), ALL, ids=[row[1] for row in ALL])
def test_every_octet_is_explained(dialect: str, name: str, octets: bytes, pdu: Any) -> None:
    explained = explain(dialect, octets)
    assert explained.fault is None
    assert explained.octets == len(octets)
    at = 0
    for note in explained.notes:
        assert note.clause
        if note.group != "report":
            assert note.at == at
            at += note.size
    assert at == len(octets)
    fields = explained.fields()
    assert fields.pop("command_status", 0) == getattr(pdu, "status", 0)
    fields.pop("report", None)
    tlvs = fields.pop("tlvs", {})
    assert bool(tlvs) == bool(pdu.fields.get("tlvs"))
    expected = {k for k in pdu.fields if k != "tlvs"}
    assert set(fields) - {"message_id"} == expected - {"message_id"}
    for key, value in fields.items():
        if isinstance(value, str | int) and key in pdu.fields:
            whole = pdu.fields[key]
            assert value == (whole.hex() if isinstance(whole, bytes) else whole)


@pytest.mark.parametrize(("dialect", "name", "octets", "pdu"), ALL, ids=[row[1] for row in ALL])
def test_of_a_cut_pdu_is_explained_what_is_left(
    dialect: str, name: str, octets: bytes, pdu: Any
) -> None:
    whole = explain(dialect, octets).notes
    if dialect == "smgp" and pdu.command == 2 and "fixed_fee" not in pdu.fields:
        whole = whole[:3]  # a Submit of 1.3 is known by its whole length only
    header = {"sgip": 20, "smpp": 16}.get(dialect, 12)
    for size in range(0, len(octets), 7):
        cut = explain(dialect, octets[:size])
        assert cut.fault is not None
        assert cut.fault.at == (0 if size >= header else size)
        if dialect != "smpp" or size > header:  # an answer of a bare header is read as one
            ends = [n for n in whole if n.group != "report" and n.at + n.size <= size]
            kept = [n for n in cut.notes if n.group != "report"]
            assert len(kept) >= len(ends) * (size >= header)
            assert all(a[:4] == b[:4] for a, b in zip(ends, kept, strict=False))


_COMMANDS = {
    "cmpp": cmpp_tables.LAYOUTS[3],
    "sgip": sgip_tables.LAYOUTS,
    "smgp": smgp_tables.LAYOUTS[3],
    "smpp": smpp_tables.LAYOUTS,
}


@pytest.mark.parametrize("dialect", _COMMANDS)
@given(data=st.data())
def test_faults_are_found_where_decoding_finds_them(dialect: str, data: st.DataObject) -> None:
    command = data.draw(st.sampled_from([*_COMMANDS[dialect], 0x77]))
    body = data.draw(st.one_of(st.binary(max_size=200), st.text("\0\1a", max_size=90)))
    octets = body if isinstance(body, bytes) else body.encode()
    check_explanation(dialect, (8 + len(octets)).to_bytes(4, "big") + command.to_bytes(4, "big")
                      + octets)  # fmt: skip


def test_every_field_of_cmpp_has_a_clause_of_its_own() -> None:
    for layouts in cmpp_tables.LAYOUTS.values():
        for command, layout in layouts.items():
            notes = cmpp_tables.NOTES[command]
            clauses = [notes[field.name].clause for field in layout.fields]
            assert len(set(clauses)) == len(clauses)
    assert cmpp_tables.NOTES[cmpp_tables.SUBMIT]["src_id"] == ("Src_Id", "1.7, field 18")
    assert cmpp_tables.NOTES[cmpp_tables.DELIVER]["source"] == ("Src_terminal_Id", "1.9, field 7")
    assert cmpp_tables.REPORT_NOTES["stat"] == ("Stat", "1.9, report, field 2")


# --- what it says


def test_cmpp() -> None:
    submit = of("cmpp3_submit_long_1of2")
    assert (submit.command, submit.sequence, submit.segment) == ("SUBMIT", 0x20, (0x2E, 2, 1))
    assert submit.text == vectors.LONG_TEXT[:67]
    notes = said(submit)
    assert notes["fmt"].meaning == "UCS-2"
    assert (notes["src_id"].title, notes["src_id"].at, notes["src_id"].size) == ("Src_Id", 119, 21)
    assert (notes["fee_code"].meaning, notes["registered"].meaning) == ("10 fen", "report")
    assert of("cmpp2_submit_gbk").text == "【安信】您的验证码123456"
    answer = said(of("cmpp3_submit_resp"))
    assert answer["message_id"].meaning == "11-05 14:29:42, gateway 1, sequence 0"
    assert answer["result"].meaning == "accepted; accepted"
    report = of("cmpp3_deliver_report")
    assert (report.text, report.segment) == (None, None)
    assert report.fields()["report"]["stat"] == "DELIVRD"
    inside = said(report, "report")
    assert inside["stat"].meaning == "delivered"
    assert inside["submit_time"].meaning == "2015-11-12 09:55"
    assert said(of("cmpp_connect_v21"))["timestamp"].meaning == "10-21 08:05:10"
    for name, octets in (("cmpp2_submit_resp", "cmpp3"), ("cmpp3_submit_resp", "cmpp2")):
        assert explain(octets, NAMED[name][1]).fault is not None


@pytest.mark.parametrize(
    ("stat", "meaning"),
    [
        ("MB:0069", "SMSC answered with an error, failed"),
        ("MBBLACK", "a code of the carrier, failed"),
        ("ACCEPTD", "accepted, on its way, intermediate"),
    ],
)
def test_stats_of_cmpp(stat: str, meaning: str) -> None:
    report = cmpp.read_report(vectors.REPORT_71, 0, 71)._replace(stat=stat)
    body = cmpp.report_body(cmpp.V30, report, deliver_id=1, service_number="1069")
    octets = (12 + len(body)).to_bytes(4, "big") + bytes.fromhex("0000000500000001") + body
    assert said(explain("cmpp3", octets), "report")["stat"].meaning == meaning


def test_sgip() -> None:
    submit = of("sgip_submit_gbk")
    assert submit.sequence == [3021012345, 1120203225, 1]
    notes = said(submit)
    assert notes["sequence"].meaning == "node 3021012345, 11-20 20:32:25, counter 1"
    assert (notes["fee_terminal"].meaning, notes["report_flag"].meaning) == (
        "the SP pays",
        "report",
    )
    failed = sgip.report_body(submit_sequence=1, user_number="86", state=2, error_code=29)
    octets = (20 + len(failed)).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes(12) + failed
    notes = said(explain("sgip", octets))
    assert (notes["state"].meaning, notes["error_code"].meaning) == ("failed", "unknown user")
    bind = sgip.encode(sgip.Pdu(0x80000001, 1, {"result": 3}))
    assert said(explain("sgip", bind))["result"].meaning.startswith("too many connections")
    trace = sgip.Pdu(0x80001000, 1, {"nodes": [{"node": "a", "result": 1}, {"node": "b"}]})
    explained = explain("sgip", sgip.encode(trace))
    assert [row["node"] for row in explained.fields()["nodes"]] == ["a", "b"]
    assert explained.notes[4].meaning == "waiting"


def test_smgp() -> None:
    report = next(v for v in test_smgp_vectors.VECTORS if v.fields.get("is_report") == 1)
    explained = explain("smgp", report.octets)
    assert explained.text is None
    inside = said(explained, "report")
    for note in inside.values():
        octets = report.octets[note.at : note.at + note.size]
        assert note.group == "header" or octets in (note.value, str(note.value).encode())
    assert inside["message_id"].meaning == "gateway 010061, 01-16 17:00, sequence 12345"
    form = smgp.SmgpForm(smgp.V30, src_id="1069")
    body = form.body(b"13300001111", b"\5\0\3\7\2\1hi", 15, 1, 2, 1)
    octets = (12 + len(body)).to_bytes(4, "big") + bytes.fromhex("0000000200000001") + body
    explained = explain("smgp", octets)
    assert (explained.text, explained.segment) == ("hi", (7, 2, 1))
    assert explained.fields()["tlvs"] == {"tp_pid": 0, "udhi": 1, "pk_total": 2, "pk_number": 1}
    old = smgp.encode(smgp.Pdu(2, 1, {"content": b"hi", "fmt": 15}), smgp.V13)
    assert explain("smgp", old).text == "hi"
    assert "fixed_fee" not in explain("smgp", old).fields()
    twice = smgp.encode(smgp.Pdu(2, 1, {"tlvs": [(2, b"\0"), (2, b"\1"), (2, b"\1\1"), (9, b"")]}))
    tlvs = explain("smgp", twice).fields()["tlvs"]
    assert tlvs == {"udhi": [0, 1], "0x0002": "0101", "0x0009": ""}


def _smpp(fields: dict[str, Any], command: int = 4) -> Explained:
    return explain("smpp", smpp.encode(smpp.Pdu(command, 1, fields)))


def test_smpp() -> None:
    receipt = of("smpp_deliver_sm_dlr")
    assert receipt.fields()["report"]["message_id"] == "A1527684"
    assert receipt.fields()["tlvs"]["message_state"] == 2
    sar = [(0x20C, b"\1\2"), (0x20E, b"\3"), (0x20F, b"\2")]
    explained = _smpp({"short_message": "你😀".encode("utf-16-be"), "data_coding": 8, "tlvs": sar})
    assert (explained.text, explained.segment) == ("你😀", (0x102, 3, 2))
    payload = _smpp({"data_coding": 3, "tlvs": [(0x424, b"caf\xe9")]}, 0x103)
    assert (payload.text, payload.segment) == ("café", None)
    header = {"short_message": b"\6\x08\4\1\2\2\1\x1b\x65", "esm_class": 0x40}
    explained = _smpp(header)
    assert (explained.text, explained.segment) == ("€", (0x102, 2, 1))
    assert _smpp({"short_message": b"\x09\0", "esm_class": 0x40}).text is None
    assert _smpp({"short_message": b"\1", "data_coding": 4}).text is None
    assert _smpp({"short_message": b"x", "tlvs": [(0x20C, b"\1\2"), (0x20E, b"\0"),
                                                  (0x20F, b"\0")]}).segment is None  # fmt: skip
    refused = explain("smpp", bytes.fromhex("00000010800000040000005800000003"))
    assert refused.fields() == {"command_status": 0x58}
    assert said(refused)["command_status"].meaning == "RTHROTTLED: over the allowed rate; throttled"
    several = _smpp({"destinations": [("86", 1, 1, 1), ("list", 0, 0, 2)]}, 0x21)
    assert several.fields()["destinations"][0] == {"address": "86", "ton": 1, "npi": 1, "flag": 1}


# --- several, and faults


def test_pdus_in_a_row() -> None:
    name = "cmpp3_submit_resp"
    octets = NAMED[name][1]
    assert [one.sequence for one in explain_all("cmpp3", octets * 3)] == [0x17] * 3
    *good, bad = explain_all("cmpp3", octets * 2 + octets[:-1])
    assert len(good) == 2
    assert bad.fault == (0, "the length field says 24 octets, there are 23")
    assert [note.name for note in bad.notes][-1] == "message_id"
    [short] = explain_all("cmpp3", b"\0\0")
    assert short.fault == (2, "a header has 12 octets, there are 2")
    assert list(explain_all("cmpp3", b"")) == []


def test_faults_say_where() -> None:
    octets = bytearray(NAMED["cmpp3_submit"][1])
    octets[140] = 200  # DestUsr_tl
    fault = explain("cmpp3", bytes(octets)).fault
    assert fault is not None
    assert (fault.at, fault.why.split(":")[0]) == (141, "destination_count does not fit")
    unknown = explain("cmpp3", bytes.fromhex("0000000c0000000900000001"))
    assert unknown.fault == (4, "no table for command FWD")
    assert explain("sgip", bytes.fromhex("00000014000000770000000000000000000000ff")).fault == (
        4,
        "no table for command 0x00000077",
    )
    more = explain("cmpp3", bytes.fromhex("0000000d000000080000000100"))
    assert more.fault == (12, "1 octets more than the table has")
    with pytest.raises(LocalProtocolError):
        explain("ucp", b"")
    assert set(DIALECTS) == {"cmpp2", "cmpp3", "sgip", "smgp", "smpp"}


def test_times_and_prices() -> None:
    assert moment("151105131555032+") == "2015-11-05 13:15:55 UTC+08:00"
    assert moment("151105131555101+") == "2015-11-05 13:15:55 UTC+00:15"
    assert moment("000002000000000R") == "after 00y 00m 02d 00:00:00"
    assert (moment(""), moment("tomorrow"), moment("x" * 16)) == ("not set", "no time", "no time")
    assert date_time("20260102030405") == "2026-01-02 03:04:05"
    assert (date_time(""), date_time("26"), date_time("261301x304")) == ("", "no time", "no time")
    assert (stamp(102030405), stamp(1 << 32)) == ("01-02 03:04:05", "42-94 96:72:96")
    assert (fen("000010"), fen("x")) == ("10 fen", "")
