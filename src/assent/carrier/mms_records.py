"""A post of MM7 as the simulator's record tells it: the same members as every dialect's (see
records.py), and two more: `subject`, and `parts`, the content's parts in their order with name,
type, octets and SHA-256 each. `raw` is the envelope alone; contents stand by their digests.
"""

from __future__ import annotations

import hashlib
from typing import Any

from assent.wire import mime, mm7


def record_of(
    now_ns: int, carrier: str, direction: str, message: mm7.Message, document: bytes
) -> dict[str, Any]:
    """Return the record of one message."""
    record: dict[str, Any] = {
        "t": now_ns,
        "carrier": carrier,
        "connection": 1,
        "direction": direction,
        "command": "CancelReq",
        "sequence": message.transaction,
        "source": None,
        "destination": None,
        "text": None,
        "segment": None,
        "message_id": None,
        "status": None,
        "subject": None,
        "parts": [],
        "raw": document.hex(),
    }
    return record | _told(message)


def _told(message: mm7.Message) -> dict[str, Any]:
    if isinstance(message, mm7.Submit):
        return {
            "command": "SubmitReq",
            "source": message.sender,
            "destination": ",".join(message.recipients),
            "subject": message.subject,
            "parts": [_part(part) for part in message.parts],
        }
    if isinstance(message, mm7.Delivered):
        return {
            "command": "DeliverReq",
            "source": message.sender,
            "destination": ",".join(message.recipients),
            "text": message.text,
            "message_id": message.linked_id,
            "parts": [_part(part) for part in message.parts],
        }
    if isinstance(message, mm7.Reported):
        return {
            "command": message.kind,
            "source": message.sender,
            "destination": message.recipient,
            "message_id": message.message_id,
            "status": message.status,
        }
    if isinstance(message, mm7.Answered):
        status = {"command": message.kind, "status": message.code}
        return status | {"message_id": message.message_id or None}
    return {"message_id": message.message_id}


def _part(part: mime.Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "type": part.type,
        "octets": len(part.body),
        "sha256": hashlib.sha256(part.body).hexdigest(),
    }
