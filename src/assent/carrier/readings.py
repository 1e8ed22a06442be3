"""What the record tells of a PDU, dialect by dialect: commands, addresses, texts, ids, results.

Everything is read from the octets, never asked of a session. A reading belongs to one connection,
because some bodies depend on the version that its bind said.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from assent.errors import InvalidInput
from assent.text import Alphabet, SevenBit, alphabet_of_format, concat_of, decode, parse_udh
from assent.wire import cmpp, sgip, sgip_tables, smgp, smgp_tables, smpp, smpp_tables, smpp_tlvs
from assent.wire import cmpp_tables as tables
from assent.wire.frame import Framing
from assent.wire.smpp_codes import INTERMEDIATE, MESSAGE_TYPE, RECEIPT, UDHI

Segment = tuple[int, int, int]
"""(reference, number, total) of one part of a long message."""

_REPORT_ID: Final = slice(3, 13)
"""Where the id stands in an SMGP report's content (protocols.md 3.7)."""


class Reading(Protocol):
    """How one dialect's PDUs are told."""

    framing: Framing

    def name(self, command: int) -> str:
        """The specification's name of a command, or its number in hex."""

    def number(self, sequence: int) -> int | str:
        """The sequence number as the record has it."""

    def told(self, command: int, raw: bytes) -> dict[str, Any]:
        """What the PDU says, by the names of the record; raises MalformedPdu when it cannot be
        read."""

    def shown(self, command: int, raw: bytes) -> bytes:
        """The octets to keep: all of them, but with stars for a password that stands in them."""


def read_text(
    content: bytes,
    fmt: int,
    udhi: int,
    alphabet_of: Callable[[int], Alphabet | None] = alphabet_of_format,
    seven_bit: SevenBit = SevenBit.ASCII,
) -> tuple[str | None, Segment | None]:
    """Return (text, (reference, number, total) or None). Binary and unknown formats have no text;
    what is not valid in its alphabet is read with replacement characters."""
    segment: Segment | None = None
    if udhi:
        try:
            elements, content = parse_udh(content)
        except InvalidInput:
            return None, None
        concat = concat_of(elements)
        if concat is not None:
            reference, total, number = concat
            segment = (reference, number, total)
    alphabet = alphabet_of(fmt)
    if alphabet is None or alphabet is Alphabet.BINARY:
        return None, segment
    return decode(content, alphabet, "replace", seven_bit=seven_bit), segment


def _content(fields: Mapping[str, Any], udhi: int) -> dict[str, Any]:
    text, segment = read_text(fields["content"], fields["fmt"], udhi)
    return {"text": text, "segment": None if segment is None else list(segment)}


def _receivers(destinations: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"destination": destinations[0] if destinations else None}
    return told | {"destinations": list(destinations)} if len(destinations) > 1 else told


class _Plain:
    """What most dialects have in common."""

    def __init__(self, framing: Framing, names: Mapping[int, str]) -> None:
        self.framing = framing
        self._names = names

    def name(self, command: int) -> str:
        return self._names.get(command) or f"{command:#010x}"

    def number(self, sequence: int) -> int | str:
        return sequence

    def shown(self, command: int, raw: bytes) -> bytes:
        return raw


def _with_answers(names: Mapping[int, str], answer: int, suffix: str) -> dict[int, str]:
    return {
        command | bit: name + suffix * bool(bit)
        for command, name in names.items()
        for bit in (0, answer)
    }


class CmppReading(_Plain):
    """CMPP. `message_id` is the decimal number."""

    def __init__(self) -> None:
        super().__init__(cmpp.CMPP.framing, _CMPP_NAMES)
        self.version = 0x30

    def told(self, command: int, raw: bytes) -> dict[str, Any]:
        answer = _CMPP_ANSWERS.get(len(raw)) if command in _CMPP_ANSWERING else None
        if answer is not None:
            message_id, status = answer.unpack_from(raw, tables.HEADER)
            return {"message_id": str(message_id), "status": status}
        fields = cmpp.decode(raw, self.version).fields
        if command == tables.CONNECT:
            self.version = fields["version"]
            return {"source": fields["user"]}
        if command == tables.SUBMIT:
            told = _content(fields, fields["udhi"]) | {"source": fields["src_id"]}
            if told["segment"] is None and fields["pk_total"] > 1:
                told["segment"] = [0, fields["pk_number"], fields["pk_total"]]
            return told | _receivers(fields["destinations"])
        if command == tables.DELIVER:
            told = {"source": fields["source"], "destination": fields["destination"]}
            content = fields["content"]
            if fields["is_report"]:
                report = cmpp.read_report(content, 0, len(content))
                return told | {"message_id": str(report.message_id), "status": report.stat}
            own = {"message_id": str(fields["message_id"])}
            return told | _content(fields, fields["udhi"]) | own
        told = {}
        if "message_id" in fields:
            told["message_id"] = str(fields["message_id"])
        for name in ("result", "status", "success_id"):
            if name in fields:
                told["status"] = fields[name]
        return told


_CMPP_NAMES: Final = _with_answers(tables.COMMAND_NAMES, tables.ANSWER, "_RESP")
_CMPP_ANSWERING: Final = (tables.SUBMIT | tables.ANSWER, tables.DELIVER | tables.ANSWER)
_CMPP_ANSWERS: Final = {21: struct.Struct(">QB"), 24: struct.Struct(">QI")}
"""The two answers that make up half of all traffic, by length (protocols.md 1.8)."""


def sequence_text(sequence: int) -> str:
    """An SGIP sequence number as people write it: node, time and counter with dashes between."""
    return "{}-{:010}-{}".format(*sgip.unpack_sequence(sequence))


class SgipReading(_Plain):
    """SGIP. A message is known by the sequence number of its SUBMIT (protocols.md 2.2), so that
    is the `message_id` of the SUBMIT, its answer and its reports."""

    def __init__(self) -> None:
        super().__init__(sgip.SGIP.framing, _SGIP_NAMES)

    def number(self, sequence: int) -> int | str:
        return sequence_text(sequence)

    def shown(self, command: int, raw: bytes) -> bytes:
        if command != sgip_tables.BIND:
            return raw
        at = sgip_tables.HEADER + sgip_tables.LAYOUTS[sgip_tables.BIND].offset("password")
        return raw[:at] + _starred(raw[at : at + 16]) + raw[at + 16 :]

    def told(self, command: int, raw: bytes) -> dict[str, Any]:
        pdu = sgip.decode(raw)
        fields, told = pdu.fields, {}
        if command == sgip_tables.BIND:
            return {"source": fields["user"]}
        if command == sgip_tables.REPORT:
            names = ("submit_node", "submit_time", "submit_counter")
            about = sgip.pack_sequence(sgip.SequenceParts(*(fields[name] for name in names)))
            stat = sgip_tables.stat_of(fields["state"], fields["error_code"])
            source = fields["user_number"]
            return {"source": source, "message_id": sequence_text(about), "status": stat}
        if command == sgip_tables.SUBMIT:
            told = _content(fields, fields["udhi"]) | {"source": fields["src_id"]}
            told |= _receivers(fields["destinations"])
        elif command == sgip_tables.DELIVER:
            told = _content(fields, fields["udhi"])
            told |= {"source": fields["source"], "destination": fields["destination"]}
        elif "result" in fields:
            told = {"status": fields["result"]}
            if command == sgip_tables.BIND | sgip_tables.ANSWER:
                return told
        return told | {"message_id": sequence_text(pdu.sequence)} if told else told


_SGIP_NAMES: Final = _with_answers(sgip_tables.COMMAND_NAMES, sgip_tables.ANSWER, "_RESP")


class SmgpReading(_Plain):
    """SMGP. `message_id` is twenty hexadecimal digits."""

    def __init__(self) -> None:
        super().__init__(smgp.SMGP.framing, _SMGP_NAMES)
        self.version = smgp.V30

    def told(self, command: int, raw: bytes) -> dict[str, Any]:
        fields = smgp.decode(raw, self.version).fields
        if command == smgp_tables.LOGIN:
            if fields["version"] in (smgp.V13, smgp.V30):
                self.version = fields["version"]
            return {"source": fields["user"]}
        named = smgp.named(fields.get("tlvs", ()))
        udhi = named.get("udhi", 0)
        has_header = udhi if isinstance(udhi, int) else 0
        if command == smgp_tables.SUBMIT:
            told = _content(fields, has_header) | {"source": fields["src_id"]}
            if told["segment"] is None and named.get("pk_total", 1) not in (0, 1):
                told["segment"] = [0, named.get("pk_number", 1), named["pk_total"]]
            return told | _receivers(fields["destinations"])
        if command == smgp_tables.DELIVER:
            told = {"source": fields["source"], "destination": fields["destination"]}
            if fields["is_report"]:
                content = fields["content"]
                stat = smgp.parse_report(content).stat
                return told | {"message_id": content[_REPORT_ID].hex(), "status": stat}
            own = {"message_id": fields["message_id"].hex()}
            return told | _content(fields, has_header) | own
        told = {}
        if "message_id" in fields:
            told["message_id"] = fields["message_id"].hex()
        for name in ("result", "status"):
            if name in fields:
                told["status"] = fields[name]
        return told


_SMGP_NAMES: Final = _with_answers(smgp_tables.COMMAND_NAMES, smgp_tables.ANSWER, "_Resp")


class SmppReading(_Plain):
    """SMPP. `message_id` is the id's text as it stands on the wire; of a receipt its
    receipted_message_id, or where it has none the id in its text."""

    def __init__(self, seven_bit: SevenBit = SevenBit.ASCII) -> None:
        names = {command: row[0] for command, row in smpp_tables.COMMANDS.items()}
        super().__init__(smpp.SMPP.framing, names)
        self._seven_bit = seven_bit

    def shown(self, command: int, raw: bytes) -> bytes:
        if command not in _SMPP_BINDS:
            return raw
        start = raw.find(0, smpp_tables.HEADER) + 1
        end = raw.find(0, start)
        if start == 0 or end < 0:
            return raw[: smpp_tables.HEADER]  # broken: no telling where the password stands
        return raw[:start] + _starred(raw[start:end]) + raw[end:]

    def told(self, command: int, raw: bytes) -> dict[str, Any]:
        pdu = smpp.decode(raw)
        fields = pdu.fields
        if command in _SMPP_BINDS:
            return {"source": fields["system_id"]}
        if command & smpp_tables.ANSWER:
            return {"status": pdu.status, "message_id": fields.get("message_id") or None}
        told: dict[str, Any] = {"source": fields.get("source_addr")}
        if "destinations" in fields:
            told |= _receivers([one.address for one in fields["destinations"]])
        else:
            told["destination"] = fields.get("destination_addr")
        if "message_id" in fields:
            told["message_id"] = fields["message_id"]
        if "data_coding" in fields:
            told |= self._message(command, fields)
        return told

    def _message(self, command: int, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What a submit_sm, deliver_sm or data_sm carries."""
        tlvs, coding = fields["tlvs"], fields["data_coding"]
        content = fields.get("short_message")
        content = content or smpp_tlvs.first(tlvs, smpp_tlvs.MESSAGE_PAYLOAD) or b""
        kind = fields["esm_class"] & MESSAGE_TYPE
        from_carrier = command in (smpp_tables.DELIVER_SM, smpp_tables.DATA_SM)
        if from_carrier and kind in (RECEIPT, INTERMEDIATE):
            receipt = smpp.read_receipt(content, coding, tlvs, intermediate=kind == INTERMEDIATE)
            return {"message_id": receipt.tlv_id or receipt.message_id, "status": receipt.stat}
        udhi = fields["esm_class"] & UDHI
        text, segment = read_text(
            content, coding, udhi, smpp.alphabet_of_coding, seven_bit=self._seven_bit
        )
        if segment is None:
            parts = [smpp_tlvs.integer(tlvs, tag) for tag in _SAR]
            if None not in parts and not udhi:
                return {"text": text, "segment": parts}
        return {"text": text, "segment": None if segment is None else list(segment)}


_SAR: Final = (smpp_tlvs.SAR_REFERENCE, smpp_tlvs.SAR_NUMBER, smpp_tlvs.SAR_TOTAL)
_SMPP_BINDS: Final = frozenset(
    {
        smpp_tables.BIND_RECEIVER,
        smpp_tables.BIND_TRANSMITTER,
        smpp_tables.BIND_TRANSCEIVER,
        smpp_tables.OUTBIND,
    }
)


def _starred(octets: bytes) -> bytes:
    return bytes(b"*"[0] if octet else 0 for octet in octets)
