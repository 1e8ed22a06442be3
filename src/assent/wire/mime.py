"""Multipart bodies of MIME, as far as MM7 needs them (RFC 2045, 2046, 2387): written whole, and
read with limits on everything that an outsider could make large.

Binary goes as it is: HTTP carries any octet (RFC 9110, 6.4), so nothing is encoded. What arrives
may be encoded all the same.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from assent.wire.frame import MalformedPdu

PARTS: Final = 64
"""Parts of one body, at most."""

_TRIES: Final = 1024  # lines that begin like a delimiter and are none are looked at, too

HEAD: Final = 8192
"""Octets of one part's headers, at most."""

_PARAMETER: Final = re.compile(
    r';\s*([\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))'
)
_ESCAPED: Final = re.compile(r"\\(.)")
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_AS_IT_IS: Final = ("", "7bit", "8bit", "binary")


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its headers by their small names, and its body with the encoding taken off."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """The media type, text/plain where none is said (RFC 2045, 5.2)."""
        return media_type(self.headers.get("content-type", "text/plain"))[0]

    @property
    def content_id(self) -> str:
        """The Content-ID without its brackets, '' where there is none."""
        return self.headers.get("content-id", "").strip().strip("<>")

    @property
    def name(self) -> str:
        """What the part is called: its Content-Location, else the name of its type, else ''."""
        said = self.headers.get("content-location", "").strip()
        if said:
            return said
        return media_type(self.headers.get("content-type", ""))[1].get("name", "")


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """Return the type in small letters and its parameters by their small names."""
    kind, _, _ = value.partition(";")
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value[len(kind) :]):
        parameters.setdefault(name.lower(), _ESCAPED.sub(r"\1", quoted) or plain)
    return kind.strip().lower(), parameters


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart type, None for another type. Raises MalformedPdu for one
    that has none, or that is no boundary (RFC 2046, 5.1.1)."""
    kind, parameters = media_type(content_type)
    if not kind.startswith("multipart/"):
        return None
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedPdu("the multipart body has no good boundary")
    return boundary.encode("ascii")


def join(parts: Sequence[tuple[str, bytes]], boundary: str) -> bytes:
    """Return the multipart body of (header lines, body)s. The caller sees to it that the boundary
    is in none of them. Header lines end with CRLF each."""
    mark = f"--{boundary}".encode("ascii")
    pieces: list[bytes] = []
    for head, body in parts:
        pieces += [mark, b"\r\n", head.encode("ascii"), b"\r\n", body, b"\r\n"]
    return b"".join([*pieces, mark, b"--\r\n"])


def split(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a multipart body. Raises MalformedPdu for one without an end, with more
    than `PARTS` parts, or with a part that cannot be read."""
    marks = list(_marks(body, boundary))
    if not marks or not marks[-1][2]:
        raise MalformedPdu("the multipart body is not closed")
    parts: list[Part] = []
    for (_, start, _), (stop, _, _) in pairwise(marks):
        if body[stop - 1 : stop] == b"\n" and stop > start:
            stop -= 1
            if body[stop - 1 : stop] == b"\r" and stop > start:
                stop -= 1
        parts.append(read_part(body[start:stop]))
    return parts


def _marks(body: bytes, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield (begin, end, whether it is the last) of each delimiter line, up to the last."""
    mark = b"--" + boundary
    at = 0 if body.startswith(mark) else body.find(b"\n" + mark) + 1
    count = tried = 0
    while at > 0 or tried == 0:
        tried += 1
        end = at + len(mark)
        last = body[end : end + 2] == b"--"
        stop = body.find(b"\n", end, end + 80)
        rest = body[end + 2 * last : stop if stop >= 0 else end + 80]
        if body.startswith(mark, at) and (last or stop >= 0) and not rest.strip():
            yield at, stop + 1 if stop >= 0 else len(body), last
            count += 1
            if last:
                return
        if count > PARTS or tried > _TRIES:
            raise MalformedPdu(f"the multipart body has more than {PARTS} parts")
        at = body.find(b"\n" + mark, end - 1) + 1


def read_part(data: bytes) -> Part:
    """Return a MIME entity: headers, an empty line, a body. Raises MalformedPdu."""
    if data.startswith((b"\r\n", b"\n")):
        return Part({}, data[2 if data[0] == 13 else 1 :])
    windows, unix = data.find(b"\r\n\r\n", 0, HEAD), data.find(b"\n\n", 0, HEAD)
    if windows >= 0 and (unix < 0 or windows < unix):
        head, body = data[:windows], data[windows + 4 :]
    elif unix >= 0:
        head, body = data[:unix], data[unix + 2 :]
    else:
        raise MalformedPdu(f"a part has no end of its headers within {HEAD} octets")
    headers = _headers(head)
    return Part(headers, _decoded(body, headers.get("content-transfer-encoding", "")))


def _headers(head: bytes) -> dict[str, str]:
    text = re.sub(r"\r?\n[ \t]+", " ", head.decode("utf-8", "replace"))
    headers: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise MalformedPdu("a part has a header line without a name")
        headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _decoded(body: bytes, encoding: str) -> bytes:
    word = encoding.strip().lower()
    if word in _AS_IT_IS:
        return body
    if word == "base64":
        try:
            return base64.b64decode(re.sub(rb"\s", b"", body), validate=True)
        except binascii.Error:
            raise MalformedPdu("a part is not the base64 that it says it is") from None
    if word == "quoted-printable":
        return quopri.decodestring(body)
    raise MalformedPdu("a part has an encoding that is not known")
