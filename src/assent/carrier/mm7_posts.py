"""How posts to a messaging centre are made, and what the answers to them say."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import httpx

from assent.errors import ProtocolError
from assent.wire import mm7, mm7_codes

if TYPE_CHECKING:
    from assent.carrier.health import LinkCounters
    from assent.carrier.mm7_settings import Mm7Settings

ANSWER_OCTETS: Final = 256 * 1024
"""Octets of an answer that are read, at most."""

_KEEP_S: Final = 2.0
"""How long a connection is kept for the next post. Short: a centre that closes an idle one at the
moment of a post would leave the message unsure."""


def client_of(settings: Mm7Settings) -> httpx.AsyncClient:
    """Return a client for the posts of one link."""
    return httpx.AsyncClient(
        auth=(settings.user, settings.secret) if settings.user else None,
        verify=settings.tls or ssl.create_default_context(),
        trust_env=False,  # no proxy and no .netrc that nobody told us of
        follow_redirects=False,
        headers={"accept-encoding": "identity"},  # what unpacks could unpack to anything
        timeout=httpx.Timeout(settings.response_s, connect=settings.connect_s),
        limits=httpx.Limits(max_connections=settings.window, keepalive_expiry=_KEEP_S),
    )


async def read_answer(answer: httpx.Response, counters: LinkCounters) -> tuple[int, int]:
    """Return code and message id of an answer: the centre's own, or what HTTP says. What breaks the
    protocol is counted. Raises as httpx does when the answer breaks off."""
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > ANSWER_OCTETS:
            break
        pieces.append(piece)
    try:
        message = mm7.read(answer.headers.get("content-type", ""), b"".join(pieces))
    except ProtocolError:
        return mm7_codes.HTTP + answer.status_code, 0
    if not isinstance(message, mm7.Answered) or not message.code:
        counters.protocol_errors += 1
        return mm7_codes.HTTP + answer.status_code, 0
    if message.code not in (mm7_codes.SUCCESS, mm7_codes.PARTIAL):
        return message.code, 0
    if not message.message_id:
        counters.protocol_errors += 1  # taken; its report will find nothing
    return 0, mm7.key_of(message.message_id) if message.message_id else 0
