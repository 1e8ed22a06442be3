"""Sealing what must not lie open in the database: papers, identity numbers, second factors.

AES-256-GCM with a key that lives outside the database, in a file that only the platform may read.
The file holds a key a line, `NUMBER HEX`, the last one seals; older ones open what they sealed, so
that a key is changed by adding a line and sealing again (:meth:`Vault.stale`). What a sealed value
belongs to is bound to it: moved to another row it does not open.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assent.errors import InvalidInput, Unavailable

KEY_OCTETS: Final = 32
_NONCE: Final = 12
_HEAD: Final = 4 + _NONCE


class Vault:
    """Seals and opens. `keys`: number → 32 octets; the greatest number seals. `random` gives
    octets that nobody can foresee."""

    def __init__(self, keys: Mapping[int, bytes], random: Callable[[int], bytes]) -> None:
        if not keys or any(len(key) != KEY_OCTETS for key in keys.values()):
            raise ValueError("a vault needs keys of 32 octets")
        self._random = random
        self.current = max(keys)
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        # Never changed with the sealing key: digests are for finding what is the same.
        first = keys[min(keys)]
        self._digest_key = hmac.digest(first, b"assent digests of personal data", "sha256")

    def seal(self, plain: bytes, belongs_to: str) -> bytes:
        """Return octets that only a vault with the same keys opens, for the same `belongs_to`
        (table, column and row, such as `actor.totp/7`)."""
        nonce = self._random(_NONCE)
        head = self.current.to_bytes(4, "big")
        cipher = self._ciphers[self.current]
        return head + nonce + cipher.encrypt(nonce, plain, belongs_to.encode())

    def open(self, sealed: bytes, belongs_to: str) -> bytes:
        """Return what was sealed. Raises Unavailable when the key is missing or it was changed."""
        number = int.from_bytes(sealed[:4], "big")
        cipher = self._ciphers.get(number)
        if cipher is None:
            raise Unavailable(
                "vault_key", f"key {number} of the vault is missing",
                field="vault_key_file", mend="put the line of that key back into the file",
            )  # fmt: skip
        try:
            return cipher.decrypt(sealed[4:_HEAD], sealed[_HEAD:], belongs_to.encode())
        except InvalidTag:
            raise Unavailable(
                "vault_changed", "a sealed value was changed, or belongs elsewhere",
                mend="restore the row from a backup",
            ) from None  # fmt: skip

    def stale(self, sealed: bytes) -> bool:
        """Return whether a value was sealed with an older key and should be sealed again."""
        return int.from_bytes(sealed[:4], "big") != self.current

    def digest(self, plain: str, kind: str) -> bytes:
        """Return 32 octets that are the same for the same text of a kind, and tell nobody
        without the key what it was."""
        return hmac.digest(self._digest_key, f"{kind}\0{plain}".encode(), hashlib.sha256)


def read_keys(text: str, where: str) -> dict[int, bytes]:
    """Return the keys of a key file. Raises InvalidInput naming the line, never showing it."""
    keys: dict[int, bytes] = {}
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        number, _, octets = line.strip().partition(" ")
        try:
            key = bytes.fromhex(octets)
            good = len(key) == KEY_OCTETS and 0 < int(number) < 1 << 32 and int(number) not in keys
        except ValueError:
            good = False
        if not good:
            raise InvalidInput(
                "vault_key_file", f"line {place} is not a number and 64 hexadecimal digits",
                field=where, rule="settings: vault_key_file",
                mend="write lines like: 1 <64 hexadecimal digits>, each number once",
            )  # fmt: skip
        keys[int(number)] = key
    if not keys:
        raise InvalidInput(
            "vault_key_file", "the file holds no key", field=where,
            rule="settings: vault_key_file", mend="remove it, so that a new one is made",
        )  # fmt: skip
    return keys
