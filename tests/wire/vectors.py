"""CMPP PDUs, octet by octet. `clause` is the section of facts/protocols.md that each rests on (it
cites the CMPP text); those with a public twin equal bigwhite/gocmpp's expected bytes.

The fields are written out by hand from the tables: a mistake that encoder and decoder share cannot
cancel itself. Fields that are not named are zero or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assent.wire.cmpp_tables import (
    ACTIVE_TEST,
    ANSWER,
    CANCEL,
    CONNECT,
    DELIVER,
    QUERY,
    SUBMIT,
    TERMINATE,
)


@dataclass(frozen=True)
class Vector:
    name: str
    clause: str
    version: int
    command: int
    sequence: int
    fields: dict[str, Any]
    hex: str

    @property
    def octets(self) -> bytes:
        return bytes.fromhex(self.hex)


LONG_TEXT = "【安信】" + "您好" * 40
REPORT_60 = bytes.fromhex(
    "b4c553000001000044454c49565244313531313132303935353135313131323039353731333431323334"
    "303030300000000000000000000012345678"
)
REPORT_71 = bytes.fromhex(
    "b4c553000001000044454c49565244313531313132303935353135313131323039353731333431323334"
    "3030303000000000000000000000000000000000000000000012345678"
)
MESSAGE_ID = 0x81D28EC003E91234  # 08-03 20:40:59, gateway 1001, sequence 0x1234 (1.15)

VECTORS = (
    Vector(
        "cmpp_connect_v21",
        "1.4",
        0x21,
        CONNECT,
        0x17,
        {
            "user": "900001",
            "authenticator": bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16"),
            "version": 0x21,
            "timestamp": 1021080510,
        },
        "00000027000000010000001739303030303190d00c1d517abd0b4f65f6bcf8535d16213cdc73be",
    ),
    Vector(
        "cmpp_connect_v20",
        "1.4",
        0x20,
        CONNECT,
        0x17,
        {
            "user": "900001",
            "authenticator": bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16"),
            "version": 0x20,
            "timestamp": 1021080510,
        },
        "00000027000000010000001739303030303190d00c1d517abd0b4f65f6bcf8535d16203cdc73be",
    ),
    Vector(
        "cmpp_connect_v30",
        "1.4",
        0x30,
        CONNECT,
        0x17,
        {
            "user": "900001",
            "authenticator": bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16"),
            "version": 0x30,
            "timestamp": 1021080510,
        },
        "00000027000000010000001739303030303190d00c1d517abd0b4f65f6bcf8535d16303cdc73be",
    ),
    Vector(
        "cmpp2_connect_resp",
        "1.5",
        0x20,
        CONNECT | ANSWER,
        0x17,
        {
            "status": 0,
            "authenticator": bytes.fromhex("6c0b846e25bab6daa4ed1c466e0f4bd8"),
            "version": 0x21,
        },
        "0000001e8000000100000017006c0b846e25bab6daa4ed1c466e0f4bd821",
    ),
    Vector(
        "cmpp3_connect_resp",
        "1.5",
        0x30,
        CONNECT | ANSWER,
        0x17,
        {
            "status": 0,
            "authenticator": bytes.fromhex("7942977274098cf210ab0c16c367bc8d"),
            "version": 0x30,
        },
        "000000218000000100000017000000007942977274098cf210ab0c16c367bc8d30",
    ),
    Vector(
        "cmpp2_submit",
        "1.7",
        0x20,
        SUBMIT,
        0x17,
        {
            "pk_total": 1,
            "pk_number": 1,
            "registered": 1,
            "level": 1,
            "service_id": "test",
            "fee_user_type": 2,
            "fee_terminal": "13500002696",
            "fmt": 8,
            "msg_src": "900001",
            "fee_type": "02",
            "fee_code": "10",
            "valid_time": "151105131555101+",
            "src_id": "900001",
            "destination_count": 1,
            "destinations": ["13500002696"],
            "length": 30,
            "content": "测试gocmpp submit".encode("utf-16-be"),
        },
        (
            "000000bd0000000400000017000000000000000001010101746573740000000000000231333530303030"
            "323639360000000000000000000000000839303030303130323130000000003135313130353133313535"
            "353130312b00000000000000000000000000000000000039303030303100000000000000000000000000"
            "0000013133353030303032363936000000000000000000001e6d4b8bd50067006f0063006d0070007000"
            "20007300750062006d006900740000000000000000"
        ),
    ),
    Vector(
        "cmpp3_submit",
        "1.7",
        0x30,
        SUBMIT,
        0x17,
        {
            "pk_total": 1,
            "pk_number": 1,
            "registered": 1,
            "level": 1,
            "service_id": "test",
            "fee_user_type": 2,
            "fee_terminal": "13500002696",
            "fmt": 8,
            "msg_src": "900001",
            "fee_type": "02",
            "fee_code": "10",
            "valid_time": "151105131555101+",
            "src_id": "900001",
            "destination_count": 1,
            "destinations": ["13500002696"],
            "length": 30,
            "content": "测试gocmpp submit".encode("utf-16-be"),
        },
        (
            "000000e10000000400000017000000000000000001010101746573740000000000000231333530303030"
            "323639360000000000000000000000000000000000000000000000000839303030303130323130000000"
            "003135313130353133313535353130312b00000000000000000000000000000000000039303030303100"
            "000000000000000000000000000001313335303030303236393600000000000000000000000000000000"
            "0000000000001e6d4b8bd50067006f0063006d007000700020007300750062006d006900740000000000"
            "000000000000000000000000000000"
        ),
    ),
    Vector(
        "cmpp2_submit_resp",
        "1.8",
        0x20,
        SUBMIT | ANSWER,
        0x17,
        {"message_id": 0xB2B9DA8000010000, "result": 0},
        "000000158000000400000017b2b9da800001000000",
    ),
    Vector(
        "cmpp3_submit_resp",
        "1.8",
        0x30,
        SUBMIT | ANSWER,
        0x17,
        {"message_id": 0xB2B9DA8000010000, "result": 0},
        "000000188000000400000017b2b9da800001000000000000",
    ),
    Vector(
        "cmpp2_deliver",
        "1.9",
        0x20,
        DELIVER,
        5,
        {
            "message_id": 0xB525628000010000,
            "destination": "900001",
            "source": "13412340000",
            "length": 18,
            "content": b"This is a test MO.",
        },
        (
            "000000670000000500000005b52562800001000039303030303100000000000000000000000000000000"
            "000000000000000000000000313334313233343030303000000000000000000000001254686973206973"
            "20612074657374204d4f2e0000000000000000"
        ),
    ),
    Vector(
        "cmpp3_deliver",
        "1.9",
        0x30,
        DELIVER,
        1,
        {
            "message_id": 0xB4C5530000010000,
            "destination": "900001",
            "source": "13412340000",
            "length": 18,
            "content": b"This is a test MO.",
        },
        (
            "0000007f0000000500000001b4c553000001000039303030303100000000000000000000000000000000"
            "000000000000000000000000313334313233343030303000000000000000000000000000000000000000"
            "00000000125468697320697320612074657374204d4f2e00000000000000000000000000000000000000"
            "00"
        ),
    ),
    Vector(
        "cmpp2_deliver_resp",
        "1.9",
        0x20,
        DELIVER | ANSWER,
        5,
        {"message_id": 0xB525628000010000, "result": 0},
        "000000158000000500000005b52562800001000000",
    ),
    Vector(
        "cmpp3_deliver_resp",
        "1.9",
        0x30,
        DELIVER | ANSWER,
        1,
        {"message_id": 0xB4C5530000010000, "result": 0},
        "000000188000000500000001b4c553000001000000000000",
    ),
    Vector(
        "cmpp2_deliver_report",
        "1.9",
        0x20,
        DELIVER,
        9,
        {
            "message_id": 0xB4C5530000010000,
            "destination": "900001",
            "source": "13412340000",
            "is_report": 1,
            "length": 60,
            "content": REPORT_60,
        },
        (
            "000000910000000500000009b4c553000001000039303030303100000000000000000000000000000000"
            "000000000000000000000000313334313233343030303000000000000000000000013cb4c55300000100"
            "0044454c4956524431353131313230393535313531313132303935373133343132333430303030000000"
            "00000000000000123456780000000000000000"
        ),
    ),
    Vector(
        "cmpp3_deliver_report",
        "1.9",
        0x30,
        DELIVER,
        9,
        {
            "message_id": 0xB4C5530000010000,
            "destination": "900001",
            "source": "13412340000",
            "is_report": 1,
            "length": 71,
            "content": REPORT_71,
        },
        (
            "000000b40000000500000009b4c553000001000039303030303100000000000000000000000000000000"
            "000000000000000000000000313334313233343030303000000000000000000000000000000000000000"
            "0000000147b4c553000001000044454c4956524431353131313230393535313531313132303935373133"
            "343132333430303030000000000000000000000000000000000000000000123456780000000000000000"
            "000000000000000000000000"
        ),
    ),
    Vector(
        "cmpp_active_test",
        "1.13",
        0x30,
        ACTIVE_TEST,
        0x17,
        {},
        "0000000c0000000800000017",
    ),
    Vector(
        "cmpp_active_test_resp",
        "1.13",
        0x30,
        ACTIVE_TEST | ANSWER,
        0x17,
        {"reserved": 0},
        "0000000d800000080000001700",
    ),
    Vector(
        "cmpp_terminate",
        "1.6",
        0x30,
        TERMINATE,
        0x17,
        {},
        "0000000c0000000200000017",
    ),
    Vector(
        "cmpp_terminate_resp",
        "1.6",
        0x30,
        TERMINATE | ANSWER,
        0x17,
        {},
        "0000000c8000000200000017",
    ),
    Vector(
        "cmpp_query",
        "1.11",
        0x30,
        QUERY,
        0x17,
        {"day": "20211105", "query_type": 1, "query_code": "test"},
        "000000270000000600000017323032313131303501746573740000000000000000000000000000",
    ),
    Vector(
        "cmpp_query_resp",
        "1.11",
        0x30,
        QUERY | ANSWER,
        0x17,
        {
            "day": "20211105",
            "query_type": 1,
            "query_code": "test",
            "mt_messages": 10,
            "mt_users": 10,
            "mt_succeeded": 9,
            "mt_waiting": 0,
            "mt_failed": 1,
            "mo_succeeded": 2,
            "mo_waiting": 0,
            "mo_failed": 0,
        },
        (
            "0000003f8000000600000017323032313131303501746573740000000000000000000a0000000a000000"
            "090000000000000001000000020000000000000000"
        ),
    ),
    Vector(
        "cmpp_cancel",
        "1.12",
        0x30,
        CANCEL,
        0x17,
        {"message_id": 0xB2B9DA8000010000},
        "000000140000000700000017b2b9da8000010000",
    ),
    Vector(
        "cmpp2_cancel_resp",
        "1.12",
        0x20,
        CANCEL | ANSWER,
        0x17,
        {"success_id": 0},
        "0000000d800000070000001700",
    ),
    Vector(
        "cmpp3_cancel_resp",
        "1.12",
        0x30,
        CANCEL | ANSWER,
        0x17,
        {"success_id": 0},
        "00000010800000070000001700000000",
    ),
    Vector(
        "cmpp3_submit_long_1of2",
        "1.7, 6.2",
        0x30,
        SUBMIT,
        0x20,
        {
            "pk_total": 2,
            "pk_number": 1,
            "registered": 1,
            "level": 1,
            "fee_user_type": 2,
            "udhi": 1,
            "fmt": 8,
            "msg_src": "900001",
            "fee_type": "02",
            "fee_code": "10",
            "src_id": "106900001234",
            "destination_count": 1,
            "destinations": ["13800138000"],
            "length": 140,
            "content": bytes.fromhex("0500032e0201") + LONG_TEXT[:67].encode("utf-16-be"),
        },
        (
            "0000014f0000000400000020000000000000000002010101000000000000000000000200000000000000"
            "000000000000000000000000000000000000000000000000000000010839303030303130323130000000"
            "000000000000000000000000000000000000000000000000000000000000000000000031303639303030"
            "303132333400000000000000000001313338303031333830303000000000000000000000000000000000"
            "0000000000008c0500032e020130105b894fe1301160a8597d60a8597d60a8597d60a8597d60a8597d60"
            "a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a859"
            "7d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60"
            "a8597d60a8597d60a8597d60a8597d60a8597d60a80000000000000000000000000000000000000000"
        ),
    ),
    Vector(
        "cmpp3_submit_long_2of2",
        "1.7, 6.2",
        0x30,
        SUBMIT,
        0x21,
        {
            "pk_total": 2,
            "pk_number": 2,
            "registered": 1,
            "level": 1,
            "fee_user_type": 2,
            "udhi": 1,
            "fmt": 8,
            "msg_src": "900001",
            "fee_type": "02",
            "fee_code": "10",
            "src_id": "106900001234",
            "destination_count": 1,
            "destinations": ["13800138000"],
            "length": 40,
            "content": bytes.fromhex("0500032e0202") + LONG_TEXT[67:].encode("utf-16-be"),
        },
        (
            "000000eb0000000400000021000000000000000002020101000000000000000000000200000000000000"
            "000000000000000000000000000000000000000000000000000000010839303030303130323130000000"
            "000000000000000000000000000000000000000000000000000000000000000000000031303639303030"
            "303132333400000000000000000001313338303031333830303000000000000000000000000000000000"
            "000000000000280500032e0202597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a859"
            "7d60a8597d0000000000000000000000000000000000000000"
        ),
    ),
    Vector(
        "cmpp2_submit_gbk",
        "1.7, 6.1",
        0x20,
        SUBMIT,
        0x30,
        {
            "pk_total": 1,
            "pk_number": 1,
            "registered": 1,
            "level": 1,
            "fee_user_type": 2,
            "fmt": 15,
            "msg_src": "900001",
            "fee_type": "02",
            "fee_code": "10",
            "src_id": "106900001234",
            "destination_count": 1,
            "destinations": ["13800138000"],
            "length": 24,
            "content": "【安信】您的验证码123456".encode("gb18030"),
        },
        (
            "000000b70000000400000030000000000000000001010101000000000000000000000200000000000000"
            "000000000000000000000000000000000f39303030303130323130000000000000000000000000000000"
            "000000000000000000000000000000000000000000000031303639303030303132333400000000000000"
            "00000131333830303133383030300000000000000000000018a1beb0b2d0c5a1bfc4fab5c4d1e9d6a4c2"
            "eb3132333435360000000000000000"
        ),
    ),
)
