"""Reading audience files in a process of their own.

Parsing text and checking numbers takes a processor for minutes on a large file; here it takes
one that the event loop does not need, with a memory limit, and what it finds comes back over a
pipe in portions. The pipe is the backpressure: the reader waits while flow stores.

``python -m assent.web.reading`` is that process: options on standard input, frames (four
octets of length, then msgpack) on standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import struct
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec
import numpy as np

from assent.errors import AssentError, InvalidInput, TooLarge, Unavailable
from assent.flow.magic_numbers import parse_with_magic
from assent.numbers import parse
from assent.web.audience_plan import Plan, ReadOptions, plan
from assent.web.tables import rows_of

CHUNK_ROWS: Final = 8_192
_CHUNK_CHARACTERS: Final = 1 << 20
_CELL: Final = 500
_LENGTH: Final = struct.Struct(">I")
_NICE: Final = 10


class Head(msgspec.Struct, tag="head"):
    """What the columns mean: first of all frames."""

    variables: list[str]
    number_column: str


class Chunk(msgspec.Struct, tag="chunk"):
    """Up to 8,192 rows: u32 row numbers (from 1 under the header), u64 numbers, u8 faults."""

    rows: bytes
    numbers: bytes
    faults: bytes
    variables: dict[str, list[str]] | None


class Failure(msgspec.Struct, tag="failure"):
    """Why the file cannot be used: an error's fields."""

    code: str
    message: str
    field: str | None
    rule: str | None
    mend: str | None
    details: dict[str, Any] | None
    status: int


class End(msgspec.Struct, tag="end"):
    """Last of all frames."""


class _Work(msgspec.Struct):
    path: str
    options: ReadOptions


_FRAMES: Final[msgspec.msgpack.Decoder[Head | Chunk | Failure | End]] = msgspec.msgpack.Decoder(
    Head | Chunk | Failure | End
)


# The parent's side ---------------------------------------------------------------------------


async def reading(file: BinaryIO, options: ReadOptions) -> AsyncGenerator[Head | Chunk]:
    """Yield the head of an open file (which needs no name any more) and then its rows.

    Raises InvalidInput before anything else for a file that cannot be used, Unavailable at any
    time when the reader itself fails. The reader is gone when this ends.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assent.web.reading", stdin=PIPE, stdout=PIPE, limit=1 << 22,
        pass_fds=(file.fileno(),),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_search_path())},
    )  # fmt: skip
    handle = os.pidfd_open(process.pid)
    stdin = cast(asyncio.StreamWriter, process.stdin)
    stdout = cast(asyncio.StreamReader, process.stdout)
    try:
        stdin.write(msgspec.json.encode(_Work(f"/proc/self/fd/{file.fileno()}", options)))
        stdin.close()
        while not isinstance(frame := await _frame(stdout), End):
            if isinstance(frame, Failure):
                raise _error(frame)
            yield frame
    except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
        raise Unavailable(
            "reading_failed", "the file could not be read to its end", field="file",
            rule="http-api: audiences", mend="try again; if it stays, split the file",
        ) from None  # fmt: skip
    finally:
        # By handle: asyncio's kill() looks whether the process ended, which takes the news from
        # the watcher that wait() relies on.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
        await asyncio.shield(process.wait())


def _search_path() -> list[str]:
    """Return where the reader finds this package, also when it is not installed."""
    given = os.environ.get("PYTHONPATH")
    return [str(Path(__file__).parents[2]), *([given] if given else [])]


async def _frame(pipe: asyncio.StreamReader) -> Head | Chunk | Failure | End:
    (size,) = _LENGTH.unpack(await pipe.readexactly(_LENGTH.size))
    return _FRAMES.decode(await pipe.readexactly(size))


def _error(failure: Failure) -> InvalidInput:
    kind = TooLarge if failure.status == TooLarge.status else InvalidInput
    return kind(
        failure.code, failure.message, field=failure.field, rule=failure.rule, mend=failure.mend,
        details=failure.details, status=failure.status,
    )  # fmt: skip


# The reader's side ---------------------------------------------------------------------------


def frames(path: Path, options: ReadOptions) -> Iterator[Head | Chunk | Failure | End]:
    """Yield a file as frames, an unusable one as a Failure and nothing else.

    It is read twice: what is wrong with its last row is known before anything is told of its
    first, so that nobody has begun to store it.
    """
    try:
        for _ in _parts(path, options):
            pass
        yield from _parts(path, options)
    except AssentError as error:
        yield Failure(
            error.code, error.message, error.field, error.rule, error.mend, error.details,
            error.status,
        )  # fmt: skip
    except MemoryError:
        yield Failure(
            "file_too_complex", "the file needs more memory than a reader may take", "file",
            "http-api: limits", "split it, or save it as CSV (UTF-8)", None, 413,
        )  # fmt: skip
    else:
        yield End()


def _parts(path: Path, options: ReadOptions) -> Iterator[Head | Chunk]:
    rows = rows_of(path, options.xlsx_limit)
    first = next((row for row in rows if row), None)
    if first is None:
        raise InvalidInput(
            "audience_empty", "the file has no rows", field="file",
            rule="http-api: audiences", mend="put one receiver in each row",
        )  # fmt: skip
    meaning = plan(first, options)
    yield Head(list(meaning.variables), meaning.names[meaning.number])
    yield from _chunks(rows, first, _Gather(meaning, options))


def _chunks(rows: Iterator[list[str]], first: list[str], gather: _Gather) -> Iterator[Chunk]:
    row = 0
    if not gather.meaning.header:
        row = 1
        gather.add(row, first)
    for cells in rows:
        row += 1
        if row > gather.most_rows:
            # Blank ones too: a small Parquet file may have any number of them.
            raise _too_much(f"more than {gather.most_rows} rows")
        if cells:
            gather.add(row, cells)
            if gather.full:
                yield gather.take()
    if gather.rows:
        yield gather.take()


class _Gather:
    """Rows on their way into a chunk."""

    def __init__(self, meaning: Plan, options: ReadOptions) -> None:
        self.meaning = meaning
        self.most_rows = options.rows_limit
        self._most_text = options.text_limit
        self._text = 0
        self._parse = parse_with_magic if options.magic else parse
        self._number = meaning.number
        self._columns = list(meaning.variables.items())
        self._clear()

    def _clear(self) -> None:
        self.rows: list[int] = []
        self._numbers: list[str] = []
        self._values: list[list[str]] = [[] for _ in self._columns]
        self._characters = 0

    @property
    def full(self) -> bool:
        return len(self.rows) >= CHUNK_ROWS or self._characters >= _CHUNK_CHARACTERS

    def add(self, row: int, cells: list[str]) -> None:
        self.rows.append(row)
        width = len(cells)  # a workbook's rows may end early
        self._numbers.append(cells[self._number][:_CELL] if self._number < width else "")
        for values, (name, place) in zip(self._values, self._columns, strict=True):
            cell = cells[place] if place < width else ""
            if len(cell) > _CELL:
                raise InvalidInput(
                    "cell_too_long", f"row {row} has a value of more than {_CELL} characters",
                    field=name, rule="http-api: limits", mend="shorten it", details={"row": row},
                )  # fmt: skip
            values.append(cell)
            self._characters += len(cell)

    def take(self) -> Chunk:
        self._text += self._characters
        if self._text > self._most_text:
            raise _too_much(f"values of more than {self._most_text} characters together")
        parsed = self._parse(self._numbers)
        variables = {
            name: values for (name, _), values in zip(self._columns, self._values, strict=True)
        }
        chunk = Chunk(
            np.array(self.rows, np.uint32).tobytes(),
            parsed.msisdn.tobytes(),
            parsed.fault.tobytes(),
            variables or None,
        )
        self._clear()
        return chunk


def _too_much(words: str) -> TooLarge:
    """Return the error for a file that unpacks to more than it weighs."""
    return TooLarge(
        "audience_too_large", f"the file has {words}", field="file", rule="http-api: limits",
        mend="split it, and keep only the columns that the text uses",
    )  # fmt: skip


def write_frames(work: _Work, out: BinaryIO) -> None:
    """Write a file's frames to a pipe."""
    encoder = msgspec.msgpack.Encoder()
    for frame in frames(Path(work.path), work.options):
        data = encoder.encode(frame)
        out.write(_LENGTH.pack(len(data)) + data)
    out.flush()


def main() -> None:
    """Be the reader process."""
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=_Work)
    os.nice(_NICE)  # codes come first
    resource.setrlimit(resource.RLIMIT_DATA, (work.options.memory, work.options.memory))
    with contextlib.suppress(BrokenPipeError):  # the parent has gone
        write_frames(work, sys.stdout.buffer)


if __name__ == "__main__":
    main()
