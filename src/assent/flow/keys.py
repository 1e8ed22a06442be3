"""API keys: made once, shown once, kept as digests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

from assent.errors import InvalidInput, NotAllowed
from assent.flow.needs import Queries, Store, utc
from assent.flow.requests import Caller

USUAL: Final = frozenset({"send", "campaigns", "consents", "refusals", "read"})
"""What a customer's key may do when nothing else is said."""

OFFICE: Final = frozenset({"admission", "money", "team"})
"""What a customer's own people do: hand in papers and apply for ports and templates; see
statements and set limits; decide who acts for the account."""

STAFF_SCOPES: Final = frozenset(
    {"links", "review", "second_review", "support", "behalf", "treasury", "audit", "admin",
     "enforce", "second_enforce"}
)  # fmt: skip
"""What steers the platform itself and what looks at everybody's papers, videos and money; only the
operator's own keys and people may have these."""

SCOPES: Final = USUAL | OFFICE | STAFF_SCOPES
"""All there are."""

_PREFIX: Final = "ak_"
_SANDBOX_PREFIX: Final = "sk_"
_CACHE_LIMIT: Final = 10_000


def digest(key: str) -> bytes:
    """Return what is stored of a key. Keys are 192 random bits, so a plain hash will do."""
    return hashlib.sha256(key.encode()).digest()


def new_key(random: bytes, *, sandbox: bool) -> str:
    """Return a key made of 24 random octets."""
    return (_SANDBOX_PREFIX if sandbox else _PREFIX) + random.hex()


async def make_key(
    queries: Queries,
    account: int,
    scopes: Sequence[str],
    *,
    sandbox: bool,
    random: bytes,
    at: float,
) -> str:
    """Make a key for an account from 24 random octets and return it, for the only time.

    Raises InvalidInput for a scope that does not exist.
    """
    unknown = sorted(set(scopes) - SCOPES)
    if unknown:
        raise InvalidInput(
            "unknown_scope",
            f"there is no scope {unknown[0]}",
            field="scopes",
            mend=f"use some of {', '.join(sorted(SCOPES))}",
        )
    key = new_key(random, sandbox=sandbox)
    await queries.fetchval(
        "key_insert", account, digest(key), key[:8], sorted(set(scopes)), sandbox, utc(at)
    )
    return key


class Keys:
    """Tells who calls. Valid keys are remembered until :meth:`forget`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[bytes, Caller] = {}

    async def caller(self, key: str) -> Caller:
        """Return who a key belongs to. Raises NotAllowed (`bad_key`, status 401)."""
        hashed = digest(key)
        known = self._known.get(hashed)
        if known is not None:
            return known
        row = await self._store.fetchrow("key_by_digest", hashed)
        if row is None:
            raise NotAllowed(
                "bad_key",
                "the API key is not valid",
                field="Authorization",
                status=401,
                mend="send Authorization: Bearer <key> with a key that was not revoked",
            )
        caller = Caller(
            row["account_id"],
            frozenset(row["scopes"]),
            row["sandbox"],
            row["id"],
            row["actor_id"],
            tuple(ip_network(word) for word in row["allowed"]),
        )
        if len(self._known) >= _CACHE_LIMIT:
            self._known.clear()
        self._known[hashed] = caller
        return caller

    def forget(self) -> None:
        """Ask the database again: keys may have been revoked."""
        self._known.clear()
