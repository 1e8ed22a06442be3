"""multipart/form-data as a stream: fields in memory, the file handed on piece by piece."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from assent.errors import InvalidInput, TooLarge
from assent.web.settings import KIB

_FIELDS_LIMIT: Final = 64 * KIB
_PARTS_LIMIT: Final = 32


def malformed(words: str) -> InvalidInput:
    """Return the error for a form that cannot be read."""
    return InvalidInput(
        "malformed_form", words, field="body", rule="http-api: audiences", status=400,
        mend="send multipart/form-data with the fields first and one part named file",
    )  # fmt: skip


class Form:
    """A form while it arrives: feed it, take what it found of the file out of `ready`."""

    def __init__(self, content_type: str) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise malformed("the form names no boundary")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.ready: list[bytes] = []
        self.ended = False
        self._parts = 0
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._in_file = False
        self._value = bytearray()
        self._size = 0
        self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]

    def feed(self, data: bytes) -> None:
        """Read on. Raises InvalidInput, TooLarge."""
        try:
            self._parser.write(data)
        except MultipartParseError:
            raise malformed("the form is cut off or is not multipart/form-data") from None

    def _callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_end,
            "on_end": self._on_form_end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS_LIMIT:
            raise malformed(f"the form has more than {_PARTS_LIMIT} parts")
        self._headers = {}
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._grow(end - start)

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._grow(end - start)

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = b"filename" in options
        if self._in_file:
            if self.filename is not None:
                raise malformed("the form has more than one file")
            self.filename = options[b"filename"].decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.ready.append(data[start:end])
        else:
            self._grow(end - start)
            self._value += data[start:end]

    def _on_end(self) -> None:
        if not self._in_file:
            try:
                self.fields[self._name] = self._value.decode("utf-8")
            except UnicodeDecodeError:
                raise malformed(f"the field {self._name[:40]} is not UTF-8") from None

    def _on_form_end(self) -> None:
        self.ended = True

    def _grow(self, octets: int) -> None:
        self._size += octets
        if self._size > _FIELDS_LIMIT:
            raise TooLarge(
                "form_fields_too_large", f"the form's fields exceed {_FIELDS_LIMIT} octets",
                field="body", rule="http-api: limits", mend="shorten them",
            )  # fmt: skip


async def file_of(form: Form, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the file's octets while the form arrives; its fields are complete at the end."""
    async for data in stream:
        form.feed(data)
        pieces, form.ready = form.ready, []
        for piece in pieces:
            yield piece
    if not form.ended:
        raise malformed("the form is cut off")
    if form.filename is None:
        raise malformed("the form has no file")


@asynccontextmanager
async def kept_file(
    form: Form, stream: AsyncIterator[bytes], most: int, too_large: Callable[[], Exception]
) -> AsyncGenerator[tuple[Path, bytes]]:
    """Keep the file while the block runs: its path and SHA-256. Raises what `too_large` gives once
    more than `most` octets came."""
    sha, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(prefix="form-") as file:
        async for data in file_of(form, stream):
            size += len(data)
            if size > most:
                raise too_large()
            sha.update(data)
            await asyncio.to_thread(file.write, data)
        await asyncio.to_thread(file.flush)
        yield Path(file.name), sha.digest()
