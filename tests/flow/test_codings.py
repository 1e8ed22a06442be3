"""Texts as each carrier wants them, through a whole platform: charged, sent, read and settled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.app.settings import Settings
from assent.carrier import connection
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.flow.requests import Receiver, SendRequest
from assent.message import WHOLE
from assent.wire import cmpp, smpp
from tests.flow.audit import audit
from tests.flow.conftest import NETWORKS, PROMPT, SECRET, noon_offset, number, numbers, register
from tests.flow.test_dialects import DialectPlatform, dialects, states
from tests.flow.test_unsure import ShiftedClock

PACKAGED = Path(connection.__file__).parents[1] / "data" / "rulebook-2026.1.json"
OFFER = "Dear {name}, autumn sale: {off} off! [Members] 30% off ~ call 400-820-1234. " * 3
SPOKEN: dict[str, dict[str, Any]] = {
    "mobile": {"dialect": "smpp", "alphabet": "gsm"},
    "unicom": {"dialect": "smpp"},
    "telecom": {"dialect": "cmpp"},
}


class Carriers(DialectPlatform):
    """Two carriers of SMPP and one of CMPP, each with its way of texts."""

    clock: ShiftedClock
    ways: dict[str, dict[str, Any]]

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        secret = self.directory / "secret"
        secret.write_text(SECRET)
        files = []
        for place, (carrier, own) in enumerate(SPOKEN.items()):
            recorder = Recorder(self.directory / f"carrier-{carrier}.jsonl", self.clock)
            simulator = Simulator(
                CarrierSettings(carrier, {"900001": SECRET}, **own),
                script_from(script),
                self.clock,
                seed + place,
                recorder,
            )
            self.ports[carrier] = await simulator.start()
            self.simulators[carrier] = simulator
            self.recorders[carrier] = recorder
            one = {
                "host": "127.0.0.1", "port": self.ports[carrier], "user": "900001",
                "secret_file": str(secret), "dialect": own["dialect"], "front": 0, "bulk": links,
                **link,
            }  # fmt: skip
            if own["dialect"] == "smpp":
                one["seven_bit"] = own.get("alphabet", "ascii")
            carried = {"name": carrier, "networks": NETWORKS[carrier], "links": [one]}
            files.append(carried | self.ways.get(carrier, {}))
        rulebook = self.directory / "rulebook.json"
        rulebook.write_text(json.dumps(unsigned(json.loads(PACKAGED.read_text("utf-8")))))
        self.settings = msgspec.convert({"carriers": files, "rulebook": str(rulebook)}, Settings)

    async def notify(self, people: list[str], rows: list[dict[str, str]]) -> dict[str, Any]:
        """Send everybody a text with values of their own."""
        request = SendRequest(
            sender="CODE1",
            purpose="notification",
            template="notice",
            messages=[Receiver(to=to, variables=row) for to, row in zip(people, rows, strict=True)],
        )
        answer = await self.node.sending.send(self.caller(), request, key=None, sha=b"x" * 32)
        told: dict[str, Any] = msgspec.json.decode(answer)
        return told

    def sent(self, person: str) -> list[dict[str, Any]]:
        """The SUBMITs to somebody, in the order of their parts."""
        mine = [r for r in self.submits() if r["destination"].removeprefix("86") == person]
        return sorted(mine, key=lambda record: record["segment"][1] if record["segment"] else 1)

    async def sums(self) -> dict[str, int]:
        rows = await self.sql("SELECT kind, sum(segments) AS n FROM posting GROUP BY kind")
        return {row["kind"]: row["n"] for row in rows if row["kind"] != "deposit"}


def unsigned(rulebook: dict[str, Any]) -> dict[str, Any]:
    """The rulebook for a country where texts need no signature."""
    for profile in rulebook["profiles"].values():
        if "signature_for" in profile:
            profile["signature_for"]["value"] = []
    return rulebook


def offers(signature: str = "") -> dict[str, Any]:
    """A register whose notices are the offer, by ports with this signature or none; another sender
    cannot have the same."""
    document = register()
    for place, sender in enumerate(document["senders"]):
        for port in sender["ports"]:
            port["signature"] = port["signature"] if place and signature else signature
        sender["templates"][1]["body"] = OFFER
    return document


def fmt_of(record: dict[str, Any]) -> int:
    """The format of a SUBMIT."""
    raw = bytes.fromhex(record["raw"])
    if record["command"] == "SUBMIT":
        return int(cmpp.decode(raw, cmpp.V30).fields["fmt"])
    return int(smpp.decode(raw).fields["data_coding"])


@asynccontextmanager
async def carriers(
    url: str,
    directory: Path,
    ways: dict[str, dict[str, Any]],
    script: dict[str, Any] | None = None,
    document: dict[str, Any] | None = None,
    **link: Any,
) -> AsyncIterator[Carriers]:
    platform = Carriers(url, directory, ShiftedClock(noon_offset()))
    platform.ways = ways
    await platform.start(script or PROMPT, **link)
    try:
        await platform.file(document or offers())
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()


@pytest.mark.parametrize("signature", ["", "商户1"])
async def test_each_carrier_gets_its_coding_and_its_cut(
    migrated_url: str, tmp_path: Path, signature: str
) -> None:
    ways = {
        "mobile": {"coding": "auto", "long_texts": "udh16"},
        "unicom": {"coding": "latin1", "long_texts": "sar"},
        "telecom": {"coding": "gb18030"},
    }
    people = [number(carrier, place) for carrier in ways for place in (1, 2)]
    rows = [{"name": "Zoé", "off": "£5"}, {"name": "张三😀", "off": "20%"}] * 3
    mark = f"【{signature}】" if signature else ""
    async with carriers(migrated_url, tmp_path, ways, document=offers(signature)) as platform:
        answer = await platform.notify(people, rows)
        assert answer["allowed"] == 6, answer["reasons"]
        await platform.until(states(platform, answer, {"delivered": 6}), "all are delivered")
        charged = [line["segments"] for line in answer["messages"]]
        for person, row, segments in zip(people, rows, charged, strict=True):
            sent = platform.sent(person)
            text = OFFER.replace("{name}", row["name"]).replace("{off}", row["off"])
            assert "".join(record["text"] for record in sent) == mark + text
            assert len(sent) == segments
        assert await platform.sums() == {"reserve": sum(charged), "revenue": sum(charged)}
        formats = [{fmt_of(record) for record in platform.sent(person)} for person in people]
        if signature:
            assert charged == [4, 4, 4, 4, 2, 2]
            assert formats == [{8}, {8}, {8}, {8}, {15}, {15}]
        else:
            assert charged == [2, 4, 2, 4, 2, 2]
            assert formats == [{0}, {8}, {3}, {8}, {15}, {15}]


@pytest.mark.parametrize("coding", ["ucs2", "gb18030", "auto"])
async def test_sgip_and_smgp_have_their_ways_too(
    migrated_url: str, tmp_path: Path, coding: str
) -> None:
    ways = {c: {"coding": coding, "long_texts": "udh16"} for c in ("unicom", "telecom")}
    ways["mobile"] = {"coding": "auto", "long_texts": "sar"}
    text = "夏装上新😀，全场八折 sale sale sale。" * 5 + "客服电话400-820-1234。"
    async with dialects(migrated_url, tmp_path, PROMPT, ways=ways) as platform:
        people = numbers(12)
        await platform.consent(people)
        answer = await platform.send(people, text=text)
        await platform.until(states(platform, answer, {"delivered": 12}), "all are delivered")
        charged = [line["segments"] for line in answer["messages"]]
        for person, segments in zip(people, charged, strict=True):
            sent = [r for r in platform.submits() if r["destination"].removeprefix("86") == person]
            assert sorted(r["segment"][1] for r in sent) == list(range(1, segments + 1))
            sent.sort(key=lambda record: record["segment"][1])
            assert "".join(r["text"] for r in sent) == f"【商户1】{text} 拒收请回复R"
        assert await platform.value("SELECT sum(segments) FROM posting WHERE kind='revenue'") == (
            sum(charged)
        )


async def test_a_signature_that_the_carrier_adds_is_charged_and_not_sent(
    migrated_url: str, tmp_path: Path
) -> None:
    ways = {"mobile": {"adds_signature": "front"}, "unicom": {"adds_signature": "back"}}
    people = [number(carrier, 1) for carrier in ("mobile", "unicom", "telecom")]
    text = "您" * 66
    document = register()
    document["senders"][0]["templates"][1]["body"] = text
    async with carriers(migrated_url, tmp_path, ways, document=document) as platform:
        answer = await platform.notify(people, [{}] * 3)
        await platform.until(states(platform, answer, {"delivered": 3}), "all are delivered")
        # 66 characters and a signature of 5 are one too many for one segment.
        assert [line["segments"] for line in answer["messages"]] == [2, 2, 2]
        shown = ["".join(r["text"] for r in platform.sent(person)) for person in people]
        assert shown == [text, text, f"【商户1】{text}"]
        lengths = [[len(r["text"]) for r in platform.sent(person)] for person in people]
        assert lengths == [[62, 4], [65, 1], [67, 4]]
        # What was judged, and what receivers see, is kept with it.
        kept = await platform.sql("SELECT content, writing FROM batch ORDER BY carrier")
        assert {row["content"] for row in kept} == {f"【商户1】{text}"}
        assert [json.loads(row["writing"] or "{}").get("adds") for row in kept] == [
            "front", None, "back",
        ]  # fmt: skip


@pytest.mark.parametrize("early", [0.0, 1.0])
async def test_a_payload_is_charged_by_segments_and_settled_by_its_one_receipt(
    migrated_url: str, tmp_path: Path, early: float
) -> None:
    script = {
        "answers": {"latency": 0.02, "refusals": [{"code": 0x58, "share": 0.3}]},
        "receipts": {"delay": 0.02, "early": early, "duplicate": 0.3},
    }
    people = [number(carrier, place) for carrier in ("mobile", "unicom") for place in range(8)]
    rows = [{"name": "张三", "off": "20%"}, {"name": "Bo", "off": "20%"}] * 8
    ways = {c: {"long_texts": "payload", "coding": "auto"} for c in ("mobile", "unicom")}
    async with carriers(migrated_url, tmp_path, ways, script) as platform:
        answer = await platform.notify(people, rows)
        await platform.until(states(platform, answer, {"delivered": 16}), "all are delivered", 25.0)
        charged = [line["segments"] for line in answer["messages"]]
        assert charged == [4, 2] * 4 + [4, 2] * 4
        assert await platform.sums() == {"reserve": 48, "revenue": 48}
        accepted = Counter(
            r["destination"] for r in platform.submits() if r["segment"] is None and r["text"]
        )
        assert set(accepted) == {f"86{person}" for person in people}
        texts = {r["text"] for r in platform.submits()}
        assert texts == {
            OFFER.replace("{name}", row["name"]).replace("{off}", "20%") for row in rows
        }
        assert await platform.value("SELECT count(*) FROM open_window") == 0
        assert await platform.value("SELECT count(*) FROM receipt_parked") == 0
        logged = await platform.sql("SELECT segments FROM receipt_log")
        assert {octet for row in logged for octet in row["segments"]} == {WHOLE}
        words = {"submit_sm": "SUBMIT", "submit_sm_resp": "SUBMIT_RESP"}
        records = [
            {**record, "command": words.get(record["command"], record["command"])}
            for record in platform.records()
        ]
        assert not await audit(platform.url, records)


async def test_an_unsure_payload_is_settled_whole(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never answered, so nobody knows; the late receipt settles all its segments, and the money
    of those that get none goes back whole."""
    monkeypatch.setattr(connection, "RETIRE_GRACE_S", 0.2)
    people = [number("mobile", place) for place in range(4)]
    rows = [{"name": "张三", "off": "20%"}] * 4
    script = {
        "answers": {"latency": 0.001},
        "receipts": {"delay": 1.5},
        "faults": {"silent_after": 0},
    }
    ways = {"mobile": {"long_texts": "payload"}}
    async with carriers(
        migrated_url, tmp_path, ways, script, response_s=0.5, stall_s=0.5, heartbeat_s=0.5
    ) as platform:
        answer = await platform.notify(people, rows)
        await platform.until(states(platform, answer, {"unsure": 4}), "nobody knows", 20.0)
        assert await platform.value("SELECT count(*) FROM unsure_segment") == 16
        assert len(platform.submits()) == 4

        async def parked() -> bool:
            return bool(await platform.value("SELECT count(*) FROM receipt_parked") >= 4)

        await platform.until(parked, "receipts without an answer", 20.0)
        platform.clock.move(60.0)
        await platform.until(states(platform, answer, {"delivered": 4}), "all are delivered", 20.0)
        settled = await platform.sql("SELECT settled, count(*) AS n FROM unsure_segment GROUP BY 1")
        assert [(row["settled"], row["n"]) for row in settled] == [("receipt", 16)]
        assert await platform.sums() == {"reserve": 16, "revenue": 16}


async def test_a_crash_leaves_a_payload_unsure_whole(migrated_url: str, tmp_path: Path) -> None:
    people = [number("mobile", place) for place in range(3)]
    script = {"receipts": {"share": 0.0}, "faults": {"silent_after": 0}}
    ways = {"mobile": {"long_texts": "payload"}}
    async with carriers(migrated_url, tmp_path, ways, script) as platform:
        answer = await platform.notify(people, [{"name": "张三", "off": "20%"}] * 3)
        await platform.until(lambda: len(platform.submits()) == 3, "they are on their way")
        node = platform.node
        await node.halt()  # from here on it writes nothing down
        for pool in node.pools.values():
            await pool.stop()
        node.epoch.leave()
        await node.store.close()
        await platform.start_node()
        await platform.until(states(platform, answer, {"unsure": 3}), "nobody knows")
        assert await platform.value("SELECT count(*) FROM unsure_segment") == 12
        assert await platform.sums() == {"reserve": 12}
        assert len(platform.submits()) == 3


async def test_what_waits_while_the_settings_change_is_sent_as_it_was_charged(
    migrated_url: str, tmp_path: Path
) -> None:
    from datetime import UTC, datetime

    people = numbers(6)
    ways = {carrier: {"long_texts": "udh16"} for carrier in SPOKEN}
    ways["unicom"] = {"coding": "latin1"}
    async with carriers(migrated_url, tmp_path, ways) as platform:
        later = datetime.fromtimestamp(platform.clock.now() + 60.0, UTC)
        request = SendRequest(
            sender="CODE1", purpose="notification", template="notice", not_before=later,
            messages=[Receiver(to=to, variables={"name": "Bo", "off": "1"}) for to in people],
        )  # fmt: skip
        made = await platform.node.sending.send(platform.caller(), request, key=None, sha=b"y" * 32)
        answer = msgspec.json.decode(made)
        charged = sum(line["segments"] for line in answer["messages"])
        await platform.node.stop()
        for carrier in platform.settings.carriers:
            carrier.long_texts, carrier.coding = "udh", "ucs2"
            for link in carrier.links if carrier.name == "unicom" else ():
                # As if the carrier had been moved to another protocol: no Latin-1 there.
                link.dialect, link.seven_bit = "cmpp", None
        await platform.simulators["unicom"].stop()
        other = Simulator(
            CarrierSettings("unicom", {"900001": SECRET}, port=platform.ports["unicom"]),
            script_from(PROMPT), platform.clock, 9, platform.recorders["unicom"],
        )  # fmt: skip
        await other.start()
        platform.simulators["unicom"] = other
        await platform.start_node()
        platform.clock.move(61.0)
        wanted = {"delivered": 4, "refused": 2}
        await platform.until(states(platform, answer, wanted), f"they end {wanted}", 20.0)
        sent = [len(platform.sent(person)) for person in people]
        lines = [line["segments"] for line in answer["messages"]]
        assert [n for i, n in enumerate(sent) if i % 3 != 1] == [
            n for i, n in enumerate(lines) if i % 3 != 1
        ]
        assert [n for i, n in enumerate(sent) if i % 3 == 1] == [0, 0]
        assert all(bytes.fromhex(r["raw"]).count(b"\x06\x08\x04") for r in platform.submits())
        sums = await platform.sums()
        assert sums["reserve"] == charged
        assert sums["revenue"] + sums["release"] == charged
