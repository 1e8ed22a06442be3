"""What stands in the tree for an entry: a commitment that only the person's secret opens.

The leaf of an entry is HMAC-SHA256 of its canonical bytes under the random secret of the person it
is about. Who has the whole published log, and who has the server's signing key too, cannot tell
from a leaf whom it concerns nor test a guess, since a guess would need the secret; who is given
entry and secret (the person, in her bundle) can check that exactly this entry stands there. To
delete the secret leaves a leaf that nobody can open any more: the tree stays whole, the person is
gone.

An entry about nobody (a setting) has a secret of zeros: everybody may open it, and it tells nothing
about anybody.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from assent.consent.tree import leaf_hash

NOBODYS_SECRET: Final = bytes(16)
"""The secret of entries about nobody."""
_WHAT: Final = b"assent entry, version 1\x00"


def commitment(secret: bytes, body: bytes) -> bytes:
    """Return the 32 octets that are the leaf of an entry with these canonical bytes.

    Raises ValueError for a secret too short to hide anything.
    """
    if len(secret) < 16:
        raise ValueError("a person's secret has 16 octets or more")
    return hmac.digest(secret, _WHAT + body, "sha256")


def leaf_hashes(entries: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the hashes of the leaves of entries, given as (secret, canonical bytes)."""
    return [leaf_hash(commitment(secret, body)) for secret, body in entries]
