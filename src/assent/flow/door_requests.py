"""What the doors of refusals are handed, as typed structures."""

from __future__ import annotations

from typing import Literal

import msgspec


class KeywordsRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /v1/ports/{number}/keywords: the words that receivers answer with for something else than
    refusing, in place of those filed before. `sender`: credit code."""

    sender: str
    keywords: list[str]


class ReplyReading(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/desk/replies/{id}: what a person read in an unclear reply. `nothing`: it refuses
    nothing, and marketing goes on as before."""

    reading: Literal["refusal", "refusal_all", "nothing"]


REQUESTS = (KeywordsRequest, ReplyReading)
