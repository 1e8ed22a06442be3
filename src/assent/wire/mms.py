"""Ordered frames as the content of a multimedia message: a SMIL presentation with one slide a
frame, and the frames as they came, octet for octet.

One `par` a frame, in their order, is what every phone shows as a series of slides (OMA MMS
Conformance: MMS SMIL). Names inside are made from the place, so that nothing
of a customer's file names gets into a header.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assent.wire import mime
from assent.wire.frame import MalformedPdu
from assent.wire.media import ENDINGS, TEXT

SLIDE_MS: Final = 5000
"""How long a text or a picture stays; a video stays as long as it lasts."""

SMIL: Final = "application/smil"
_TOKEN: Final = 40
_LENGTH: Final = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class MmsFrame:
    """One frame. `kind` is one of `media.ENDINGS`."""

    kind: str
    data: bytes


def name_of(place: int, kind: str) -> str:
    """Return what a frame is called inside the message; places count from 1."""
    return f"{place:02}.{ENDINGS[kind]}"


def smil(frames: Sequence[MmsFrame]) -> bytes:
    """Return the presentation."""
    slides = "".join(_slide(place, frame.kind) for place, frame in enumerate(frames, start=1))
    text = (
        "<smil><head><layout><root-layout/>"
        '<region id="Image" width="100%" height="80%" left="0" top="0" fit="meet"/>'
        '<region id="Text" width="100%" height="20%" left="0" top="80%"/>'
        f"</layout></head><body>{slides}</body></smil>"
    )
    return text.encode("ascii")


def _slide(place: int, kind: str) -> str:
    name, sort = name_of(place, kind), kind.partition("/")[0]
    if kind == TEXT:
        return f'<par dur="{SLIDE_MS}ms"><text src="{name}" region="Text"/></par>'
    if sort == "image":
        return f'<par dur="{SLIDE_MS}ms"><img src="{name}" region="Image"/></par>'
    return f'<par><video src="{name}" region="Image"/></par>'


def token_of(frames: Sequence[MmsFrame]) -> str:
    """Return 40 hexadecimal digits that the frames decide: no frame can hold what depends on all
    of its octets, so they serve in boundaries."""
    whole = hashlib.sha256()
    for frame in frames:
        whole.update(hashlib.sha256(frame.data).digest())
    return whole.hexdigest()[:_TOKEN]


def entity(frames: Sequence[MmsFrame]) -> bytes:
    """Return the content as a MIME entity, multipart/related with the SMIL first (RFC 2387). Its
    Content-ID is :func:`content_id`'s."""
    token = token_of(frames)
    parts = [(_head(f'{SMIL}; charset="utf-8"', "smil.smil"), smil(frames))]
    for place, frame in enumerate(frames, start=1):
        kind = f'{TEXT}; charset="utf-8"' if frame.kind == TEXT else frame.kind
        parts.append((_head(kind, name_of(place, frame.kind)), frame.data))
    head = (
        f'Content-Type: multipart/related; boundary="f{token}"; type="{SMIL}";'
        f' start="<smil.smil>"\r\nContent-ID: <{content_id(token)}>\r\n\r\n'
    )
    return head.encode("ascii") + mime.join(parts, f"f{token}")


def content_id(token: str) -> str:
    """Return the Content-ID of a content; RFC 2392 wants an @ in it."""
    return f"{token}@assent"


def _head(kind: str, name: str) -> str:
    return f"Content-Type: {kind}\r\nContent-ID: <{name}>\r\nContent-Location: {name}\r\n"


# --- what waits for a link


def pack_bundle(subject: str, frames: Sequence[MmsFrame]) -> bytes:
    """Return a content with its subject as one value, made once for all receivers."""
    title = subject.encode("utf-8")
    return token_of(frames).encode("ascii") + _LENGTH.pack(len(title)) + title + entity(frames)


def unpack_bundle(bundle: bytes) -> tuple[str, str, bytes]:
    """Return (token, subject, entity) of a bundle."""
    if len(bundle) < _TOKEN + _LENGTH.size:
        raise MalformedPdu("this is no bundle")
    (length,) = _LENGTH.unpack_from(bundle, _TOKEN)
    start = _TOKEN + _LENGTH.size
    title = bundle[start : start + length].decode("utf-8")
    return bundle[:_TOKEN].decode("ascii"), title, bundle[start + length :]
