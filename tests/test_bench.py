"""The benchmarks work: each in its tiny form. Nothing here looks at how quick they are."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.wire import smpp
from assent.wire.cmpp import Pdu, decode, encode
from bench import bare, screening_scores, smpp_bare
from bench.report import GOALS, lines
from bench.rows import binary
from bench.world import msisdns

ROOT = Path(__file__).parents[1]


def figures(name: str, *more: str) -> dict[str, Any]:
    """Run a benchmark as a person would and return its figures."""
    path = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--quick", "--json", *more],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["machine"]["cores"]
    assert lines(name, found[name])[0] == name
    part: dict[str, Any] = found[name]
    return part


def test_wire() -> None:
    found = figures("wire")
    assert len(found) == 4
    for one in found.values():
        assert one["link_per_s"] > 0
        assert one["bare_per_s"] > 0
        assert one["ratio"] > 0


def test_codec() -> None:
    pytest.importorskip("smpplib")
    found = figures("codec")
    assert {name.partition(",")[0] for name in found} == {
        "submit_sm", "submit_sm_resp", "deliver_sm",
    }  # fmt: skip
    for one in found.values():
        assert one["ours_per_s"] > 0
        assert one["smpplib_per_s"] > 0
        assert one["ratio"] > 0


def test_copy() -> None:
    found = figures("copy")
    assert found["path per_s"] > 0
    assert found["ratio to raw batches"] > 0
    assert found["ratio to raw rows"] > 0


def test_decisions() -> None:
    found = figures("decisions")
    assert 0 < found["allowed"] < found["people"]
    assert found["per_s"] > 0


def test_standing() -> None:
    found = figures("standing")
    memory, stored = found["in memory"], found["from PostgreSQL"]
    assert memory["consents"] == 200_000
    assert memory["fill_s"] > 0
    assert stored["consents"] == 100_000  # and the run itself counts that everybody is there
    assert stored["load_s"] > 0
    assert stored["ratio"] > 0


def test_rollups() -> None:
    found = figures("rollups")
    assert found["history"]["events"] == 200_000
    assert found["history"]["events_a_second"] > 0
    assert found["history"]["ratio_to_scan"] > 0
    assert found["live"]["messages"] == 20_000
    assert found["live"]["messages_a_second"] > 0


def test_written() -> None:
    found = figures("written")
    assert found["messages"] == 20_000
    assert found["by_segments"]["median_ms"] > 0
    assert found["batch_by_batch"]["median_ms"] > 0


def test_road() -> None:
    found = figures("road")
    database = found["database"]
    assert database["fsync"] == "on"
    assert database["refusals"] == 900
    assert database["queued"] == 0
    assert found["messages"] > 0
    assert found["rejected"] == found["orders"] * 5
    assert sum(one["submits"] for one in found["carriers"].values()) == found["messages"]
    assert set(found["cpu_us_per_message"]) >= {"front", "bulk", "postgres", "carriers"}
    assert found["memory_mb"]["bulk"] > 0


def test_refusals() -> None:
    found = figures("refusals")
    assert found["refusals"] > 0
    assert found["messages"] > 0
    assert found["messages_after_the_commit"] <= found["messages_after_the_word"]


def test_links() -> None:
    found = figures("links")
    assert list(found) == [
        "one link, window 16",
        "one link, window 50",
        "4 links, window 16",
        "4 links, window 50",
    ]
    for one in found.values():
        assert one["links_per_s"] > 0
        assert one["bare_per_s"] > 0
        assert one["ratio"] > 0


def test_customers() -> None:
    """It fails by itself where anything was refused, lost or told twice."""
    found = figures("customers")
    assert len(found) == 3
    for one in found.values():
        assert one["submits_per_s"] > 0
        assert 0 < one["ratio"] < 1
        assert 0 < one["answer_ms_p50"] <= one["answer_ms_p99"]
        assert set(one["cpu_us_per_message"]) >= {"front", "bulk", "postgres", "customer"}


def test_gateways() -> None:
    """Peers that are not installed are left out; ours is always there."""
    found = figures("gateways")
    assert found["road_per_s"] > 0
    assert found["ours"]["delivered_per_s"] > 0
    for name in ("Kannel", "Jasmin"):
        if isinstance(found[name], str):
            assert found[name].startswith("left out: ")
        else:
            assert found[name]["delivered_per_s"] > 0
            assert found[f"ours_to_{name}"] > 0
            assert found[f"road_to_{name}"] > 0


def test_admission() -> None:
    found = figures("admission")
    assert found["cuts"] == 2
    assert found["messages"] > 0
    assert 0 <= found["lag_ms_p50"] <= found["lag_ms_max"]
    assert found["verified"] is True
    assert found["verify_s"] > 0
    assert sum(found["counted"].values()) > 0


def test_codes() -> None:
    found = figures("codes")
    for part in ("alone", "within campaigns", "within orders"):
        assert found[part]["codes"] > 0
        assert found[part]["never_arrived"] == 0
        assert 0 < found[part]["wire_ms_p50"] <= found[part]["wire_ms_p99"]


def test_screening() -> None:
    pytest.importorskip("ahocorasick")
    found = figures("screening")
    speed, peers = found["speed"], found["peers"]
    assert speed["single_p99_ms"] >= speed["single_p50_ms"] > 0
    assert min(speed["one_process_per_s"], speed["two_processes_per_s"]) > 0
    assert speed["seen_before_per_s"] > speed["one_process_per_s"]
    assert min(peers["tfidf_svm_per_s"], peers["words_per_s"], peers["pyahocorasick_per_s"]) > 0
    assert set(found["right"]) <= set(screening_scores.SETS)


def test_shares_come_with_an_interval_that_holds_them() -> None:
    assert screening_scores.interval(0, 100) == "0.0000 [0.0000, 0.0370]"
    assert screening_scores.interval(50, 100) == "0.5000 [0.4038, 0.5962]"


def test_replay() -> None:
    found = figures("replay")
    same, other = found["same_rulebook"], found["another_rulebook"]
    assert same["decisions"] == same["verified"] == same["same"] == 18_300
    assert (same["differ"], other["differ"]) == (0, 0)
    assert (other["stricter"], other["laxer"], other["unknown"]) == (300, 0, 0)
    assert (found["examine"]["messages"], found["examine"]["listed"]) == (6_300, 0)


def test_near() -> None:
    found = figures("near")
    assert found["alone"]["indexed_and_queried_per_s"] > 0
    assert 296 < found["20,000 texts"]["octets_a_text"] <= 320
    if not found["labels"]:
        pytest.skip("the labelled messages are not here")
    for language in ("zh", "en"):
        one = found[f"accuracy {language}"]
        assert one["answers right"] > 0.9
        assert one["pairs connected"] > 0.85


def test_warning() -> None:
    found = figures("warning")
    assert found["honest"]["senders"] == 60
    assert found["villains"]["launderer"]["found"]["of"] == 1
    history = found["history"]
    assert 50_000 < history["events"] < 200_000
    assert history["villains_seen"] >= 1
    assert history["events_a_second"] > 0


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AssertionError, match="there is no benchmark"):
        figures("nothing")


def test_every_benchmark_has_a_goal() -> None:
    names = ["wire", "links", "codec", "copy", "decisions", "standing", "road", "customers"]
    more = [
        "gateways",
        "ledger",
        "admission",
        "refusals",
        "lookalikes",
        "kinds",
        "screening",
        "near",
        "warning",
        "quarter",
        "replay",
        "codes",
        "rollups",
        "written",
    ]
    assert list(GOALS) == [*names, *more]


async def test_the_bare_sender_writes_what_our_codec_reads() -> None:
    sender = bare.Sender(16, 1.0, True)
    sender.ended.cancel()
    pdu = sender.encode(7)
    fields = decode(pdu, 0x30)
    assert isinstance(fields, Pdu)
    assert encode(fields, 0x30) == pdu
    decoded = bare.Sink.decode(pdu, 12, len(pdu))
    assert bare.text_of(7) in decoded
    assert "13900000007" in decoded


async def test_the_bare_smpp_sender_writes_what_our_codec_reads() -> None:
    given = {"own": True, "reports": 1, "connections": 1, "port": 0, "window": 1, "seconds": 1}
    body = smpp_bare.Sender(given).body()
    assert body is not None
    pdu = smpp_bare.HEADER.pack(16 + len(body), smpp_bare.SUBMIT, 0, 7) + body
    fields = smpp.decode(pdu)
    assert isinstance(fields, smpp.Pdu)
    assert smpp.encode(fields) == pdu
    decoded = smpp_bare.decode(pdu, 16, len(pdu))
    assert decoded.text == smpp_bare.TEXT.format("00000000")
    assert (decoded.source, decoded.destination) == (b"106900011", b"8613900000000")
    assert (decoded.registered, decoded.coding, decoded.options) == (1, 8, {})


def test_the_bare_sinks_receipts_are_what_our_codec_reads() -> None:
    fields = smpp_bare.Fields(
        "", b"\1\1", b"10690001", b"\1\1", b"8613900000000", 0, 0, 0, "", "", 1, 0, 8, 0, "text", {}
    )
    pdu = smpp_bare.Sink().receipt(b"77", fields)
    got = smpp.SmppDialect().codec(smpp.V34).read_deliver(pdu, 0, len(pdu), 1)
    assert got.is_report
    report = got.report()
    assert (report.message_id, report.stat) == (77, "DELIVRD")
    assert (got.source, got.destination) == ("8613900000000", "10690001")
    assert smpp_bare.decode(pdu, 16, len(pdu)).options == {0x001E: b"77\0", 0x0427: b"\2"}


def test_copy_rows_have_postgresqls_form() -> None:
    async def collect() -> bytes:
        columns = {"a": np.array([1, 2], np.int32), "b": np.array([3, 4], np.int16)}
        return b"".join([part async for part in binary(columns)])

    stream = asyncio.run(collect())
    assert stream.startswith(b"PGCOPY\n\xff\r\n\x00" + bytes(8))
    first = bytes.fromhex("0002 00000004 00000001 00000002 0003".replace(" ", ""))
    assert stream[19 : 19 + len(first)] == first
    assert stream.endswith(b"\xff\xff")
    assert len(stream) == 19 + 2 * len(first) + 2


def test_the_carriers_take_turns() -> None:
    prefixes = msisdns(np.arange(1, 4)) // np.uint64(10**8) - np.uint64(86_000)
    assert sorted(prefixes.tolist()) == [130, 133, 139]


def test_ledger() -> None:
    found = figures("ledger")
    for one in found["appends_per_s"].values():
        assert one["ledger"] > 0
        assert one["audit_table"] > 0
    assert found["import"]["entries"] == 6_000
    assert found["sealing"]["entries"] >= 6_000
    assert found["rebuild"]["entries"] == found["sealing"]["entries"]
    assert found["proofs"]["inclusion_per_s"] > 0
    assert found["bundles"]["verified_per_s"] > 0
    assert found["octets_an_entry"]["canonical"] > 60
    for growth in found["growth"].values():
        assert growth["inclusion_hashes"] <= growth["log2"] + 1
