"""Links of every dialect in the settings file: what they become, and what is refused."""

from __future__ import annotations

import json
import re
import ssl
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.app.settings import Settings, load
from assent.carrier.link import LinkSettings
from assent.errors import InvalidInput
from assent.text import Adds, Coding, LongText, SevenBit, Writing
from assent.wire.dialect import Mode
from assent.wire.smpp import IdForm

DOCS = Path(__file__).parents[1] / "docs"
BASE = {"host": "127.0.0.1", "port": 1, "user": "u"}
SGIP = {"dialect": "sgip", "node": 3010012345}
HEARD = {"host": "h", "user": "u", "secret_env": "PATH"}


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    return str(path)


def inline(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def made(secret: str, role: str, *links: dict[str, Any]) -> list[LinkSettings]:
    """The connections of a role, from a file that was written and read."""
    path = Path(secret).with_name("assent.toml")
    whole = [{**BASE, "secret_file": secret, **link} for link in links]
    carrier = {"name": "one", "networks": ["unicom"], "links": whole}
    path.write_text(f"carriers = {inline([carrier])}")
    settings = load(path, {})
    return settings.links(settings.carriers[0], role)


def written(secret: str, *links: dict[str, Any], **carrier: Any) -> Writing:
    """How a carrier's texts are written, from a file that was written and read."""
    path = Path(secret).with_name("assent.toml")
    whole = [{**BASE, "secret_file": secret, **link} for link in links]
    one = {**carrier, "name": "one", "networks": [], "links": whole}
    path.write_text(f"carriers = {inline([one])}")
    return load(path, {}).writings()["one"]


def listen(secret: str, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "user": "smg", "secret_file": secret, **more}


def test_a_plain_link_is_cmpp_as_ever(secret: str) -> None:
    (front,) = made(secret, "front", {"rate": 30.0})
    assert (front.dialect, front.version, front.heartbeat_s, front.rate) == ("cmpp", 0x30, 180, 10)
    assert front.secret == "s3cret"
    assert len(made(secret, "all", {})) == 3


def test_smpp_has_its_own_settings(secret: str) -> None:
    link = {
        "dialect": "smpp", "version": "3.3", "system_type": "VMA", "message_ids": "hex",
        "source_ton": 5, "source_npi": 0, "dest_ton": 2, "dest_npi": 8,
        "seven_bit": "ascii", "throttled_codes": [0x450], "refused_codes": [0x58], "tls": {},
    }  # fmt: skip
    one = made(secret, "bulk", link)[0]
    assert (one.version, one.heartbeat_s) == (0x33, 30.0)
    quirks = one.quirks
    assert (quirks.ids, quirks.system_type) == (IdForm.HEX, "VMA")
    assert (quirks.source_kind, quirks.dest_kind) == ((5, 0), (2, 8))
    assert quirks.seven_bit is SevenBit.ASCII
    assert (quirks.throttled, quirks.refused) == (frozenset({0x450}), frozenset({0x58}))
    assert one.tls is not None
    assert one.tls.verify_mode is ssl.CERT_REQUIRED
    assert one.tls.check_hostname


def test_two_smpp_links_may_share_the_directions(secret: str) -> None:
    ways = [{"dialect": "smpp", "bind_mode": word} for word in ("transmitter", "receiver")]
    modes = [one.quirks.mode for one in made(secret, "bulk", *ways)]
    assert modes == [Mode.TRANSMITTER] * 2 + [Mode.RECEIVER] * 2


def test_one_connection_of_an_sgip_link_listens_and_none_shares_its_place(secret: str) -> None:
    link = {**SGIP, "front": 2, "bulk": 3, "listen": listen(secret, allowed=["10.0.0.0/8"])}
    front, bulk, whole = (made(secret, role, link, link) for role in ("front", "bulk", "all"))
    places = sorted(one.place for one in [*front, *bulk])
    assert places == sorted(one.place for one in whole) == list(range(10))
    assert [one.listen is not None for one in front] == [False] * 4
    assert [one.listen is not None for one in bulk] == [True, False, False] * 2
    assert sum(one.listen is not None for one in whole) == 2
    heard = bulk[0].listen
    assert heard is not None
    assert (heard.port, heard.user, heard.secret) == (8801, "smg", "s3cret")
    assert not heard.admits("192.0.2.1")
    alone = made(secret, "front", {**SGIP, "front": 1, "bulk": 0, "listen": listen(secret)})
    assert alone[0].listen is not None


@pytest.mark.parametrize(
    ("link", "field", "mend"),
    [
        ({"dialect": "ucp"}, "dialect", "cmpp"),
        ({"dialect": "smpp", "version": "5.0"}, "version", "3.4 or 3.3"),
        ({"version": "1.2"}, "version", "3.0 or 2.0"),
        ({"node": 3}, "node", "sgip"),
        ({"dialect": "smpp", "msg_src": "1"}, "msg_src", "cmpp or sgip or smgp"),
        ({"padded_authenticator": True}, "padded_authenticator", "smgp"),
        ({"tls": {}}, "tls", "smpp"),
        ({"dialect": "sgip"}, "node", "set node"),
        ({**SGIP}, "listen", "add listen"),
        ({"dialect": "smpp", "bind_mode": "both"}, "bind_mode", "transceiver"),
        ({"dialect": "smpp", "bind_mode": "receiver"}, "bind_mode", "transceiver"),
        ({"dialect": "smpp", "bind_mode": "transmitter"}, "bind_mode", "receiver"),
        ({"dialect": "smpp", "dest_ton": 1}, "dest_ton", "dest_npi"),
        ({"dialect": "smpp", "message_ids": "roman"}, "message_ids", "decimal"),
        ({"throttled_codes": [1], "refused_codes": [1]}, "refused_codes", "one meaning"),
        ({"front": 0, "bulk": 0}, "links", "front or bulk"),
        ({"bulk": 300}, "links", "fewer"),
        ({"dialect": "smpp", "tls": {"key_file": "k"}}, "tls.cert_file", "cert_file"),
        ({"dialect": "smpp", "tls": {"ca_file": "/nowhere"}}, "tls.ca_file", "PEM"),
        ({"name": "a b"}, "name", "letters"),
        ({"name": "one"}, "name", "another name"),
        ({"weight": 0}, "weight", "how much"),
        ({"zone_minutes": 900}, "zone_minutes", "480"),
        ({"schedule": ["08:00"]}, "schedule", "08:00-21:00"),
        ({"schedule": ["08:00-25:00"]}, "schedule", "08:00-21:00"),
        ({"schedule": ["08:00-08:00"]}, "schedule", "leave"),
        ({"user": "9000012"}, "user", "CMPP"),
        ({"user": "9000012", "msg_src": "900001"}, "user", "CMPP"),
        ({"msg_src": "9000012"}, "msg_src", "CMPP"),
        ({**SGIP, "user": "u" * 17, "listen": HEARD}, "user", "SGIP"),
        ({"dialect": "smgp", "user": "u" * 9}, "user", "SMGP"),
        ({"dialect": "smgp", "user": "用户"}, "user", "SMGP"),
        ({"dialect": "smgp", "msg_src": "u" * 9}, "msg_src", "SMGP"),
        ({"dialect": "smpp", "system_type": "u" * 13}, "system_type", "SMPP"),
        ({"dialect": "smpp", "user": "u" * 64}, "user", "SMPP"),
    ],
)
def test_what_contradicts_itself_is_refused_with_field_and_mend(
    secret: str, link: dict[str, Any], field: str, mend: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(secret, "all", link)
    assert caught.value.field is not None
    assert caught.value.field.startswith("carriers.one.links")
    assert caught.value.field.endswith(field)
    assert caught.value.mend is not None
    assert mend in caught.value.mend


SMPP = {"dialect": "smpp"}
ASCII = {"dialect": "smpp", "seven_bit": "ascii"}
RECEIVER = {"dialect": "smpp", "bind_mode": "receiver"}


def test_a_carrier_wants_ucs2_and_headers_if_it_does_not_say(secret: str) -> None:
    assert written(secret, {}) == Writing()
    assert written(secret, SMPP).told() is None


@pytest.mark.parametrize(
    ("links", "carrier", "wanted"),
    [
        ([{}], {"coding": "auto"}, Writing(Coding.GSM7, octets=159)),
        ([{"dialect": "smgp"}], {"coding": "gsm7"}, Writing(Coding.GSM7, octets=140)),
        ([{}, {"dialect": "smgp"}], {"coding": "gsm7"}, Writing(Coding.GSM7, octets=140)),
        ([SMPP], {"coding": "auto"}, Writing(Coding.GSM7, seven_bit=SevenBit.GSM)),
        ([ASCII, {}], {"coding": "auto"}, Writing(Coding.GSM7, octets=159)),
        ([ASCII, RECEIVER], {"coding": "gsm7"}, Writing(Coding.GSM7)),
        ([SMPP], {"coding": "latin1"}, Writing(Coding.LATIN1)),
        ([{}, {"version": "2.0"}], {"coding": "gb18030"}, Writing(Coding.GB18030)),
        ([{}, SMPP], {"long_texts": "udh16"}, Writing(long_text=LongText.UDH16)),
        ([SMPP], {"long_texts": "sar"}, Writing(long_text=LongText.SAR)),
        ([SMPP], {"long_texts": "payload"}, Writing(long_text=LongText.PAYLOAD)),
        ([{}], {"adds_signature": "back"}, Writing(adds=Adds.BACK)),
    ],
)
def test_how_a_carrier_wants_its_texts(
    secret: str, links: list[dict[str, Any]], carrier: dict[str, Any], wanted: Writing
) -> None:
    writing = written(secret, *links, **carrier)
    assert writing == wanted
    assert Writing.of(writing.told()) == writing


@pytest.mark.parametrize(
    ("links", "carrier", "field", "mend"),
    [
        ([{}], {"coding": "ebcdic"}, "coding", "ucs2 or gsm7 or latin1 or gb18030 or auto"),
        ([{}], {"long_texts": "fax"}, "long_texts", "udh or udh16 or sar or payload"),
        ([{}], {"adds_signature": "yes"}, "adds_signature", "no or front or back"),
        ([{}], {"coding": "latin1"}, "coding", "ucs2 or gsm7 or gb18030 or auto"),
        ([SMPP, {}], {"coding": "gb18030"}, "coding", "ucs2 or gsm7 or latin1 or auto"),
        ([{}, SMPP], {"coding": "auto"}, "links.seven_bit", "the same seven_bit"),
        ([{}], {"long_texts": "sar"}, "long_texts", "udh or udh16"),
        ([{**SMPP, "version": "3.3"}], {"long_texts": "payload"}, "long_texts", "udh or udh16"),
    ],
)
def test_what_a_link_cannot_carry_is_refused_with_field_and_mend(
    secret: str, links: list[dict[str, Any]], carrier: dict[str, Any], field: str, mend: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        written(secret, *links, **carrier)
    assert caught.value.field == f"carriers.one.{field}"
    assert mend in (caught.value.mend or "")


@given(
    begin=st.integers(0, 1439),
    end=st.integers(1, 1440),
    zone=st.integers(-720, 840),
    now=st.floats(0, 4e9),
)
def test_hours_are_those_of_the_carriers_zone(begin: int, end: int, zone: int, now: float) -> None:
    base = LinkSettings("a", "one", "h", 1, "u", "s", zone_minutes=zone)
    one = replace(base, hours=((begin, end),))
    there = datetime.fromtimestamp(0, UTC) + timedelta(seconds=now, minutes=zone)
    minute = there.hour * 60 + there.minute
    inside = begin <= minute < end if begin < end else not end <= minute < begin
    assert one.open_at(now) is (inside if begin != end % 1440 or end == 1440 else True)
    assert base.open_at(now)


def test_what_is_told_of_a_link_decides_whether_its_connection_stays(secret: str) -> None:
    (one,) = made(secret, "front", {})
    (steered,) = made(secret, "front", {"weight": 3, "standby": True, "schedule": ["00:00-24:00"]})
    assert steered.same_line(one)
    assert steered.hours == ((0, 1440),)
    for change in ({"window": 17}, {"user": "other"}, {"throttled_codes": [3]}, {"rate": 3.0}):
        assert not made(secret, "front", change)[0].same_line(one)
    Path(secret).write_text("changed")
    assert not made(secret, "front", {})[0].same_line(one)
    (tls,) = made(secret, "front", {"dialect": "smpp", "tls": {}})
    assert tls.same_line(made(secret, "front", {"dialect": "smpp", "tls": {}})[0])


def test_a_place_is_part_of_an_sgip_link_only(secret: str) -> None:
    link = {**SGIP, "bulk": 1, "listen": listen(secret)}
    one, other = made(secret, "bulk", link, link)
    assert other.place != one.place
    assert not replace(one, place=9).same_line(one)
    (plain,) = made(secret, "front", {})
    assert replace(plain, place=9).same_line(plain)


def test_sgip_networks_are_checked_when_the_file_is_read(secret: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(secret, "all", {**SGIP, "listen": listen(secret, allowed=["10.0.0.1/8"])})
    assert caught.value.field == "carriers.one.links.listen.allowed"


def test_an_unknown_setting_is_named(secret: str) -> None:
    with pytest.raises(InvalidInput, match="colour"):
        made(secret, "all", {"colour": "red"})


def test_parts_of_replies_are_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "assent.toml"
    path.write_text("reply_parts_s = 0")
    with pytest.raises(InvalidInput) as caught:
        load(path, {})
    assert caught.value.field == "reply_parts_s"
    assert caught.value.mend


def test_every_example_of_the_manual_stands(tmp_path: Path) -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        path = tmp_path / "assent.toml"
        path.write_text(block)
        assert load(path, {}).carriers
        msgspec.convert(tomllib.loads(block), Settings)
