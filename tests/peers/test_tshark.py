"""tshark reads what we write: no malformed packet, and the values that our decoder tells.

Every PDU type of CMPP 3.0 and of SMPP, from the vectors and from recorded traffic. Not compared is
what tshark (4.0) does not show or shows wrongly: bodies of CMPP's QUERY and CANCEL, digests and
contents of CMPP, the ISMG code inside Msg_Id; bodies of SMPP's answers with a status.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from assent.cli import app
from assent.wire import cmpp_tables, smpp_tables, smpp_tlvs
from tests.carrier.conftest import ACCESS, Flow, Rig, until
from tests.carrier.gateway import DialectFlow
from tests.peers.pcap import write_capture
from tests.wire import smpp_vectors, vectors

pytestmark = pytest.mark.peer("tshark")

PORTS: Final = {"cmpp": 7890, "smpp": 2775}
OURS: Final = {"cmpp": "cmpp3", "smpp": "smpp"}
Said = dict[str, Any]


def dissect(path: Path, dialect: str) -> list[Said]:
    """What tshark makes of a capture, PDU by PDU. Fails where it finds anything wrong."""
    port = PORTS[dialect]
    command = ["tshark", "-r", str(path), "-d", f"tcp.port=={port},{dialect}", "-T", "json"]
    told = subprocess.run([*command, "--no-duplicate-keys"], capture_output=True, check=True)
    found: list[Said] = []
    for packet in json.loads(told.stdout):
        layers = packet["_source"]["layers"]
        assert "_ws.malformed" not in layers, layers
        assert "_ws.expert" not in json.dumps(layers.get(dialect, {})), layers[dialect]
        pdus = layers.get(dialect, [])
        found += pdus if isinstance(pdus, list) else [pdus]
    return found


def decode(dialect: str, pdus: Iterable[bytes]) -> list[Said]:
    """What `assent pdu decode --json` says of them."""
    octets = b"".join(pdus).hex()
    told = CliRunner().invoke(
        app, ["pdu", "decode", "--dialect", OURS[dialect], "--json", "-"], input=octets
    )
    assert told.exit_code == 0, told.output
    return [json.loads(line) for line in told.stdout.splitlines()]


def number(text: str) -> int:
    return int(text, 0)


def text_of(text: str) -> str:
    return "" if text == "(Default)" else text


# --- CMPP: our name of a field, tshark's, and how tshark's value is read

CMPP: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "user": ("connect.Source_Addr", str),
    "version": ("Version", lambda shown: int(shown[:2]) << 4 | int(shown[3:])),
    "timestamp": ("connect.Timestamp", lambda shown: int("".join(filter(str.isdigit, shown)))),
    "status": ("connect_resp.Status", number),
    "message_id": ("Msg_Id", number),
    "pk_total": ("submit.Pk_total", number),
    "pk_number": ("submit.Pk_number", number),
    "registered": ("submit.Registered_Delivery", number),
    "level": ("submit.Msg_level", number),
    "service_id": ("Servicd_Id", str),
    "fee_user_type": ("submit.Fee_UserType", number),
    "fee_terminal": ("submit.Fee_terminal_Id", str),
    "fee_terminal_type": ("submit.Fee_terminal_type", number),
    "tp_pid": ("TP_pId", number),
    "udhi": ("TP_udhi", number),
    "fmt": ("Msg_Fmt", number),
    "msg_src": ("submit.Msg_src", str),
    "fee_type": ("submit.FeeType", str),
    "fee_code": ("submit.FeeCode", str),
    "valid_time": ("submit.Valld_Time", str),
    "at_time": ("submit.At_time", str),
    "src_id": ("submit.Src_Id", str),
    "destination_count": ("submit.DestUsr_tl", number),
    "destination_type": ("submit.Dest_terminal_type", number),
    "length": ("Msg_Length", number),
    "reserve": ("LinkID", lambda shown: shown.encode().hex().ljust(40, "0")),
    "destination": ("deliver.Dest_Id", str),
    "source": ("deliver.Src_terminal_Id", str),
    "source_type": ("deliver.Src_terminal_type", number),
    "is_report": ("deliver.Registered_Delivery", number),
}
REPORT: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "message_id": ("Msg_Id", number),
    "stat": ("deliver.Report.Status", str),
    "submit_time": ("deliver.Report.Submit_time", str),
    "done_time": ("deliver.Report.Done_time", str),
    "destination": ("Dest_terminal_Id", str),
    "smsc_sequence": ("Report.SMSC_sequence", number),
}
CMPP_UNSEEN: Final = {"authenticator", "content"}
NO_BODY: Final = {"QUERY", "QUERY_RESP", "CANCEL", "CANCEL_RESP", "ACTIVE_TEST_RESP"}


def compare_cmpp(ours: Said, theirs: Said) -> int:
    """Compare one PDU; return how many values of its body were."""
    assert number(theirs["cmpp.Sequence_Id"]) == ours["sequence"]
    if ours["command"] in NO_BODY:
        return 0
    fields = dict(ours["fields"])
    report = fields.pop("report", None)
    names = dict(CMPP)
    if "result" in fields:
        kind = "submit" if ours["command"].startswith("SUBMIT") else "deliver"
        names["result"] = (f"{kind}_resp.Result", number)
    compared = _compare_named(fields, theirs, names)
    if "destinations" in fields:
        told = theirs["cmpp.Dest_terminal_Id"]
        assert (told if isinstance(told, list) else [told]) == fields["destinations"]
    if "message_id" in fields:
        _compare_id(fields["message_id"], theirs["cmpp.Msg_Id_tree"])
    if report is not None:
        compared += _compare_named(report, theirs["cmpp.deliver.Report"], REPORT)
    return compared


def _compare_named(
    fields: Said, theirs: Said, names: dict[str, tuple[str, Callable[[str], Any]]]
) -> int:
    seen = {name for name in fields if name not in CMPP_UNSEEN | {"destinations"}}
    assert seen <= set(names), seen - set(names)
    for name in seen:
        theirs_name, read = names[name]
        assert read(theirs[f"cmpp.{theirs_name}"]) == fields[name], name
    return len(seen)


def _compare_id(message_id: int, parts: Said) -> None:
    """Month, day, time and sequence of a Msg_Id; not the ISMG code."""
    places = ((60, 4), (55, 5), (50, 5), (44, 6), (38, 6))
    month, day, hour, minute, second = (message_id >> at & (1 << n) - 1 for at, n in places)
    stamp = f"{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}"
    assert parts["cmpp.Msg_Id.timestamp"] == stamp
    assert number(parts["cmpp.Msg_Id.sequence_id"]) == message_id & 0xFFFF


# --- SMPP: names are the specification's on both sides

BITS: Final = {
    "esm_class": (("esm.submit.msg_mode", 0), ("esm.submit.msg_type", 2),
                  ("esm.submit.features", 6)),
    "registered_delivery": (("regdel.receipt", 0), ("regdel.acks", 2), ("regdel.notif", 4)),
}  # fmt: skip
TIMES: Final = ("schedule_delivery_time", "validity_period", "final_date")
LISTED: Final = ("destinations", "unsuccess_sme")
EMPTY: Final = ("system_type", "address_range", "message_id", "source_addr", "destination_addr",
                "short_message", "service_type", "system_id", "esme_addr")  # fmt: skip
OTHERWISE: Final = {"sc_interface_version": "SC_interface_version"}
OCTETS: Final = {"message_payload"}


def compare_smpp(ours: Said, theirs: Said) -> int:
    """Compare one PDU; return how many values of its body were."""
    assert number(theirs["smpp.sequence_number"]) == ours["sequence"]
    fields = dict(ours["fields"])
    status = fields.pop("command_status")
    fields.pop("report", None)  # tshark leaves a receipt's text as it is
    assert number(theirs.get("smpp.command_status", "0")) == status
    compared = 1
    for name, value in fields.items() if not status else ():
        if name == "tlvs":
            _compare_tlvs(value, theirs)
        elif name in LISTED:
            _compare_list(value, theirs["smpp.dlist" if name == LISTED[0] else "smpp.dlist_resp"])
        elif name in BITS:
            told = sum(number(theirs[f"smpp.{part}"]) << at for part, at in BITS[name])
            assert told == value, name
        elif name in TIMES:
            _compare_time(value, theirs, f"smpp.{name}")
        elif name == "short_message":
            assert theirs.get("smpp.message", "").replace(":", "") == value
        elif isinstance(value, int):
            # What counts a list has no name of its own in tshark.
            if f"smpp.{name}" in theirs or name not in ("number_of_dests", "no_unsuccess"):
                assert number(theirs[f"smpp.{name}"]) == value, name
        else:
            shown = theirs.get(f"smpp.{name}", "" if name in EMPTY else None)
            assert text_of(shown) == value, name
        compared += 1
    return compared


def _compare_tlvs(tlvs: Said, theirs: Said) -> None:
    shown = theirs.get("smpp.opt_params", {}).get("smpp.opt_param", [])
    shown = shown if isinstance(shown, list) else [shown]
    by_tag = {number(one["smpp.opt_param_tag"]): one for one in shown}
    assert len(by_tag) == len(tlvs)
    for name, value in tlvs.items():
        kind = smpp_tlvs.BY_NAME.get(name)
        if kind is None:
            continue
        told = by_tag[kind.tag].get(f"smpp.{OTHERWISE.get(name, name)}")
        if told is None:  # shown in parts of tshark's own
            continue
        if isinstance(value, int):
            assert number(told) == value, name
        else:
            assert told.replace(":", "") if name in OCTETS else told == value, name


def _compare_list(rows: Sequence[Said], theirs: Said) -> None:
    """Addresses and names, whatever else a row has."""

    def several(name: str) -> list[str]:
        told = theirs.get(f"smpp.{name}", [])
        return told if isinstance(told, list) else [told]

    shown = sorted(several("destination_addr") + several("dl_name"))
    assert sorted(row["address"] for row in rows) == shown
    statuses = [row["status"] for row in rows if "status" in row]
    assert [number(one) for one in several("error_status_code")] == statuses


def _compare_time(value: str, theirs: Said, name: str) -> None:
    relative = theirs.get(f"{name}_r")
    if not value:  # of submit_multi tshark calls both times the same
        shown_as = relative if isinstance(relative, list) else [relative]
        assert all(one is None or float(one) == 0 for one in shown_as)
    elif value.endswith("R"):
        days, hours, minutes, seconds = (int(value[at : at + 2]) for at in (4, 6, 8, 10))
        assert float(relative or -1) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    else:
        local = datetime.strptime(f"{value[:12]}+0000", "%y%m%d%H%M%S%z")
        quarters = int(value[13:15]) * (1 if value[15] == "+" else -1)
        shown = f"{local - timedelta(minutes=15 * quarters):%b %d, %Y %H:%M:%S}"
        assert theirs[name] == f"{shown}.000000000 UTC"


COMPARE: Final = {"cmpp": compare_cmpp, "smpp": compare_smpp}


def check(dialect: str, path: Path, writes: Sequence[tuple[bool, bytes]], pdus: list[bytes]) -> int:
    """Let both read a capture and compare; return how many values agreed."""
    write_capture(path, PORTS[dialect], writes)
    theirs, ours = dissect(path, dialect), decode(dialect, pdus)
    assert len(theirs) == len(ours) == len(pdus)
    compared = 0
    for one, other in zip(ours, theirs, strict=True):
        compared += COMPARE[dialect](one, other)
    return compared


VECTORS: Final = {
    "cmpp": [one for one in vectors.VECTORS if one.version == 0x30],
    "smpp": list(smpp_vectors.VECTORS),
}
COMMANDS: Final = {
    "cmpp": set(cmpp_tables.LAYOUTS[3]),
    "smpp": set(smpp_tables.LAYOUTS),
}


@pytest.mark.parametrize("dialect", PORTS)
def test_every_pdu_type_says_the_same(dialect: str, tmp_path: Path) -> None:
    some = VECTORS[dialect]
    assert {one.command for one in some} == COMMANDS[dialect]
    writes = [(not one.command >> 31, one.octets) for one in some]
    compared = check(dialect, tmp_path / "a.pcap", writes, [octets for _, octets in writes])
    assert compared > 80


@pytest.mark.parametrize("dialect", PORTS)
def test_segments_that_end_inside_pdus_are_put_together(dialect: str, tmp_path: Path) -> None:
    """tshark wants a header whole, so the cuts are in the bodies."""
    pdus = [one.octets for one in VECTORS[dialect]]
    stream, cuts, at = b"".join(pdus), [0], 0
    for pdu in pdus:
        if len(pdu) > 60:
            cuts.append(at + len(pdu) * 2 // 3)
        at += len(pdu)
    cuts.append(len(stream))
    writes = [(True, stream[start:end]) for start, end in pairwise(cuts)]
    check(dialect, tmp_path / "a.pcap", writes, pdus)


@pytest.mark.parametrize("dialect", PORTS)
async def test_recorded_traffic_says_the_same(rig: Rig, dialect: str, tmp_path: Path) -> None:
    """A link, messages, long ones, receipts, refusals, replies, heartbeats, the end."""
    script = {"answers": {"refusals": [{"code": 9, "numbers": "3$"}]}}
    carrier = await rig.carrier(script, dialect=dialect)
    rig.flow = flow = DialectFlow() if dialect == "smpp" else Flow()
    pool = rig.pool(carrier.port, dialect=dialect, heartbeat_s=0.3)
    await rig.bound(pool)
    if isinstance(flow, DialectFlow):
        flow.want(6)
    else:
        flow.add("【安信】" + "您好😀" * 40, count=6)
    pool.kick()
    await until(lambda: flow.taken and flow.settled())
    carrier.send_mo("8613800138000", ACCESS, "请不要再给我发了😀" * 12)
    await until(lambda: not carrier.status()["unacknowledged"])
    heartbeat = {"cmpp": "ACTIVE_TEST_RESP", "smpp": "enquire_link_resp"}[dialect]
    await until(lambda: any(one["command"] == heartbeat for one in rig.records()))
    assert await pool.drain(5.0)
    records = rig.records()
    writes = [(one["direction"] == "in", bytes.fromhex(one["raw"])) for one in records]
    assert check(dialect, tmp_path / "a.pcap", writes, [octets for _, octets in writes]) > 150
