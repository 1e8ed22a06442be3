"""What callers hand in about texts."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

Words = Annotated[str, msgspec.Meta(max_length=2_000)]
CategoryWord = Annotated[str, msgspec.Meta(max_length=40)]


class TextDecision(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/texts/{id}/approve and /refuse. `code`: the ground, a word of docs/front-door.md.
    `category`: what the reviewer calls the text, where screening called it something else."""

    code: str
    words: Words = ""
    category: CategoryWord | None = None


class TextChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/texts/{id}/change. `text`: what is approved in place of the text, as the customer
    would hand it in: without 【signature】."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    words: Words = ""
    category: CategoryWord | None = None


class TextAppeal(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/texts/{id}/appeal. `words`: why the text is in order."""

    words: Words


REQUESTS: Final = (TextDecision, TextChange, TextAppeal)
