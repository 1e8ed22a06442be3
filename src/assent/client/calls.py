"""Requests and answers of the API as values, without any I/O."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec

from assent.errors import (
    AssentError,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    TooLarge,
    Unavailable,
)

Answer: TypeAlias = dict[str, Any]
"""A JSON object of the API."""

_ERRORS: Final[dict[int, type[AssentError]]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: Unavailable,
    503: Unavailable,
}


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, total: int, progress: Callable[[int, int], None]) -> None:
        self._file = file
        self._total = total
        self._progress = progress

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._progress(self._file.tell(), self._total)
        return data


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to hand in: a path, bytes, or an open binary file that can seek."""

    source: Path | bytes | BinaryIO
    filename: str
    fields: Mapping[str, str]
    progress: Callable[[int, int], None] | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Yield the file at its beginning; it is read in pieces while it is sent."""
        if isinstance(self.source, Path):
            with self.source.open("rb") as file:
                yield self._counted(file)
        elif isinstance(self.source, bytes):
            yield self._counted(io.BytesIO(self.source))
        else:
            yield self._counted(self.source)

    def _counted(self, file: BinaryIO) -> BinaryIO:
        total = file.seek(0, io.SEEK_END)
        file.seek(0)
        if self.progress is None:
            return file
        return _Counted(file, total, self.progress)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `repeatable`: doing it twice does no more than once."""

    method: str
    path: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    upload: Upload | None = None
    repeatable: bool = True
    first_row: int = 0  # where this portion of a longer list begins
    fields: Mapping[str, str] = field(default_factory=dict)  # of a form with `frames`
    frames: Sequence[tuple[str, bytes]] = ()  # (name, octets), in their order
    raw: bool = False  # the answer is no JSON: {"type": …, "octets": …}

    @contextmanager
    def file(self) -> Iterator[BinaryIO | None]:
        """Yield the open file to upload, None for a call without one."""
        if self.upload is None:
            yield None
        else:
            with self.upload.open() as file:
                yield file


def read_answer(status: int, body: bytes) -> Answer:
    """Return an answer's object; raise the error that the server told."""
    try:
        answer = msgspec.json.decode(body) if body else {}
    except msgspec.DecodeError:
        answer = None
    if status < 400 and isinstance(answer, dict):
        return answer
    kind = _ERRORS.get(status, InvalidInput if 400 <= status < 500 else AssentError)
    if not isinstance(answer, dict) or "code" not in answer:
        raise kind(
            "unexpected_answer",
            f"the server answered {status} with something that is not of this API",
            status=status,
            mend="check that the address is that of an assent server",
        )
    raise kind(
        str(answer["code"]),
        str(answer.get("detail", "")),
        field=answer.get("field"),
        rule=answer.get("rule"),
        mend=answer.get("mend"),
        details=answer.get("details"),
        status=status,
    )


def unreachable(error: Exception) -> Unavailable:
    """Return the error for a server that gave no answer."""
    return Unavailable(
        "unreachable",
        f"the server did not answer ({type(error).__name__})",
        mend="check the address and that the server runs; then try again",
    )


def summed(total: Answer, answer: Answer, first_row: int = 0) -> Answer:
    """Fold the answer to a portion of a long list into the whole: counts add, lists join.

    Rows in lists become rows of the whole list.
    """
    for name, value in answer.items():
        had = total.get(name)
        if isinstance(value, dict):
            total[name] = summed(had if isinstance(had, dict) else {}, value, first_row)
        elif isinstance(value, list):
            moved = [_moved(item, first_row) for item in value]
            total[name] = [*had, *moved] if isinstance(had, list) else moved
        elif type(value) is int and type(had) is int:
            total[name] = had + value
        else:
            total[name] = value
    return total


def _moved(item: Any, by: int) -> Any:
    if isinstance(item, dict) and type(item.get("row")) is int:
        return {**item, "row": item["row"] + by}
    return item
