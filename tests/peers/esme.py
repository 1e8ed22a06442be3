"""npm's smpp as a customer: binds to any SMPP server, ours or another, and submits."""

from __future__ import annotations

from typing import Any

from tests.peers.running import Peer, node_smpp

PERSON = "8613800138000"


class Esme:
    """One connection of node's."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @classmethod
    async def start(cls) -> Esme:
        return cls(await node_smpp("connect"))

    async def bind(
        self, host: str, port: int, user: str, secret: str, kind: str = "transceiver"
    ) -> int:
        """Connect and bind; return the status."""
        await self.peer.tell("connect", host=host, port=port)
        await self.peer.hear("connected")
        answer = await self.ask(f"bind_{kind}", system_id=user, password=secret)
        return int(answer["status"])

    async def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """Send a PDU; return its answer."""
        before = len(self.peer.said("answer"))
        await self.peer.tell("send", command=command, fields=fields)
        return (await self.peer.hear("answer", before + 1))[before]

    async def submit(self, text: Any, to: str = PERSON, **more: Any) -> dict[str, Any]:
        """Submit a text; return the answer."""
        fields = {
            "destination_addr": to,
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "registered_delivery": 1,
            "short_message": text,
        }
        return await self.ask("submit_sm", **(fields | more))

    async def submit_long(
        self, parts: list[str], *, sar: bool, **more: Any
    ) -> list[dict[str, Any]]:
        """Submit a text in parts, by user data header or by parameters; return the answers."""
        answers = []
        total = len(parts)
        for number, part in enumerate(parts, 1):
            if sar:
                told = {"sar_msg_ref_num": 77, "sar_total_segments": total,
                        "sar_segment_seqnum": number}  # fmt: skip
                answers.append(await self.submit(part, data_coding=8, **told, **more))
            else:
                header = {"hex": f"0500034d{total:02x}{number:02x}"}
                content = {"udh": header, "message": part}
                answers.append(await self.submit(content, data_coding=8, esm_class=64, **more))
        return answers

    async def delivered(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many deliver_sm; return their fields."""
        found = await self.peer.hear("pdu", count, command="deliver_sm")
        return [one["fields"] for one in found]

    async def stop(self) -> None:
        await self.peer.stop()


def receipts(delivered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in delivered if one["esm_class"] & 0x3C == 4]


def text_of(fields: dict[str, Any]) -> str:
    """What node read as the text of a PDU."""
    return str(fields["short_message"]["message"])
