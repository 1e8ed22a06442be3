"""SMPP PDUs, octet by octet. `clause` is SMPP 3.4's; names beginning with "public" are octets of a
public implementation's tests, "smpp" of the facts (4, 7.6, 7.7), "hand" were put together by hand
from the clause, one group of hex a field.

The fields are written out by hand from the tables: a mistake that encoder and decoder share cannot
cancel itself. Fields that are not named are zero or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assent.wire.smpp_tables import (
    ALERT_NOTIFICATION,
    ANSWER,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
)


@dataclass(frozen=True)
class Vector:
    name: str
    clause: str
    command: int
    sequence: int
    fields: dict[str, Any]
    hex: str
    status: int = 0

    @property
    def octets(self) -> bytes:
        return bytes.fromhex(self.hex)


LONG_TEXT = "【安信】" + "您好" * 40
LONG = LONG_TEXT.encode("utf-16-be")

VECTORS = (
    Vector(
        "smpp_bind_transceiver",
        "4.1.5",
        BIND_TRANSCEIVER,
        0x1,
        {"system_id": "assent", "password": "secret", "interface_version": 0x34},
        "00000023000000090000000000000001617373656e7400736563726574000034000000",
    ),
    Vector(
        "smpp_bind_transceiver_resp",
        "4.1.6",
        BIND_TRANSCEIVER | ANSWER,
        0x1,
        {"system_id": "SMSC", "tlvs": [(0x210, b"\x34")]},
        "0000001a800000090000000000000001534d5343000210000134",
    ),
    Vector(
        "smpp_submit_sm",
        "4.4.1",
        SUBMIT_SM,
        0x2,
        {
            "source_addr_ton": 5,
            "source_addr": "Assent",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "8613800138000",
            "registered_delivery": 1,
            "sm_length": 19,
            "short_message": b"Your code is 123456",
        },
        (
            "00000047000000040000000000000002000500417373656e740001013836313338303031333830303000"
            "00000000000100000013596f757220636f646520697320313233343536"
        ),
    ),
    Vector(
        "smpp_submit_sm_udh_1of2",
        "4.4.1",
        SUBMIT_SM,
        0x3,
        {
            "source_addr_ton": 5,
            "source_addr": "Assent",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "8613800138000",
            "registered_delivery": 1,
            "esm_class": 64,
            "data_coding": 8,
            "sm_length": 140,
            "short_message": bytes((5, 0, 3, 0x2E, 2, 1)) + LONG[:134],
        },
        (
            "000000c0000000040000000000000003000500417373656e740001013836313338303031333830303000"
            "4000000000010008008c0500032e020130105b894fe1301160a8597d60a8597d60a8597d60a8597d60a8"
            "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d"
            "60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
            "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
        ),
    ),
    Vector(
        "smpp_submit_sm_udh_2of2",
        "4.4.1",
        SUBMIT_SM,
        0x4,
        {
            "source_addr_ton": 5,
            "source_addr": "Assent",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "8613800138000",
            "registered_delivery": 1,
            "esm_class": 64,
            "data_coding": 8,
            "sm_length": 40,
            "short_message": bytes((5, 0, 3, 0x2E, 2, 2)) + LONG[134:],
        },
        (
            "0000005c000000040000000000000004000500417373656e740001013836313338303031333830303000"
            "400000000001000800280500032e0202597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d"
            "60a8597d60a8597d"
        ),
    ),
    Vector(
        "smpp_submit_sm_sar_1of2",
        "4.4.1, 5.3.2.22",
        SUBMIT_SM,
        0x5,
        {
            "source_addr_ton": 5,
            "source_addr": "Assent",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "8613800138000",
            "registered_delivery": 1,
            "data_coding": 8,
            "sm_length": 134,
            "short_message": LONG[:134],
            "tlvs": [(0x20C, b"\0\x2e"), (0x20E, b"\2"), (0x20F, b"\1")],
        },
        (
            "000000ca000000040000000000000005000500417373656e740001013836313338303031333830303000"
            "0000000000010008008630105b894fe1301160a8597d60a8597d60a8597d60a8597d60a8597d60a8597d"
            "60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
            "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d"
            "60a8597d60a8597d60a8597d60a8597d60a8020c0002002e020e000102020f000101"
        ),
    ),
    Vector(
        "smpp_submit_sm_sar_2of2",
        "4.4.1, 5.3.2.22",
        SUBMIT_SM,
        0x6,
        {
            "source_addr_ton": 5,
            "source_addr": "Assent",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "8613800138000",
            "registered_delivery": 1,
            "data_coding": 8,
            "sm_length": 34,
            "short_message": LONG[134:],
            "tlvs": [(0x20C, b"\0\x2e"), (0x20E, b"\2"), (0x20F, b"\2")],
        },
        (
            "00000066000000040000000000000006000500417373656e740001013836313338303031333830303000"
            "00000000000100080022597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
            "597d020c0002002e020e000102020f000102"
        ),
    ),
    Vector(
        "smpp_submit_sm_payload",
        "4.4.1, 5.3.2.32",
        SUBMIT_SM,
        0x7,
        {
            "source_addr_ton": 5,
            "source_addr": "Assent",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "8613800138000",
            "registered_delivery": 1,
            "data_coding": 8,
            "tlvs": [(0x424, LONG)],
        },
        (
            "000000e0000000040000000000000007000500417373656e740001013836313338303031333830303000"
            "00000000000100080000042400a830105b894fe1301160a8597d60a8597d60a8597d60a8597d60a8597d"
            "60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
            "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d"
            "60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
            "597d60a8597d60a8597d60a8597d"
        ),
    ),
    Vector(
        "smpp_submit_sm_resp",
        "4.4.2",
        SUBMIT_SM | ANSWER,
        0x2,
        {"message_id": "A1527684"},
        "00000019800000040000000000000002413135323736383400",
    ),
    Vector(
        "smpp_deliver_sm_dlr",
        "4.6.1, Appendix B",
        DELIVER_SM,
        0x9,
        {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "8613800138000",
            "dest_addr_ton": 5,
            "destination_addr": "Assent",
            "esm_class": 4,
            "sm_length": 119,
            "short_message": (
                b"id:A1527684 sub:001 dlvrd:001 submit date:2611220500 done date:2611220501"
                b" stat:DELIVRD err:000 text:Your code is 123456"
            ),
            "tlvs": [(0x1E, b"A1527684\0"), (0x427, b"\2"), (0x423, b"\3\0\0")],
        },
        (
            "000000c400000005000000000000000900010138363133383030313338303030000500417373656e7400"
            "0400000000000000007769643a4131353237363834207375623a30303120646c7672643a303031207375"
            "626d697420646174653a3236313132323035303020646f6e6520646174653a3236313132323035303120"
            "737461743a44454c49565244206572723a30303020746578743a596f757220636f646520697320313233"
            "343536001e0009413135323736383400042700010204230003030000"
        ),
    ),
    Vector(
        "smpp_deliver_sm_mo",
        "4.6.1",
        DELIVER_SM,
        0xA,
        {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "8613800138000",
            "dest_addr_ton": 3,
            "destination_addr": "12321",
            "sm_length": 4,
            "short_message": b"STOP",
        },
        (
            "0000003700000005000000000000000a0001013836313338303031333830303000030031323332310000"
            "00000000000000000453544f50"
        ),
    ),
    Vector(
        "smpp_deliver_sm_resp",
        "4.6.2",
        DELIVER_SM | ANSWER,
        0x9,
        {},
        "0000001180000005000000000000000900",
    ),
    Vector(
        "smpp_enquire_link",
        "4.11.1",
        ENQUIRE_LINK,
        0xB,
        {},
        "0000001000000015000000000000000b",
    ),
    Vector(
        "smpp_enquire_link_resp",
        "4.11.2",
        ENQUIRE_LINK | ANSWER,
        0xB,
        {},
        "0000001080000015000000000000000b",
    ),
    Vector(
        "smpp_unbind",
        "4.2.1",
        UNBIND,
        0xC,
        {},
        "0000001000000006000000000000000c",
    ),
    Vector(
        "smpp_unbind_resp",
        "4.2.2",
        UNBIND | ANSWER,
        0xC,
        {},
        "0000001080000006000000000000000c",
    ),
    Vector(
        "smpp_generic_nack",
        "4.3.1",
        GENERIC_NACK,
        0xD,
        {},
        "0000001080000000000000030000000d",
        status=3,
    ),
    Vector(
        "smpp_query_sm",
        "4.8.1",
        QUERY_SM,
        0xE,
        {"message_id": "A1527684", "source_addr_ton": 5, "source_addr": "Assent"},
        "0000002200000003000000000000000e4131353237363834000500417373656e7400",
    ),
    Vector(
        "smpp_cancel_sm",
        "4.9.1",
        CANCEL_SM,
        0xF,
        {"message_id": "A1527684", "source_addr_ton": 5, "source_addr": "Assent"},
        "0000002600000008000000000000000f004131353237363834000500417373656e7400000000",
    ),
    Vector(
        "public_bind_transceiver",
        "4.1.5",
        BIND_TRANSCEIVER,
        0x39951,
        {
            "system_id": "ALL_TW",
            "password": "ALL_TW",
            "interface_version": 0x34,
            "addr_ton": 1,
            "addr_npi": 2,
        },
        "00000023000000090000000000039951414c4c5f545700414c4c5f5457000034010200",
    ),
    Vector(
        "public_bind_transceiver_resp",
        "4.1.6",
        BIND_TRANSCEIVER | ANSWER,
        0x39943,
        {"system_id": "Smsc GW", "tlvs": [(0x210, b"\x34")]},
        "0000001d800000090000000000039943536d7363204757000210000134",
    ),
    Vector(
        "public_submit_sm",
        "4.4.1",
        SUBMIT_SM,
        0x4FE8,
        {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "40404",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "44951361920",
            "registered_delivery": 1,
            "sm_length": 8,
            "short_message": b"@$#!%&/:",
        },
        (
            "00000039000000040000000000004fe80001013430343034000101343439353133363139323000000000"
            "000001000000084024232125262f3a"
        ),
    ),
    Vector(
        "public_submit_sm_resp",
        "4.4.2",
        SUBMIT_SM | ANSWER,
        0xA342EE1,
        {"message_id": "94258431594"},
        "0000001c80000004000000000a342ee1393432353834333135393400",
    ),
    Vector(
        "public_deliver_sm_dlr",
        "4.6.1, Appendix B",
        DELIVER_SM,
        0x2,
        {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "44951361920",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "40404",
            "esm_class": 4,
            "sm_length": 110,
            "short_message": (
                b"id:0059113978 sub:001 dlvrd:001 submit date:1002101730 done date:1002101730"
                b" stat:DELIVRD err:000 text:@$#!%&/:"
            ),
            "tlvs": [(0x0E, b"\1"), (0x06, b"\1"), (0x1E, b"38601fa\0"), (0x427, b"\2")],
        },
        (
            "000000ba0000000500000000000000020001013434393531333631393230000101343034303400040000"
            "0000000000006e69643a30303539313133393738207375623a30303120646c7672643a30303120737562"
            "6d697420646174653a3130303231303137333020646f6e6520646174653a313030323130313733302073"
            "7461743a44454c49565244206572723a30303020746578743a4024232125262f3a000e00010100060001"
            "01001e000833383630316661000427000102"
        ),
    ),
    Vector(
        "public_enquire_link",
        "4.11.1",
        ENQUIRE_LINK,
        0xA342EE7,
        {},
        "0000001000000015000000000a342ee7",
    ),
    Vector(
        "public_enquire_link_resp",
        "4.11.2",
        ENQUIRE_LINK | ANSWER,
        0xA342EED,
        {},
        "0000001080000015000000000a342eed",
    ),
    Vector(
        "public_unbind",
        "4.2.1",
        UNBIND,
        0x1,
        {},
        "00000010000000060000000000000001",
    ),
    Vector(
        "public_generic_nack",
        "4.3.1",
        GENERIC_NACK,
        0x82A77,
        {},
        "00000010800000000000000100082a77",
        status=1,
    ),
    Vector(
        "public_query_sm",
        "4.8.1",
        QUERY_SM,
        0x4FE8,
        {
            "message_id": "12345",
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "40404",
        },
        "0000001e000000030000000000004fe83132333435000101343034303400",
    ),
    Vector(
        "public_query_sm_resp",
        "4.8.2",
        QUERY_SM | ANSWER,
        0x4FE8,
        {"message_id": "12345", "message_state": 6},
        "00000019800000030000000000004fe8313233343500000600",
    ),
    Vector(
        "public_cancel_sm",
        "4.9.1",
        CANCEL_SM,
        0x4FE8,
        {
            "message_id": "12345",
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "40404",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "44951361920",
        },
        (
            "0000002d000000080000000000004fe80031323334350001013430343034000101343439353133363139"
            "323000"
        ),
    ),
    Vector(
        "hand_bind_transmitter",
        "4.1.1",
        BIND_TRANSMITTER,
        7,
        {
            "system_id": "bank",
            "password": "pass",
            "system_type": "VMS",
            "interface_version": 0x34,
            "addr_ton": 1,
            "addr_npi": 1,
            "address_range": "10690",
        },
        "00000027 00000002 00000000 00000007 62616e6b00 7061737300 564d5300 34 01 01 313036393000",
    ),
    Vector(
        "hand_bind_transmitter_resp",
        "4.1.2",
        BIND_TRANSMITTER | ANSWER,
        7,
        {"system_id": "SMSC"},
        "00000015 80000002 00000000 00000007 534d534300",
    ),
    Vector(
        "hand_bind_receiver",
        "4.1.3",
        BIND_RECEIVER,
        8,
        {"system_id": "bank", "password": "pass", "interface_version": 0x33},
        "0000001f 00000001 00000000 00000008 62616e6b00 7061737300 00 33 00 00 00",
    ),
    Vector(
        "hand_bind_receiver_resp",
        "4.1.4",
        BIND_RECEIVER | ANSWER,
        8,
        {"system_id": "SMSC"},
        "00000015 80000001 00000000 00000008 534d534300",
    ),
    Vector(
        "hand_bind_refused",
        "4.1.6",
        BIND_TRANSCEIVER | ANSWER,
        9,
        {},
        "00000010 80000009 0000000e 00000009",
        status=14,
    ),
    Vector(
        "hand_outbind",
        "4.1.7",
        OUTBIND,
        1,
        {"system_id": "SMSC", "password": "pass"},
        "0000001a 0000000b 00000000 00000001 534d534300 7061737300",
    ),
    Vector(
        "hand_submit_sm_throttled",
        "4.4.2",
        SUBMIT_SM | ANSWER,
        3,
        {},
        "00000010 80000004 00000058 00000003",
        status=0x58,
    ),
    Vector(
        "hand_submit_sm_all",
        "4.4.1",
        SUBMIT_SM,
        16,
        {
            "service_type": "CMT",
            "source_addr_ton": 3,
            "source_addr": "12321",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "4915",
            "esm_class": 0x83,
            "protocol_id": 0x41,
            "priority_flag": 2,
            "schedule_delivery_time": "261112050000032+",
            "validity_period": "000002000000000R",
            "registered_delivery": 0x11,
            "replace_if_present_flag": 1,
            "data_coding": 0xF0,
            "sm_default_msg_id": 5,
            "sm_length": 2,
            "short_message": b"hi",
            "tlvs": [(0x0204, b"\x12\x34"), (0x1400, b"1001\0")],
        },
        (
            "0000005e 00000004 00000000 00000010 434d5400 03 00 313233323100 01 01 3439313500 83 41"
            "02 3236313131323035303030303033322b00 3030303030323030303030303030305200 11 01 f0 05"
            "02 6869 0204 0002 1234 1400 0005 3130303100"
        ),
    ),
    Vector(
        "hand_submit_multi",
        "4.5.1",
        SUBMIT_MULTI,
        17,
        {
            "source_addr_ton": 5,
            "source_addr": "bank",
            "number_of_dests": 2,
            "destinations": [("4915", 1, 1, 1), ("friends", 0, 0, 2)],
            "registered_delivery": 1,
            "sm_length": 2,
            "short_message": b"hi",
        },
        (
            "00000036 00000021 00000000 00000011 00 05 00 62616e6b00 02 01 01 01 3439313500"
            "02 667269656e647300 00 00 00 00 00 01 00 00 00 02 6869"
        ),
    ),
    Vector(
        "hand_submit_multi_resp",
        "4.5.2",
        SUBMIT_MULTI | ANSWER,
        17,
        {"message_id": "77", "no_unsuccess": 1, "unsuccess_sme": [("4915", 1, 1, 0x0B)]},
        "0000001f 80000021 00000000 00000011 373700 01 01 01 3439313500 0000000b",
    ),
    Vector(
        "hand_data_sm",
        "4.7.1",
        DATA_SM,
        18,
        {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "4915",
            "dest_addr_ton": 3,
            "destination_addr": "12321",
            "registered_delivery": 1,
            "data_coding": 8,
            "tlvs": [(0x0424, b"\0h\0i")],
        },
        (
            "0000002b 00000103 00000000 00000012 00 01 01 3439313500 03 00 313233323100 00 01 08"
            "0424 0004 00680069"
        ),
    ),
    Vector(
        "hand_data_sm_resp",
        "4.7.2",
        DATA_SM | ANSWER,
        18,
        {"message_id": "78", "tlvs": [(0x0425, b"\1")]},
        "00000018 80000103 000000fe 00000012 373800 0425 0001 01",
        status=0xFE,
    ),
    Vector(
        "hand_query_sm_resp",
        "4.8.2",
        QUERY_SM | ANSWER,
        19,
        {
            "message_id": "77",
            "final_date": "261112050000032+",
            "message_state": 5,
            "error_code": 8,
        },
        ("00000026 80000003 00000000 00000013 373700 3236313131323035303030303033322b00 05 08"),
    ),
    Vector(
        "hand_cancel_sm_resp",
        "4.9.2",
        CANCEL_SM | ANSWER,
        20,
        {},
        "00000010 80000008 00000011 00000014",
        status=0x11,
    ),
    Vector(
        "hand_replace_sm",
        "4.10.1",
        REPLACE_SM,
        21,
        {
            "message_id": "77",
            "source_addr_ton": 5,
            "source_addr": "bank",
            "validity_period": "000002000000000R",
            "registered_delivery": 1,
            "sm_length": 3,
            "short_message": b"new",
        },
        (
            "00000032 00000007 00000000 00000015 373700 05 00 62616e6b00 00"
            "3030303030323030303030303030305200 01 00 03 6e6577"
        ),
    ),
    Vector(
        "hand_replace_sm_resp",
        "4.10.2",
        REPLACE_SM | ANSWER,
        21,
        {},
        "00000010 80000007 00000013 00000015",
        status=0x13,
    ),
    Vector(
        "hand_alert_notification",
        "4.12.1",
        ALERT_NOTIFICATION,
        22,
        {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": "4915",
            "esme_addr_ton": 3,
            "esme_addr": "12321",
            "tlvs": [(0x0422, b"\0")],
        },
        ("00000024 00000102 00000000 00000016 01 01 3439313500 03 00 313233323100 0422 0001 00"),
    ),
)
