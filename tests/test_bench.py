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

from assent.wire.cmpp import Pdu, decode, encode
from bench import bare
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


def test_codes() -> None:
    found = figures("codes")
    for part in ("alone", "within campaigns", "within orders"):
        assert found[part]["codes"] > 0
        assert found[part]["never_arrived"] == 0
        assert 0 < found[part]["wire_ms_p50"] <= found[part]["wire_ms_p99"]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AssertionError, match="there is no benchmark"):
        figures("nothing")


def test_every_benchmark_has_a_goal() -> None:
    assert list(GOALS) == ["wire", "codec", "copy", "decisions", "road", "codes"]


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
