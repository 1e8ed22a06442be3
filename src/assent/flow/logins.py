"""Filing the logins by which customers' own software binds to us."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_network
from typing import Final

import msgspec

from assent.errors import InvalidInput
from assent.flow.needs import Store, Transaction
from assent.flow.vault import Vault

LOGIN_OCTETS: Final = {"cmpp": 6, "sgip": 16, "smgp": 8, "smpp": 15}
"""How long a dialect's field for the login is (facts: CMPP 1.5, SGIP 2.3, SMGP 3.4, SMPP 4.4)."""
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_SECRET: Final = 16
_SMPP_SECRET: Final = 8
_MOST_BINDS: Final = 64
_MOST_WINDOW: Final = 1024


class LoginFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A login. `dialects`: those it may speak. `allowed`: addresses or networks that it may come
    from; nothing else gets in. `binds`: connections at once; `window`: unanswered submits on each;
    `rate`: submits a second over all of them. `replies`: push people's replies. `reports_to`: SGIP
    only, HOST:PORT of the customer's own server for reports and replies. `secret`: made, and shown
    once, when it is left out; give one to change it. `active` false keeps it out."""

    login: str
    dialects: list[str]
    allowed: list[str]
    binds: int = 2
    window: int = 16
    rate: int | None = None
    replies: bool = True
    reports_to: str = ""
    secret: str | None = None
    active: bool = True


async def file_login(
    tx: Transaction,
    account: int,
    file: LoginFile,
    random: Callable[[int], bytes],
    at: datetime,
    vault: Vault | None = None,
) -> str | None:
    """File a login of an account; return its secret when it was made now. Without a vault the
    secret lies open until the platform starts.

    Raises InvalidInput naming field and mend.
    """
    _check(file)
    made = file.secret if file.secret is not None else _secret(file, random)
    sealed = None if vault is None else vault.seal(made.encode(), owner_of(file.login))
    row = await tx.fetchrow(
        "customer_link_put",
        account,
        file.login,
        sealed,
        file.secret is not None,
        sorted(set(file.dialects)),
        file.allowed,
        file.binds,
        file.window,
        file.rate,
        file.replies,
        file.reports_to,
        "active" if file.active else "suspended",
        at,
        made if vault is None else None,
    )
    if row is None:
        message = "the login belongs to another account"
        raise _wrong(file, "login", message, "choose another login")
    return made if row["made"] and file.secret is None else None


def owner_of(login: str) -> str:
    """Return what a login's sealed secret belongs to."""
    return f"customer_link.secret/{login}"


async def seal_open_secrets(store: Store, vault: Vault) -> int:
    """Seal the secrets that lie open: filed by an older version, or without a vault. Return how
    many."""
    rows = [row for row in await store.fetch("customer_links_all") if row["sealed"] is None]
    for row in rows:
        sealed = vault.seal(row["secret"].encode(), owner_of(row["login"]))
        await store.execute("customer_link_seal", row["id"], row["secret"], sealed)
    return len(rows)


def _secret(file: LoginFile, random: Callable[[int], bytes]) -> str:
    """Draw a secret; SMPP's field holds 8 octets (5.2.2)."""
    length = _SMPP_SECRET if "smpp" in file.dialects else _SECRET
    letters: list[str] = []
    limit = 256 - 256 % len(_ALPHABET)  # so that every letter is as likely
    while len(letters) < length:
        letters += [_ALPHABET[octet % len(_ALPHABET)] for octet in random(length) if octet < limit]
    return "".join(letters[:length])


def _check(file: LoginFile) -> None:
    unknown = sorted(set(file.dialects) - LOGIN_OCTETS.keys())
    if unknown or not file.dialects:
        message = f"no dialect is called {unknown[0]}" if unknown else "it speaks no dialect"
        raise _wrong(file, "dialects", message, f"use some of {', '.join(LOGIN_OCTETS)}")
    most = min(LOGIN_OCTETS[dialect] for dialect in file.dialects)
    if not file.login.isascii() or not 0 < len(file.login) <= most:
        message = f"a login for {', '.join(file.dialects)} has 1 to {most} ASCII characters"
        raise _wrong(file, "login", message, "shorten it")
    if file.secret is not None:
        longest = _SMPP_SECRET if "smpp" in file.dialects else _SECRET
        if not file.secret.isascii() or not 0 < len(file.secret) <= longest:
            message = f"the secret has 1 to {longest} ASCII characters"
            raise _wrong(file, "secret", message, "leave it out to have one made")
    if not file.allowed:
        message = "no address may connect with it"
        raise _wrong(file, "allowed", message, "name the customer's addresses")
    for word in file.allowed:
        try:
            ip_network(word)
        except ValueError as error:
            mend = "write addresses or networks like 203.0.113.0/28"
            raise _wrong(file, "allowed", str(error), mend) from None
    _within(file, "binds", file.binds, _MOST_BINDS)
    _within(file, "window", file.window, _MOST_WINDOW)
    if file.rate is not None:
        _within(file, "rate", file.rate, 1_000_000)
    if file.reports_to:
        host, _, port = file.reports_to.rpartition(":")
        if "sgip" not in file.dialects or not host or not port.isdecimal():
            mend = "SGIP only: write HOST:PORT, or leave it out"
            raise _wrong(file, "reports_to", "it is no HOST:PORT of an SGIP server", mend)


def _within(file: LoginFile, name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise _wrong(file, name, f"it is 1 to {most}", "correct it")


def _wrong(file: LoginFile, name: str, message: str, mend: str) -> InvalidInput:
    return InvalidInput("bad_login", message, field=f"links.{file.login}.{name}", mend=mend)
