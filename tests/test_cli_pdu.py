"""`assent pdu decode`: what it prints, and what it says of octets that are no PDU."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.cli import app
from assent.cli.pdu import Dialect
from assent.wire.cmpp import V30, deliver_body
from assent.wire.explain import DIALECTS

ANSWER = "000000188000000400000017b2b9da800001000000000000"
SMPP = "00000010800000040000005800000003"


def run(*words: str, given: str | None = None) -> Any:
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(app, ["pdu", "decode", *words], input=given)


def objects(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def mo(content: bytes, fmt: int) -> str:
    body = deliver_body(
        V30, message_id=7, destination="1069", source="13800138000", content=content, fmt=fmt
    )
    return ((12 + len(body)).to_bytes(4, "big") + bytes.fromhex("0000000500000001") + body).hex()


def test_every_dialect_can_be_named() -> None:
    assert tuple(Dialect) == DIALECTS


def test_json_is_one_object_a_pdu() -> None:
    [answer] = objects(run("--dialect", "cmpp3", "--json", ANSWER))
    assert answer == {
        "command": "SUBMIT_RESP",
        "sequence": 0x17,
        "fields": {"message_id": 0xB2B9DA8000010000, "result": 0},
        "text": None,
        "segment": None,
    }
    [deliver] = objects(run("--dialect", "cmpp3", "--json", mo("你好".encode("utf-16-be"), 8)))
    assert deliver["text"] == "你好"
    assert deliver["fields"]["source"] == "13800138000"
    [first] = objects(run("--dialect", "cmpp3", "--json", mo(b"hi", 0)))
    assert list(first) == ["command", "sequence", "fields", "text", "segment"]
    assert len(objects(run("--dialect", "cmpp3", "--json", ANSWER * 3))) == 3


def test_hex_may_have_blanks_and_come_from_standard_input() -> None:
    spaced = " ".join(ANSWER[i : i + 2] for i in range(0, len(ANSWER), 2))
    whole = objects(run("--dialect", "cmpp3", "--json", ANSWER))
    assert objects(run("--dialect", "cmpp3", "--json", *spaced.split())) == whole
    assert objects(run("--dialect", "cmpp3", "--json", spaced)) == whole
    lines = spaced.replace(" 00", "\n00").upper() + "\r\n"
    assert objects(run("--dialect", "cmpp3", "--json", "-", given=lines)) == whole


def test_words_for_people() -> None:
    result = run("--dialect", "smpp", SMPP)
    assert result.exit_code == 0
    for words in ("submit_sm_resp, sequence 3", "RTHROTTLED: over the allowed rate", "5.1.3"):
        assert words in result.stdout
    result = run("--dialect", "cmpp3", ANSWER)
    for words in ("Msg_Id (message_id)", "11-05 14:29:42, gateway 1", "1.8, field 1"):
        assert words in result.stdout


def test_a_text_cannot_steer_the_terminal() -> None:
    result = run("--dialect", "cmpp3", mo("\x1b[31m[bold]好\x07".encode("utf-16-be"), 8))
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert r"\x1b[31m[bold]好\x07" in result.stdout


def test_a_bad_pdu_ends_it_after_the_good_ones() -> None:
    result = run("--dialect", "cmpp3", "--json", ANSWER + ANSWER[:-2])
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    said = result.stderr
    assert "PDU 2 is bad at octet 0 (octet 24 of all): the length field says 24 octets" in said
    assert "What could be read before it" in said
    assert "gateway 1" in said
    result = run("--dialect", "cmpp3", "0000000c0000007700000001")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "bad at octet 4: no table for command 0x00000077" in result.stderr
    result = run("--dialect", "smpp", "0011")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("PDU 1 is bad at octet 2: a header has 16 octets")


@pytest.mark.parametrize(
    ("text", "words"),
    [("00zz", "'z' is no hex digit, in the place of octet 1"), ("000", "octet 1 has one hex digit"),
     (" ", "no octets are given")],
)  # fmt: skip
def test_what_is_no_hex(text: str, words: str) -> None:
    result = run("--dialect", "cmpp3", text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_standard_input_may_be_anything() -> None:
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(app, ["pdu", "decode", "--dialect", "sgip", "-"], input=b"\xff\x00")
    assert result.exit_code == 2
    assert "is no hex digit" in result.stderr


def test_the_help_warns_of_personal_data() -> None:
    words = " ".join(run("--help").stdout.split())
    assert "phone numbers, texts, and the passwords of binds" in words
    assert run("--dialect", "ucp", ANSWER).exit_code == 2
