"""The key that signs the ledger's checkpoints, and the name that the log has for ever."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from assent.consent.note import KeyKind, SigningKey
from assent.errors import InvalidInput
from assent.flow.needs import Store, utc
from assent.flow.vault import Vault

_SEED: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9.-]{1,100}(?:/[A-Za-z0-9._-]{1,100})*", re.ASCII)


def key_owner(origin: str) -> str:
    """Return what the sealed key of a log belongs to."""
    return f"ledger_key.sealed/{origin}"


def check_name(origin: str) -> None:
    """Raise InvalidInput `ledger_origin` for what is no name of a log."""
    if _NAME.fullmatch(origin) is None:
        raise _bad("a log's name is like assent.example/consent", "correct it")


async def open_key(
    store: Store, vault: Vault, random: Callable[[int], bytes], now: float, origin: str = ""
) -> tuple[str, SigningKey]:
    """Return the log's name and its key; both are made where there is none yet. `origin`: the name
    that the settings give it; a random one without.

    Raises InvalidInput `ledger_origin` for no name, and for another name than it has: what was
    signed under the old one would be nobody's.
    """
    if origin:
        check_name(origin)
    if await store.fetchrow("ledger_key_get") is None:
        name = origin or f"assent-{random(8).hex()}/consent"
        sealed = vault.seal(random(_SEED), key_owner(name))
        await store.execute("ledger_key_keep", name, sealed, utc(now))
    (row,) = await store.fetch("ledger_key_get")  # another process may have been first
    found: str = row["origin"]
    if origin and origin != found:
        raise _bad(f"the ledger's name is {found} already", "name it so, or leave it out")
    seed = vault.open(bytes(row["sealed"]), key_owner(found))
    return found, SigningKey(found, KeyKind.NOTE, seed)


def _bad(words: str, mend: str) -> InvalidInput:
    return InvalidInput(
        "ledger_origin", words, field="ledger.origin", rule="settings: ledger", mend=mend
    )
