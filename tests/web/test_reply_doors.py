"""Keywords, files of refusals and unclear replies, over HTTP and from the command line."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.conftest import number
from tests.flow.test_replies import wait_for
from tests.web.office import Office, office
from tests.web.test_ports_cli import Terminal

PORT = "106900021"  # of CODE2, account2


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(migrated_url, tmp_path) as one:
        yield one


async def put(desk: Office, who: str, body: Any, *scopes: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {await desk.key(who, *scopes)}"}
    async with httpx.AsyncClient(base_url=desk.url, headers=headers) as client:
        return await client.put(f"/v1/ports/{PORT}/keywords", json=body)


async def hand_in(desk: Office, content: bytes, *scopes: str, **fields: str) -> httpx.Response:
    said = {"origin": "regulator", "source": "12321", "dated": "2026-01-05", **fields}
    who = "operator" if scopes != ("refusals",) else "account2"
    headers = {"authorization": f"Bearer {await desk.key(who, *scopes)}"}
    async with httpx.AsyncClient(base_url=desk.url, headers=headers) as client:
        return await client.post(
            "/v1/desk/refusals", data=said, files={"file": ("refusals.csv", content)}
        )


async def test_keywords_over_http(desk: Office) -> None:
    body = {"sender": "CODE2", "keywords": ["1", "2"]}
    assert (await put(desk, "account1", body)).status_code == 403
    assert (await put(desk, "account2", body, "send")).status_code == 403
    filed = await put(desk, "account2", body)
    assert filed.status_code == 200, filed.text
    assert filed.json()["items"] == [
        {"sender": "CODE2", "keyword": "1"}, {"sender": "CODE2", "keyword": "2"},
    ]  # fmt: skip
    refused = (await put(desk, "account2", body | {"keywords": ["1", "TD"]})).json()
    assert (refused["code"], refused["field"]) == ("reserved_keyword", "keywords[1]")
    assert refused["detail_zh"]
    assert await desk.get("operator", f"/v1/ports/{PORT}/keywords") == filed.json()
    assert (await desk.call("account1", "GET", f"/v1/ports/{PORT}/keywords")).status_code == 404
    # What staff look at the port for is not in the way.
    assert (await desk.get("account2", f"/v1/ports/{PORT}"))["number"] == PORT


def xlsx(rows: list[list[str]]) -> bytes:
    """Return a workbook with one sheet of texts."""
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/s.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{rel}/worksheet" Target="s.xml"/></Relationships>',
        "xl/s.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return packed.getvalue()


async def test_files_over_http(desk: Office) -> None:
    people = [number("mobile", place) for place in range(3)]
    platform = desk.platform
    await platform.consent(people, 2)
    csv = (
        f"举报人号码,被举报号码,内容\n{people[0]},{PORT},广告\n{people[1]},199,广告\nabc,{PORT},\n"
    )
    assert (await hand_in(desk, csv.encode("gb18030"), "refusals")).status_code == 403
    assert (await hand_in(desk, csv.encode(), "review")).status_code == 403
    taken = await hand_in(desk, csv.encode("gb18030"))
    assert taken.status_code == 201, taken.text
    told = taken.json()
    assert (told["new"], told["accepted"], told["refused"]) == (True, 1, 2)
    assert [(one["row"], one["code"]) for one in told["faults"]] == [
        (3, "unknown_port"), (4, "not_digits"),
    ]  # fmt: skip
    assert (await hand_in(desk, csv.encode("gb18030"))).json() == told | {"new": False}
    workbook = await hand_in(
        desk, xlsx([["手机号"], [people[1]]]), "support", origin="carrier", source="mobile",
        sender="商户2",
    )  # fmt: skip
    assert workbook.json()["accepted"] == 1, workbook.text
    bare = await hand_in(desk, f"{people[2]}\n".encode(), everybody="true")
    assert bare.json()["accepted"] == 1, bare.text
    assert (await platform.send(people, place=2))["reasons"] == {"no_standing": 3}
    for content, fields, code in (
        (b"", {}, "file_empty"),
        (b"name\nx\n", {}, "refusal_columns"),
        (b"number\nabc\n", {}, "refusal_file_empty"),
        (b"\x00\xff", {}, "unknown_format"),
        (f"number\n{people[0]}\n".encode(), {}, "refusal_file_empty"),
        (b"number\n1\n", {"source": " "}, "refusal_file"),
        (b"number\n1\n", {"origin": "me"}, "bad_json"),
        (b"number\n1\n", {"dated": "2999-01-01"}, "refusal_file"),
        (b"number\n1\n", {"port": "1069", "everybody": "true"}, "refusal_file"),
    ):
        answer = await hand_in(desk, content, **fields)
        assert answer.status_code in (400, 422), (content, answer.text)
        if code != "bad_json":
            assert answer.json()["code"] == code, answer.text
    listed = await desk.get("operator", "/v1/desk/refusals")
    assert [item["source"] for item in listed["items"]] == ["12321", "mobile", "12321"]
    assert not any(person in str(listed) for person in people)


async def test_from_the_command_line(desk: Office, tmp_path: Path) -> None:
    at, platform = Terminal(desk), desk.platform
    people = [number("mobile", place) for place in range(10, 13)]
    await platform.consent(people, 2)
    own = ("--sender", "CODE2")
    await at.run("account2", "port", "keywords", PORT, "1", "办理", *own)
    shown = await at.run("account2", "port", "keywords", PORT)
    assert [item["keyword"] for item in shown["items"]] == ["1", "办理"]
    await at.run("account2", "port", "keywords", PORT, "--none", *own)
    assert (await at.run("account2", "port", "keywords", PORT))["items"] == []

    file = tmp_path / "12321.csv"
    file.write_text(f"number,port\n{people[0]},{PORT}\n", "utf-8")
    told = await at.run(
        "operator", "refusal", "import", str(file), "--from", "12321", "--dated", "2026-01-05"
    )
    assert told["accepted"] == 1
    black = tmp_path / "black.csv"
    black.write_text(f"{people[1]}\n", "utf-8")
    words = ("--from", "carrier", "--carrier", "mobile", "--dated", "2026-01-05", "--all")
    assert (await at.run("operator", "refusal", "import", str(black), *words))["accepted"] == 1
    assert len((await at.run("operator", "refusal", "files"))["items"]) == 2

    platform.simulators["mobile"].send_mo(people[2], PORT, "算了")
    await wait_for(platform, "SELECT count(*) FROM pause", 1, "it is unclear")
    (item,) = (await at.run("operator", "refusal", "unclear"))["items"]
    done = await at.run("operator", "refusal", "read", item["id"], "refusal")
    assert done["reading"] == "refusal"
    assert (await at.run("operator", "refusal", "unclear"))["items"] == []
    assert (await platform.send(people, place=2))["reasons"] == {"no_standing": 3}
