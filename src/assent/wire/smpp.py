"""SMPP 3.4: the dialect an SmppSession speaks, and whole PDUs as values.

Both roles, all commands; 5.0's statuses and congestion_state are tolerated. Message ids are text on
the wire and integers here, see smpp_ids. Known deviations of peers that are read here: answers
without their body, or with one that does not belong there; message ids without NUL; a NUL after the
last optional parameter; optional parameters after any body; longer passwords, system ids and
service types than the book has; receipts in many spellings (facts: SMPP 4.4, 4.11).
"""

from __future__ import annotations

from assent.text import LongText
from assent.wire.smpp_codec import Identity, Pdu, body_of, decode, encode
from assent.wire.smpp_dialect import SMPP, SmppDialect
from assent.wire.smpp_explain import Note, explain
from assent.wire.smpp_fields import Destination, Failure
from assent.wire.smpp_forms import (
    ReportForm,
    SmppForm,
    address_kind,
    alphabet_of_coding,
    deliver_body,
    longest,
    report_body,
)
from assent.wire.smpp_ids import IdForm, TextId, id_of, receipt_id, text_of_id
from assent.wire.smpp_receipts import Receipt, ReceiptForm, read_receipt
from assent.wire.smpp_session import DEFAULTS, SmppSession
from assent.wire.smpp_tables import V33, V34
from assent.wire.smpp_times import absolute_time, read_time, relative_time

__all__ = [
    "DEFAULTS",
    "SMPP",
    "V33",
    "V34",
    "Destination",
    "Failure",
    "IdForm",
    "Identity",
    "LongText",
    "Note",
    "Pdu",
    "Receipt",
    "ReceiptForm",
    "ReportForm",
    "SmppDialect",
    "SmppForm",
    "SmppSession",
    "TextId",
    "absolute_time",
    "address_kind",
    "alphabet_of_coding",
    "body_of",
    "decode",
    "deliver_body",
    "encode",
    "explain",
    "id_of",
    "longest",
    "read_receipt",
    "read_time",
    "receipt_id",
    "relative_time",
    "report_body",
    "text_of_id",
]
