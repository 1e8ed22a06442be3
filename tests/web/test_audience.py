"""Audience files: what is read, what is refused, and what it costs in memory."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.web.audience_plan import ReadOptions, plan
from assent.web.reading import Chunk, End, Failure, Head, frames, reading
from assent.web.settings import MIB, WebSettings
from assent.web.tables import encoding_of, rows_of
from tests.web.site import Running, running

CSV = "手机号,姓名\n13800138000,张三\n13900139000,李四\n"
FORM = {"statement": "customers of our shops since 2024", "name": "spring"}


def http(site: Running) -> httpx.AsyncClient:
    headers = {"authorization": "Bearer ak_all"}
    return httpx.AsyncClient(base_url=site.url, headers=headers, timeout=30)


def left_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def upload(site: Running, content: bytes, **fields: str) -> httpx.Response:
    async with http(site) as client:
        files = {"file": ("people.csv", content)}
        return await client.post("/v1/audiences", data={**FORM, **fields}, files=files)


def workbook(rows: list[list[Any]]) -> bytes:
    """Return a minimal XLSX file with one sheet."""
    import zipfile

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return "<c/>" if value is None else f"<c><v>{value}</v></c>"

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData>'
        "</worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return out.getvalue()


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("gb18030"),
        CSV.encode("utf-16"),
        CSV.replace(",", ";").encode(),
        CSV.replace(",", "\t").encode("gbk"),
        CSV.replace("\n", "\r\n").encode(),
        CSV.replace("\n", ",\n").encode().replace(b"\xe5,\n", b"\xe5\n", 1),
        b"\n" + CSV.encode() + b"\n\n",
        workbook([["手机号", "姓名"], [13800138000, "张三"], ["139 0013 9000", "李四"]]),
        parquet(手机号=[13800138000, 13900139000], 姓名=["张三", "李四"]),
        parquet(手机号=["13800138000", "+86 13900139000"], 姓名=["张三", "李四"]),
    ],
    ids=[
        "utf8", "bom", "gb18030", "utf16", "semicolon", "tab-gbk", "crlf", "trailing-comma",
        "blank-lines", "xlsx", "parquet-int", "parquet-text",
    ],
)  # fmt: skip
def test_formats(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    head, chunk, end = list(frames(file, ReadOptions(columns={"name": "姓名"})))
    assert head == Head(["name"], "手机号")
    assert isinstance(chunk, Chunk)
    assert np.frombuffer(chunk.numbers, np.uint64).tolist() == [8613800138000, 8613900139000]
    assert np.frombuffer(chunk.rows, np.uint32).tolist() == [1, 2]
    assert chunk.variables == {"name": ["张三", "李四"]}
    assert end == End()


BAD: list[tuple[str, bytes, str, dict[str, str]]] = [
    ("empty", b"", "file_empty", {}),
    ("blank", b"\n\n  \n".replace(b" ", b""), "audience_empty", {}),
    ("header only", "手机号,姓名\n".encode(), "audience_empty", {}),
    ("no number column", b"name,age\nA,1\n", "number_column_missing", {}),
    ("two number columns", b"phone,mobile\n13800138000,13900139000\n", "number_column_unclear", {}),
    ("named column missing", CSV.encode(), "no_such_column", {"number_column": "tel"}),
    ("variable column missing", CSV.encode(), "no_such_column", {"columns": '{"a": "b"}'}),
    ("columns no json", CSV.encode(), "invalid_field", {"columns": "a=b"}),
    ("ragged short", CSV.encode() + b"13700137000\n", "ragged_row", {}),
    ("ragged long", CSV.encode() + b"13700137000,a,b\n", "ragged_row", {}),
    ("open quote", CSV.encode() + b'13700137000,"a\n', "malformed_csv", {}),
    ("wrong encoding", CSV.encode() + b"13700137000,\xff\xff\xff\n", "bad_encoding", {}),
    ("binary", b"\x00\x01\x02" * 100, "unknown_format", {}),
    ("old workbook", b"\xd0\xcf\x11\xe0" * 10, "unknown_format", {}),
    ("gzip", b"\x1f\x8b\x08" * 10, "unknown_format", {}),
    ("broken workbook", b"PK\x03\x04" + b"x" * 100, "malformed_xlsx", {}),
    ("cut workbook", workbook([["手机号"], [13800138000]])[:300], "malformed_xlsx", {}),
    ("broken parquet", b"PAR1" + b"x" * 100, "malformed_parquet", {}),
    ("endless line", b"a" * (3 << 20), "line_too_long", {}),
    ("repeated columns", b"phone,a,a\n13800138000,1,2\n", "repeated_column", {}),
    ("many columns", b",".join(b"c%d" % i for i in range(300)) + b"\n", "too_many_columns", {}),
    (
        "many variables",
        b"phone," + b",".join(b"c%d" % i for i in range(30)) + b"\n1," + b",".join([b"x"] * 30),
        "too_many_columns", {},
    ),
    ("long cell", CSV.encode() + b"13700137000," + b"x" * 501, "cell_too_long", {}),
    ("all wrong", b"phone\nabc\n12\n", "no_valid_number", {}),
    ("no statement", CSV.encode(), "missing_statement", {"statement": " "}),
    ("unknown relation", CSV.encode(), "invalid_field", {"relation": "friends"}),
    ("not a word for callers", CSV.encode(), "invalid_field", {"relation": "unstated"}),
    ("unknown field", CSV.encode(), "unknown_field", {"colums": "{}"}),
    ("brace in variable", b"phone,{a}\n13800138000,1\n", "bad_variable_name", {}),
]  # fmt: skip


FIELDS = (
    "columns no json", "no statement", "unknown relation", "not a word for callers",
    "unknown field", "all wrong",
)  # fmt: skip
"""Faults that are found outside the reader."""


@pytest.mark.parametrize(
    ("content", "code", "fields"),
    [case[1:] for case in BAD if case[0] not in FIELDS],
    ids=[case[0] for case in BAD if case[0] not in FIELDS],
)
def test_bad_files(tmp_path: Path, content: bytes, code: str, fields: dict[str, str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    columns = json.loads(fields["columns"]) if "columns" in fields else None
    failure = list(frames(file, ReadOptions(fields.get("number_column"), columns)))[-1]
    if code == "audience_empty" and not isinstance(failure, Failure):
        assert isinstance(failure, End)  # a header without rows: uploads.py finds that
        return
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert failure.field
    assert failure.rule
    assert failure.mend


SENT = (*FIELDS, "empty", "header only", "ragged short", "wrong encoding", "cut workbook")


async def test_bad_files_are_told_and_leave_nothing(tmp_path: Path) -> None:
    async with running(WebSettings(spool=tmp_path)) as site:
        for name, content, code, fields in (case for case in BAD if case[0] in SENT):
            response = await upload(site, content, **fields)
            problem = response.json()
            assert response.status_code == 422, (name, problem)
            assert problem["code"] == code, (name, problem)
            assert problem["field"], name
            assert problem["rule"], name
            assert problem["mend"], name
            # What began is failed, so that no campaign can use it.
            audience = problem.get("details", {}).get("audience")
            if audience is not None:
                kept = site.real.book(1).audiences.get(int(audience))
                assert kept is not None
                assert (kept.state, kept.rows) == ("failed", [])
        assert all(one.state == "failed" for one in site.real.book(1).audiences.all())
    assert not left_in(tmp_path)


async def test_wrong_rows_are_listed(site: Running) -> None:
    rows = ["手机号"] + ["13800138000", "", "abc", "010-12345678", "1.38001E+10"] * 50
    response = await upload(site, "\n".join(rows).replace("\n\n", '\n""\n').encode())
    assert response.status_code == 201, response.text
    answer = response.json()
    # A blank line is no row, but it is counted, as a spreadsheet counts.
    assert answer["rows"] == 200
    assert answer["wrong"] == 150
    assert answer["faults"] == {"fixed_line": 50, "not_digits": 50, "rounded": 50}
    assert len(answer["wrong_rows"]) == 100
    assert answer["wrong_rows"][0]["row"] == 3
    async with http(site) as client:
        page = (await client.get(f"/v1/audiences/{answer['id']}/faults")).json()
        shown = (await client.get(f"/v1/audiences/{answer['id']}")).json()
    assert len(page["items"]) == 150
    assert page["items"][0] == answer["wrong_rows"][0]
    assert (shown["state"], shown["wrong"]) == ("ready", 150)


async def test_raw_body(site: Running) -> None:
    async with http(site) as client:
        response = await client.post(
            "/v1/audiences", params={**FORM, "relation": "cold", "columns": "{}"},
            content=CSV.encode(), headers={"content-type": "text/csv"},
        )  # fmt: skip
        assert response.status_code == 201
        assert response.json()["columns"] == []
        shown = (await client.get(f"/v1/audiences/{response.json()['id']}")).json()
        assert (shown["statement"], shown["relation"]) == (FORM["statement"], "cold")
        response = await client.post("/v1/audiences", content=CSV.encode())
        assert response.json()["code"] == "missing_statement"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b'--b\r\ncontent-disposition: form-data; name="a"'),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="statement"\r\n\r\nx\r\n--b--\r\n',
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="statement"\r\n\r\n\xff\r\n--b--\r\n',
        ),
    ],
    ids=["no boundary", "no form", "cut off", "no file", "not utf-8"],
)
async def test_malformed_forms(site: Running, content_type: str, body: bytes) -> None:
    async with http(site) as client:
        headers = {"content-type": content_type}
        response = await client.post("/v1/audiences", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_form")


async def test_limits(tmp_path: Path) -> None:
    settings = WebSettings(upload_limit=10_000, xlsx_limit=200, spool=tmp_path)
    async with running(settings) as site:
        response = await upload(site, CSV.encode() * 1_000)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
        response = await upload(site, workbook([["phone"], [13800138000]]))
        assert (response.status_code, response.json()["code"]) == (413, "workbook_too_large")
        response = await upload(site, CSV.encode(), statement="x" * 70_000)
        assert response.status_code == 413
    assert not left_in(tmp_path)


async def test_uploads_at_once_are_bounded() -> None:
    async with running(WebSettings(uploads_at_once=0)) as site:
        response = await upload(site, CSV.encode())
        assert (response.status_code, response.json()["code"]) == (503, "busy_uploads")


async def test_one_account_leaves_room_for_others() -> None:
    async with running(WebSettings(uploads_each=1)) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
        writer.write(
            b"POST /v1/audiences?statement=shop HTTP/1.1\r\nhost: x\r\n"
            b"authorization: Bearer ak_all\r\ncontent-length: 1000\r\n\r\nphone\r\n"
        )
        await asyncio.sleep(0.05)
        response = await upload(site, CSV.encode())
        assert (response.status_code, response.json()["code"]) == (503, "busy_uploads")
        async with http(site) as client:
            response = await client.post(
                "/v1/audiences", data=FORM, files={"file": ("people.csv", CSV.encode())},
                headers={"authorization": "Bearer ak_other"},
            )  # fmt: skip
            assert response.status_code == 201
        writer.transport.abort()
        await asyncio.sleep(0.05)
        assert (await upload(site, CSV.encode())).status_code == 201


class Waiting:
    """Campaigns whose store takes its time."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.begun = asyncio.Event()
        self.given_up = asyncio.Event()
        self.failed: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def add_chunk(self, *_: Any) -> None:
        self.begun.set()
        await asyncio.sleep(60)

    async def fail_audience(self, audience_id: int) -> None:
        self.failed.append(audience_id)
        self.given_up.set()


class WaitingToBegin(Waiting):
    async def create_audience(self, *_: Any) -> int:
        self.begun.set()
        await asyncio.sleep(0.1)
        return 7


@pytest.mark.parametrize("kind", [Waiting, WaitingToBegin])
async def test_peer_that_leaves_while_rows_are_stored(tmp_path: Path, kind: type[Waiting]) -> None:
    settings = WebSettings(spool=tmp_path)
    async with running(settings) as site:
        waiting = kind(site.real.campaigns)
    async with running(settings, campaigns=waiting) as site:
        sending = asyncio.create_task(upload(site, CSV.encode()))
        await waiting.begun.wait()
        sending.cancel()
        await asyncio.wait([sending])
        await asyncio.wait_for(waiting.given_up.wait(), 5)
        assert len(waiting.failed) == 1
        await asyncio.sleep(0.05)
        async with http(site) as client:
            assert (await client.get("/healthz")).status_code == 200
    assert not [p for p in psutil.Process().children() if "reading" in " ".join(p.cmdline())]


async def test_peer_that_leaves_mid_file(tmp_path: Path) -> None:
    async with running(WebSettings(spool=tmp_path)) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
        writer.write(
            b"POST /v1/audiences?statement=shop HTTP/1.1\r\nhost: x\r\n"
            b"authorization: Bearer ak_all\r\ncontent-length: 1000\r\n\r\nphone\r\n13800138000"
        )
        await asyncio.sleep(0.05)
        # Not even now: what has no name cannot be left behind by a crash.
        assert not left_in(tmp_path)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        assert not site.real.book(1).audiences.all()


async def test_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel itself says that there is no space: what is written goes to /dev/full."""

    def full(handle: int, data: bytes) -> None:
        with open("/dev/full", "wb", buffering=0) as disk:  # noqa: PTH123
            disk.write(data)

    monkeypatch.setattr("assent.web.uploads._write_all", full)
    async with running() as site:
        response = await upload(site, CSV.encode())
    assert (response.status_code, response.json()["code"]) == (507, "no_space")


class FailingStore:
    """Campaigns whose store fails at the second chunk."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.failed: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def add_chunk(self, audience_id: int, number: int, *rest: Any) -> None:
        if number == 1:
            raise OSError("gone")

    async def fail_audience(self, audience_id: int) -> None:
        self.failed.append(audience_id)


async def test_store_that_fails_midway(tmp_path: Path) -> None:
    async with running(WebSettings(spool=tmp_path)) as site:
        pass
    failing = FailingStore(site.real.campaigns)
    async with running(WebSettings(spool=tmp_path), campaigns=failing) as site:
        response = await upload(site, b"phone\n" + b"13800138000\n" * 20_000)
        assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert len(failing.failed) == 1
    assert not left_in(tmp_path)
    assert not [p for p in psutil.Process().children() if "reading" in " ".join(p.cmdline())]


class Counting:
    """Campaigns that only count, so that what is measured is the way of a file."""

    def __init__(self) -> None:
        self.rows = 0
        self.largest = 0
        self.peak = 0

    async def create_audience(self, *_: Any) -> int:
        return 1

    async def add_chunk(
        self, audience_id: int, number: int, rows: Any, numbers: Any, faults: Any, variables: Any
    ) -> None:
        self.rows += len(rows)
        self.largest = max(self.largest, len(rows))
        if number % 20 == 0:
            self.peak = max(self.peak, psutil.Process().memory_info().rss)
            await asyncio.sleep(0)

    async def finish_audience(self, *_: Any) -> None:
        pass

    async def fail_audience(self, *_: Any) -> None:
        raise AssertionError("the file is good")


async def test_large_file_takes_little_memory_and_blocks_nobody(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    line = "1380013%04d,张三,一二三四五六七八\n"
    block = "".join(line % number for number in range(10_000))
    with file.open("w") as out:
        out.write("手机号,姓名,备注\n")
        for _ in range(80):
            out.write(block)
    size = file.stat().st_size
    assert size > 30 * MIB
    counting = Counting()
    answered = 0
    async with running(WebSettings(spool=tmp_path), campaigns=counting) as site:
        await upload(site, CSV.encode())
        counting.rows = 0
        before = psutil.Process().memory_info().rss
        with file.open("rb") as source:

            async def send() -> httpx.Response:
                async with http(site) as client:
                    return await client.post(
                        "/v1/audiences", data={**FORM, "columns": '{"name": "姓名"}'},
                        files={"file": ("large.csv", source)}, timeout=120,
                    )  # fmt: skip

            sending = asyncio.create_task(send())
            async with http(site) as other:
                while not sending.done():
                    assert (await other.get("/healthz")).status_code == 200
                    answered += 1
                    await asyncio.sleep(0.02)
            response = await sending
    assert response.status_code == 201, response.text
    assert response.json()["rows"] == counting.rows == 800_000
    assert counting.largest <= 8_192
    assert counting.peak - before < 20 * MIB
    assert answered > 20, "others were answered all the while"


async def test_reader_is_gone_when_its_caller_leaves(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"phone\n" + b"13800138000\n" * 200_000)
    with file.open("rb") as opened:
        parts = reading(opened, ReadOptions())
        assert isinstance(await anext(parts), Head)
        await parts.aclose()
    assert not [p for p in psutil.Process().children() if "reading" in " ".join(p.cmdline())]


def test_reader_tells_when_memory_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(CSV.encode())

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("assent.web.reading.rows_of", no_memory)
    (failure,) = frames(file, ReadOptions())
    assert isinstance(failure, Failure)
    assert failure.code == "file_too_complex"


# Columns and text, without files ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "options", "number", "variables", "header"),
    [
        (["手机号", "姓名"], {}, 0, {"姓名": 1}, True),
        (["姓名", " Mobile No. "], {}, 1, {"姓名": 0}, True),
        (["name", "PHONE_NUMBER"], {}, 1, {"name": 0}, True),
        (["x"], {}, 0, {}, True),
        (["13800138000", "张三"], {}, 0, {"column2": 1}, False),
        (["张三", "+86 13800138000"], {}, 1, {"column1": 0}, False),
        (["a", "b"], {"number_column": "B"}, 1, {"a": 0}, True),
        (["to", "b", "c"], {"columns": {"v": "c"}}, 0, {"v": 2}, True),
        (["to", "b"], {"columns": {}}, 0, {}, True),
        (["15400000001"], {}, 0, {}, False),
    ],
)
def test_plan(
    first: list[str], options: dict[str, Any], number: int, variables: dict[str, int], header: bool
) -> None:
    meaning = plan(first, ReadOptions(**options))
    assert (meaning.number, meaning.variables, meaning.header) == (number, variables, header)


CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)


@given(
    rows=st.integers(2, 4).flatmap(
        lambda width: st.lists(
            st.lists(CELL, min_size=width, max_size=width).filter(any), min_size=1, max_size=6
        )
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_table_reads_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], encoding: str
) -> None:
    import csv

    file = tmp_path_factory.mktemp("csv") / "f"
    with file.open("w", encoding=encoding, newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    assert list(rows_of(file, MIB)) == rows


@given(st.binary(max_size=300))
def test_any_octets_are_rows_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("any") / "f"
    file.write_bytes(data)
    parts = list(frames(file, ReadOptions()))
    assert isinstance(parts[-1], End | Failure)


def test_encoding_is_found_beyond_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"a,b\n" * 600_000 + "张,三\n".encode("gb18030"))
    assert encoding_of(file) == "gb18030"
    file.write_bytes(b"a,b\n" * 600_000 + b"\xff\xff")
    with pytest.raises(InvalidInput, match="octet 2400000"):
        encoding_of(file)
