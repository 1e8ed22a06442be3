"""Passwords: argon2id, hashed off the loop and few at once, and none that everybody tries first."""

from __future__ import annotations

import asyncio
import os
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from assent.errors import InvalidInput

SHORTEST: Final = 12
LONGEST: Final = 128
_NICENESS: Final = 10
_AT_ONCE: Final = 2  # each takes 64 MiB while it works
_WORDS: Final = """
123456789012 1234567890123 12345678901234 111111111111 000000000000 123123123123 121212121212
112233445566 987654321098 passwordpassword password1234 password12345 password123456
password123! password2025 password2026 passw0rd1234 p@ssw0rd1234 p@ssword1234 qwertyuiop12
qwertyuiop123 qwertyuiop[] qwertyuiopasdf qwerty123456 qwerty1234567 qwertyqwerty 1qaz2wsx3edc
1q2w3e4r5t6y 1q2w3e4r5t6y7u asdfghjkl123 zxcvbnm12345 zxcvbnmasdfg abcdefghijkl abcdefghijklm
abcd12345678 abc123456789 abc123abc123 aaaaaaaaaaaa administrator admin1234567 admin12345678
adminadminadmin administrator1 letmeinletmein letmein12345 iloveyou1234 iloveyouiloveyou
welcome12345 welcome123456 welcomewelcome changeme1234 changemechangeme trustno1trustno1
woaini123456 woaini1314520 woaini5201314 5201314woaini woaini521521 wodemima1234 mima12345678
nihao12345678 a1234567890 a12345678901 aa1234567890 q1w2e3r4t5y6 zhongguo1234 beijing12345
shanghai1234 sunshine1234 monkey123456 dragon123456 football1234 baseball1234 superman1234
correcthorsebatterystaple
"""
_COMMON: Final = frozenset(_WORDS.split())


class Passwords:
    """Hashes and compares. `hasher`: argon2id as RFC 9106 says for where memory is short, if none
    is given."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "passwords", initializer=_step_back)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hasher.hash, _norm(password))

    async def fits(self, stored: str | None, password: str) -> bool:
        """Return whether a password is the stored one. Without a stored one it takes as long."""
        loop, against = asyncio.get_running_loop(), stored or self._nobody
        known = await loop.run_in_executor(self._threads, self._verify, against, password)
        return known and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _norm(password))
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, stored: str) -> bool:
        """Return whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def check_password(password: str, *known: str, field: str = "password") -> None:
    """Raise InvalidInput for a password that is short or that people try first. `known`: words of
    its owner, such as the e-mail address, which it may not be."""
    plain = _norm(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise _weak(field, f"a password has {SHORTEST} to {LONGEST} characters")
    small = plain.lower()
    words = {word.lower() for one in known for word in (one, *one.split("@")) if word}
    repeated = any(small == small[:size] * (len(small) // size) for size in (1, 2, 3, 4))
    if small in _COMMON or small in words or repeated:
        raise _weak(field, "this password is among the first that are tried")


def _step_back() -> None:
    """Messages do not wait for passwords: a thread that hashes is no real-time one, even where the
    process is, and goes after all others."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _weak(field: str, why: str) -> InvalidInput:
    return InvalidInput(
        "weak_password", why, field=field, rule="security: passwords",
        mend="use a sentence, or let a password manager make one",
    )  # fmt: skip


def _norm(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
