"""Links to messaging centres in the settings, channels in the register, and their manual."""

from __future__ import annotations

import re
import secrets
import shlex
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from assent.app import main
from assent.app.ports import PortRoom
from assent.app.settings import Settings, load
from assent.carrier.mm7_link import Mm7Settings
from assent.carrier.simulate import parse
from assent.errors import InvalidInput
from assent.flow.setup import Register, file_register
from assent.message import Network
from assent.store import Store
from tests.flow.video_platform import video_register
from tests.test_link_settings import inline

MANUAL = Path(__file__).parents[1] / "docs" / "video.md"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    return str(path)


def mm7(secret: str, **more: Any) -> dict[str, Any]:
    link = {
        "dialect": "mm7",
        "url": "http://127.0.0.1:7700/mm7",
        "user": "vasp",
        "secret_file": secret,
        "vasp_id": "1",
        "listen": {"host": "127.0.0.1", "user": "mmsc", "secret_file": secret},
        **more,
    }
    return {name: value for name, value in link.items() if value is not None}


def loaded(secret: str, *links: dict[str, Any], **settings: Any) -> Settings:
    """Settings with a gateway and a centre, from a file that was written and read."""
    path = Path(secret).with_name("assent.toml")
    gateway = {"host": "127.0.0.1", "port": 1, "user": "u", "secret_file": secret}
    carriers = [
        {"name": "sms", "networks": ["mobile", "unicom"], "links": [gateway]},
        {"name": "mms", "networks": ["mobile"], "links": list(links)},
    ]
    lines = [f"carriers = {inline(carriers)}"]
    lines += [f"{name} = {inline(value)}" for name, value in settings.items()]
    path.write_text("\n".join(lines))
    return load(path, {})


def test_each_channel_has_routes_of_its_own(secret: str) -> None:
    settings = loaded(secret, mm7(secret))
    assert settings.routes() == {Network.MOBILE: "sms", Network.UNICOM: "sms"}
    assert settings.routes("video") == {Network.MOBILE: "mms"}
    assert settings.video_carriers() == ["mms"]
    assert (settings.video.octets, settings.video.frames) == (2_000_000, 20)


def test_a_link_becomes_what_the_file_says(secret: str) -> None:
    link = mm7(secret, front=1, bulk=2, rate=30.0, vas_id="clips", refused_codes=[4006])
    settings = loaded(secret, link)
    carrier = settings.carriers[1]
    front, bulk = (settings.links(carrier, role) for role in ("front", "bulk"))
    assert len({one.name for one in [*front, *bulk]}) == 3
    assert [one.listen is not None for one in [*front, *bulk]] == [False, True, False]
    one = bulk[0]
    assert isinstance(one, Mm7Settings)
    assert (one.rate, one.vasp_id, one.vas_id, one.secret) == (10.0, "1", "clips", "s3cret")
    assert one.quirks.refused == {4006}
    assert one.listen is not None
    assert (one.listen.port, one.listen.user) == (8801, "mmsc")
    assert "s3cret" not in repr(one)
    (alone,) = settings.links(loaded(secret, mm7(secret, front=1, bulk=0)).carriers[1], "front")
    assert alone.listen is not None
    tls = loaded(secret, mm7(secret, url="https://mms.example/x", tls={}))
    (first, *_) = tls.links(tls.carriers[1], "bulk")
    assert first.tls is not None


@pytest.mark.parametrize(
    ("changes", "field", "mend"),
    [
        ({"url": None}, "url", "https://"),
        ({"url": "ftp://x/"}, "url", "https://"),
        ({"url": "http://me:secret@x/"}, "url", "secret_file"),
        ({"tls": {}}, "tls", "address"),
        ({"url": "https://x/", "tls": {"name": "y"}}, "tls.name", "remove"),
        ({"vasp_id": None}, "vasp_id", "vasp_id"),
        ({"listen": None}, "listen", "listen"),
        ({"host": "127.0.0.1"}, "host", "remove"),
        ({"heartbeat_s": 3.0}, "heartbeat_s", "remove"),
        ({"node": 3}, "node", "sgip"),
        ({"front": 0, "bulk": 0}, "links", "front or bulk"),
        ({"front": -1, "bulk": 2}, "links", "front or bulk"),
        ({"weight": 0}, "weight", "how much"),
        ({"schedule": ["8-21"]}, "schedule", "08:00-21:00"),
        ({"name": "a b"}, "name", "letters"),
    ],
)
def test_what_contradicts_itself_is_refused(
    secret: str, changes: dict[str, Any], field: str, mend: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        loaded(secret, mm7(secret, **changes))
    assert caught.value.field is not None
    assert caught.value.field.endswith(field)
    assert mend in (caught.value.mend or "")


def test_a_link_is_steered_as_the_file_says(secret: str) -> None:
    link = mm7(secret, name="clips", schedule=["08:00-21:00"], weight=3, standby=True)
    settings = loaded(secret, link)
    (one, *_) = settings.links(settings.carriers[1], "bulk")
    assert settings.names() == {"sms-0": "sms", "clips": "mms"}
    assert (one.name, one.link, one.weight, one.standby) == ("clips-bulk-0", "clips", 3, True)
    assert one.open_at(4 * 3600)
    assert not one.open_at(16 * 3600)
    same = loaded(secret, {**link, "weight": 1, "standby": False, "schedule": []})
    other = loaded(secret, {**link, "vas_id": "clips"})
    assert one.same_line(same.links(same.carriers[1], "bulk")[0])
    assert not one.same_line(other.links(other.carriers[1], "bulk")[0])
    assert not one.same_line(same.links(same.carriers[0], "bulk")[0])


def test_texts_do_not_fall_back_to_a_centre(secret: str) -> None:
    path = Path(secret).with_name("assent.toml")
    gateway = {"host": "127.0.0.1", "port": 1, "user": "u", "secret_file": secret}
    carriers = [
        {"name": "sms", "networks": ["mobile"], "links": [gateway], "fallback": "mms"},
        {"name": "mms", "networks": ["mobile"], "links": [mm7(secret)]},
    ]
    path.write_text(f"carriers = {inline(carriers)}")
    with pytest.raises(InvalidInput) as caught:
        load(path, {})
    assert caught.value.field == "carriers.sms.fallback"
    assert "videos" in (caught.value.mend or "")


def test_ports_of_videos_have_room(secret: str) -> None:
    room = PortRoom(loaded(secret, mm7(secret)))
    assert room.fault("mms", "1" * 40, "x" * 40) is None
    assert room.fault("sms", "1" * 40, "") is not None


def test_texts_and_videos_have_carriers_of_their_own(secret: str) -> None:
    gateway = {"host": "127.0.0.1", "port": 1, "user": "u", "secret_file": secret}
    with pytest.raises(InvalidInput) as caught:
        loaded(secret, mm7(secret), gateway)
    assert "of their own" in (caught.value.mend or "")
    with pytest.raises(InvalidInput) as caught:
        loaded(secret, {"user": "u", "secret_file": secret})
    assert caught.value.field == "carriers.mms.links.host"
    for wrong in ({"octets": 0}, {"octets": 7_000_000}, {"frames": 51}):
        with pytest.raises(InvalidInput):
            loaded(secret, mm7(secret), video=wrong)


def test_a_centre_has_no_way_of_writing_texts(secret: str) -> None:
    path = Path(secret).with_name("assent.toml")
    carrier = {"name": "mms", "networks": ["mobile"], "coding": "gsm7", "links": [mm7(secret)]}
    path.write_text(f"carriers = {inline([carrier])}")
    with pytest.raises(InvalidInput) as caught:
        load(path, {})
    assert caught.value.field == "carriers.mms.coding"
    assert "mms" not in loaded(secret, mm7(secret)).writings()


def test_a_centre_is_simulated_by_its_own_command(tmp_path: Path) -> None:
    words = ["--dialect", "mm7", "--name", "m", "--user", "vasp", "--reports-to", "127.0.0.1:1"]
    settings = parse(words, {"ASSENT_SIMULATOR_SECRET": "x"})
    ((carrier, _),) = settings.carriers
    assert (carrier.dialect, carrier.reports_to) == ("mm7", "127.0.0.1:1")


async def test_a_programme_keeps_its_channel(fresh_store: Store) -> None:
    async def file(channel: str) -> None:
        document = video_register()
        document["senders"][0]["programmes"][1]["channel"] = channel
        await file_register(
            fresh_store, msgspec.convert(document, Register), 1e9, secrets.token_bytes
        )

    await file("video")
    await file("video")
    with pytest.raises(InvalidInput) as caught:
        await file("sms")
    assert caught.value.code == "programme_channel"
    rows = await fresh_store.fetch("programmes_all")
    assert sorted(row["channel"] for row in rows) == ["sms", "sms", "video", "video"]
    prices = {r["name"]: r["price_video_micro"] for r in await fresh_store.fetch("accounts_all")}
    assert prices == {"account1": 400_000, "account2": None, "operator": None}


@pytest.mark.parametrize("scope", ["links", "review"])
async def test_scopes_of_the_staff_are_for_the_operator(fresh_store: Store, scope: str) -> None:
    async def file(place: int) -> Any:
        document = video_register()
        document["accounts"][place]["keys"] = [{"name": "duty", "scopes": ["read", scope]}]
        return await file_register(
            fresh_store, msgspec.convert(document, Register), 1e9, secrets.token_bytes
        )

    with pytest.raises(InvalidInput) as caught:
        await file(0)
    assert caught.value.code == "staff_scope"
    assert caught.value.field == "accounts.account1.keys.duty.scopes"
    assert not await fresh_store.fetch("accounts_all")
    assert list((await file(2))["keys"]) == ["operator/duty"]


# --- the manual


def test_the_manuals_settings_stand() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
    settings = msgspec.convert(tomllib.loads(block), Settings)
    assert settings.video_carriers() == ["mobile-mms"]


def test_the_manuals_commands_are_commands() -> None:
    text = MANUAL.read_text("utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line for b in blocks for line in b.replace("\\\n", " ").splitlines()]
    tried = 0
    for line in lines:
        _, found, words = line.partition("assent ")
        if not line.startswith("$") or not found:
            continue
        command: Any = typer.main.get_command(main.app)
        arguments = shlex.split(words)
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        if not command.ignore_unknown_options and "simulate" not in line:
            command.make_context("assent", list(arguments))  # raises for what it does not know
        tried += 1
    assert tried == 5


def test_the_manual_tells_every_code() -> None:
    from assent.wire.mm7_codes import MEANINGS, RESULTS

    table = MANUAL.read_text("utf-8").split("## What an answer means")[1].split("## Limits")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| ")]
    told = {
        int(code): words for codes, words in rows for code in re.findall(r"\b[1-4]\d{3}\b", codes)
    }
    for code, (_, meaning) in RESULTS.items():
        word = {
            "accepted": "accepted",
            "throttled": "after a pause",
            "elsewhere": "at fault",
            "unsure": "unsure",
        }.get(meaning)
        assert (word or "") in told.get(code, ""), code
        assert (code in told) is (word is not None)
    assert set(MEANINGS) >= set(told) - {1000, 1100}
