"""Audience files: over the network to disk, from there through a reader process to flow.

Nothing of a file is held whole in memory. Nothing of it is stored before all of it was looked
at, and nothing is usable before all of it is stored: an audience that ends early for any reason,
a peer that leaves among them, is failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast, get_args

import msgspec
import numpy as np

from assent.errors import AssentError, InvalidInput, Unavailable
from assent.flow.requests import Caller, RelationWord
from assent.numbers import FAULT_WORDS, Fault
from assent.policy.filing import Relation
from assent.web.audience_plan import ReadOptions
from assent.web.exchange import Exchange
from assent.web.forms import Form, file_of
from assent.web.reading import Chunk, Head, reading
from assent.web.services import Campaigns
from assent.web.settings import MIB, WebSettings

_LISTED: Final = 100
_STATEMENT: Final = 2_000
_NAME: Final = 200
_KNOWN: Final = frozenset({"name", "statement", "relation", "number_column", "columns"})


class Uploads:
    """Takes audience files, some at a time."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._under_way: Counter[int] = Counter()  # account → uploads
        self._readers = asyncio.Semaphore(settings.readers_at_once)

    async def load(
        self, exchange: Exchange, query: Mapping[str, str], caller: Caller, campaigns: Campaigns
    ) -> dict[str, Any]:
        """Take a file and return the audience made of it, with its wrong rows.

        Raises InvalidInput and its kin for a request or file that cannot be used, Unavailable
        when too much is under way or the disk is full.
        """
        account, settings = caller.account_id, self._settings
        if (
            self._under_way.total() >= settings.uploads_at_once
            or self._under_way[account] >= settings.uploads_each
        ):
            raise Unavailable(
                "busy_uploads", "too many files are being uploaded", rule="http-api: limits",
                mend="try again in a minute",
            )  # fmt: skip
        self._under_way[account] += 1
        try:
            return await self._load(exchange, query, caller, campaigns)
        finally:
            self._under_way[account] -= 1
            self._under_way += Counter()  # drops accounts without any

    async def _load(
        self, exchange: Exchange, query: Mapping[str, str], caller: Caller, campaigns: Campaigns
    ) -> dict[str, Any]:
        async with _nameless(self._settings.spool) as file:
            fields = await self._receive(exchange, query, file)
            order = _UploadOrder(fields, self._settings, caller.sandbox)
            async with exchange.while_there(), self._readers:
                return await _Loading(caller, campaigns).run(file, order)

    async def _receive(
        self, exchange: Exchange, query: Mapping[str, str], file: BinaryIO
    ) -> Mapping[str, str]:
        """Write the file to disk; return the fields that came with it."""
        content_type = exchange.header(b"content-type")
        if content_type.lower().startswith("multipart/form-data"):
            form = Form(content_type)
            await _spool(file_of(form, exchange.stream()), file)
            return {**query, **form.fields}
        # The fields of a raw body are known already: complain before it travels.
        _UploadOrder(query, self._settings)
        await _spool(exchange.stream(), file)
        return query


@contextlib.asynccontextmanager
async def _nameless(directory: Path | None) -> AsyncGenerator[BinaryIO]:
    """Open a file on disk that never has a name: nothing stays behind, whatever ends us."""
    file = cast(BinaryIO, tempfile.TemporaryFile(dir=directory, buffering=0))  # noqa: SIM115
    try:
        yield file
    finally:
        # Giving back a gigabyte takes the kernel longer than others should wait.
        await asyncio.shield(asyncio.to_thread(file.close))


async def _spool(stream: AsyncGenerator[bytes], file: BinaryIO) -> None:
    """Write a stream to disk in another thread, a MiB at a time."""
    buffer = bytearray()
    try:
        async with contextlib.aclosing(stream):
            async for data in stream:
                buffer += data
                if len(buffer) >= MIB:
                    await asyncio.to_thread(_write_all, file.fileno(), bytes(buffer))
                    buffer.clear()
        await asyncio.to_thread(_write_all, file.fileno(), bytes(buffer))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Unavailable(
            "no_space", "there is no room for the file at the moment", field="file",
            rule="http-api: limits", mend="try again later, or tell the operator", status=507,
        ) from None  # fmt: skip


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


class _UploadOrder:
    """What came with a file. Raises InvalidInput naming the field that is wrong."""

    def __init__(
        self, fields: Mapping[str, str], settings: WebSettings, magic: bool = False
    ) -> None:
        for name in fields:
            if name not in _KNOWN:
                raise _wrong("unknown_field", name[:40], "there is no such field", "remove it")
        self.statement = fields.get("statement", "").strip()
        if not self.statement:
            raise InvalidInput(
                "missing_statement", "an audience needs a statement where its numbers come from",
                field="statement", rule="CN-18a",
                mend="say how these people became customers and agreed",
            )  # fmt: skip
        self.name = fields.get("name", "").strip() or "audience"
        for name, text, limit in (
            ("statement", self.statement, _STATEMENT), ("name", self.name, _NAME),
        ):  # fmt: skip
            if len(text) > limit:
                raise _wrong("too_long", name, f"longer than {limit} characters", "shorten it")
        self.relation = _relation(fields.get("relation", "").strip())
        self.options = ReadOptions(
            number_column=fields.get("number_column") or None,
            columns=_columns(fields.get("columns")),
            xlsx_limit=settings.xlsx_limit,
            memory=settings.reader_memory,
            rows_limit=settings.rows_limit,
            text_limit=settings.text_limit,
            magic=magic,
        )


def _relation(word: str) -> Relation:
    if word and word not in get_args(RelationWord):
        raise _wrong(
            "invalid_field", "relation", "no such relation to the sender",
            "say customers, members or cold; docs/http-api.md tells what they mean",
        )  # fmt: skip
    return Relation(word) if word else Relation.UNSTATED


def _columns(text: str | None) -> dict[str, str] | None:
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        raise _wrong(
            "invalid_field", "columns", "not a JSON object of variable names and columns",
            'write it like {"name": "姓名"}',
        ) from None  # fmt: skip


def _wrong(code: str, field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput(code, words, field=field, rule="http-api: audiences", mend=mend)


class _Loading:
    """One file on its way from disk to flow."""

    def __init__(self, caller: Caller, campaigns: Campaigns) -> None:
        self._caller = caller
        self._campaigns = campaigns
        self._id: int | None = None
        self._chunks = 0
        self._rows = 0
        self._faults: Counter[int] = Counter()
        self._listed: list[dict[str, Any]] = []

    async def run(self, file: BinaryIO, order: _UploadOrder) -> dict[str, Any]:
        """Read a file into an audience. Raises InvalidInput for a file that cannot be read."""
        beginning: asyncio.Task[int] | None = None
        finished = False
        try:
            async with contextlib.aclosing(reading(file, order.options)) as parts:
                # The first part is the head. A file that cannot be used leaves no trace.
                head = cast(Head, await anext(parts))
                beginning = asyncio.create_task(self._begin(order))
                audience_id = await asyncio.shield(beginning)
                async for part in parts:
                    await self._add(audience_id, cast(Chunk, part))
            self._check(head)
            await self._campaigns.finish_audience(audience_id, head.variables)
            finished = True
        except InvalidInput as error:
            if self._id is not None:
                error.details = {**(error.details or {}), "audience": str(self._id)}
            raise
        finally:
            if beginning is not None and not finished:
                # Also when this task is cancelled: half an audience must not stay "loading".
                await asyncio.shield(self._give_up(beginning))
        return {
            "id": str(audience_id),
            "name": order.name,
            "state": "ready",
            "rows": self._rows,
            "wrong": self._faults.total(),
            "number_column": head.number_column,
            "columns": head.variables,
            "faults": {Fault(k).name.lower(): n for k, n in sorted(self._faults.items())},
            "wrong_rows": self._listed,
        }

    async def _begin(self, order: _UploadOrder) -> int:
        self._id = await self._campaigns.create_audience(
            self._caller, order.name, order.statement, order.relation
        )
        return self._id

    async def _give_up(self, beginning: asyncio.Task[int]) -> None:
        with contextlib.suppress(AssentError):  # then it never began
            await beginning
        if self._id is not None:
            await self._campaigns.fail_audience(self._id)

    async def _add(self, audience_id: int, chunk: Chunk) -> None:
        rows = np.frombuffer(chunk.rows, np.uint32)
        faults = np.frombuffer(chunk.faults, np.uint8)
        self._rows += len(rows)
        wrong = np.flatnonzero(faults)
        if len(wrong):
            counts = np.bincount(faults[wrong]).tolist()
            self._faults.update({fault: count for fault, count in enumerate(counts) if count})
        for place in wrong[: _LISTED - len(self._listed)].tolist():
            fault = Fault(int(faults[place]))
            self._listed.append(
                {"row": int(rows[place]), "code": fault.name.lower(),
                 "reason": FAULT_WORDS[fault].en}
            )  # fmt: skip
        numbers = np.frombuffer(chunk.numbers, np.uint64)
        await self._campaigns.add_chunk(
            audience_id, self._chunks, rows, numbers, faults, chunk.variables
        )
        self._chunks += 1

    def _check(self, head: Head) -> None:
        if not self._rows:
            raise InvalidInput(
                "audience_empty", "the file has no rows", field="file",
                rule="http-api: audiences", mend="put one receiver in each row",
            )  # fmt: skip
        if self._faults.total() == self._rows:
            raise InvalidInput(
                "no_valid_number", "no row has a phone number that a message can go to",
                field="number_column", rule="http-api: audiences",
                mend="name the column with the numbers, and see `details` for what is wrong",
                details={
                    "number_column": head.number_column,
                    "faults": {Fault(k).name.lower(): n for k, n in self._faults.items()},
                    "wrong_rows": self._listed,
                },
            )  # fmt: skip
