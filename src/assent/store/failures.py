"""What PostgreSQL and asyncpg report → our errors, decided by SQLSTATE tables.

No exception of asyncpg leaves the store unmapped. The server's own words are dropped on purpose:
its DETAIL and some messages quote the values of a row, and those may be phone numbers. What is
kept is the SQLSTATE, our query's name, and the names of constraint, table and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg
from asyncpg.exceptions import _base as asyncpg_base

from assent.errors import (
    AssentError,
    Conflict,
    InvalidInput,
    LocalProtocolError,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one SQLSTATE (or the class of its first two characters) means to our callers."""

    kind: type[AssentError]
    code: str
    words: str
    mend: str


_LOST = Meaning(
    Unavailable,
    "store_unavailable",
    "PostgreSQL does not answer",
    "try again; if it lasts, look at PostgreSQL's log",
)
_BUG = Meaning(
    LocalProtocolError,
    "store_statement",
    "PostgreSQL refused a statement of ours",
    "report this with the code and the query's name; check that the migrations were applied",
)
_RACE = Meaning(
    Conflict, "store_conflict", "another transaction was in the way", "repeat the transaction"
)
_LOGIN = Meaning(
    Unavailable,
    "store_login",
    "PostgreSQL does not let us in",
    "check user, password and database in ASSENT_DATABASE_URL and PostgreSQL's pg_hba.conf",
)
_LIMIT = Meaning(
    Unavailable, "store_limit", "PostgreSQL is at one of its limits", "raise the limit; try again"
)
_VALUE = Meaning(
    InvalidInput,
    "store_value",
    "a value does not fit where it is to be stored",
    "correct the value",
)
_DISK = Meaning(
    Unavailable,
    "disk_full",
    "PostgreSQL's disk is full; nothing of this was stored",
    "free space on the data directory's disk, then try again",
)
_DAMAGED = Meaning(
    AssentError,
    "store_damaged",
    "PostgreSQL found damaged data",
    "stop, keep a copy of the data directory, and restore from a backup",
)

# Whole SQLSTATEs first, then classes; PostgreSQL manual, appendix A.
STATES: dict[str, Meaning] = {
    "23505": Meaning(Conflict, "already_exists", "it exists already", "use the one that exists"),
    "23P01": Meaning(Conflict, "already_exists", "it overlaps one that exists", "choose another"),
    "23503": Meaning(
        Conflict,
        "missing_reference",
        "what it refers to does not exist, or is still referred to",
        "create what it refers to first, or remove what refers to it",
    ),
    "23001": Meaning(
        Conflict, "missing_reference", "it is still referred to", "remove what refers to it first"
    ),
    "25006": Meaning(
        Unavailable,
        "store_read_only",
        "this PostgreSQL takes no writes (a standby?)",
        "point ASSENT_DATABASE_URL at the primary",
    ),
    "26000": _RACE,  # a prepared statement vanished (a pooler, or DEALLOCATE): prepared anew
    "53100": _DISK,
    "53300": Meaning(
        Unavailable,
        "store_connections",
        "PostgreSQL has no connection left",
        "raise max_connections or run fewer processes; try again",
    ),
    "55P03": _RACE,
    "57014": Meaning(
        Unavailable, "store_timeout", "the statement took too long and was ended", "try again"
    ),
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": _LOST,
    "57P04": _LOST,
    "57P05": _LOST,
    "25P03": _LOST,  # idle in transaction for too long: the server ended the session
    "25P04": _LOST,  # transaction_timeout: the same
    "3D000": _LOGIN,
    "42501": Meaning(
        AssentError,
        "store_privilege",
        "our PostgreSQL user may not do this",
        "grant the user of ASSENT_DATABASE_URL ownership of its database",
    ),
    "58030": Meaning(
        Unavailable,
        "store_io",
        "PostgreSQL cannot read or write its files",
        "check the disk and PostgreSQL's log",
    ),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
CLASSES: dict[str, Meaning] = {
    "08": _LOST,
    "0A": _BUG,
    "22": _VALUE,
    "23": _VALUE,
    "25": _BUG,
    "28": _LOGIN,
    "40": _RACE,
    "42": _BUG,
    "53": _LIMIT,
    "54": _LIMIT,
    "55": _RACE,
    "57": _LOST,
    "58": Meaning(
        Unavailable,
        "store_io",
        "PostgreSQL met an error of the operating system",
        "check the disk and PostgreSQL's log",
    ),
}
_OTHER = Meaning(
    AssentError, "store_failed", "PostgreSQL reported an error", "look at PostgreSQL's log"
)

# How asyncpg says that a connection went before it was asked (it has no class for that; a pool
# takes a connection back in the moment of its death).
_CLOSED = ("closed", "closing", "released back to the pool")

# What the promise covers: everything asyncpg or the socket below it may raise.
DRIVER_ERRORS: tuple[type[BaseException], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # includes TimeoutError
    EOFError,
    UnicodeError,
    OverflowError,
    ValueError,
    TypeError,
)


def meaning_of(error: BaseException) -> Meaning:
    """Return what `error` means; total over DRIVER_ERRORS."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return STATES.get(state) or CLASSES.get(state[:2]) or _OTHER
    if isinstance(error, asyncpg_base.ClientConfigurationError):
        return _LOGIN
    if isinstance(error, asyncpg_base.OutdatedSchemaCacheError):
        return _RACE
    if isinstance(error, asyncpg_base.TargetServerAttributeNotMatched):
        return STATES["25006"]
    if isinstance(error, (asyncpg_base.DataError, UnicodeError, OverflowError)):
        return _VALUE
    if isinstance(error, asyncpg.InterfaceError):
        return _LOST if any(word in str(error) for word in _CLOSED) else _BUG
    # InternalClientError: the driver lost count of the conversation and gave the connection up.
    if isinstance(error, asyncpg.InternalClientError | OSError | EOFError):
        return _LOST
    return _BUG


def mapped(error: BaseException, doing: str) -> AssentError:
    """Turn `error` into ours. `doing` is a query's name or a few words on what was tried."""
    meaning = meaning_of(error)
    state = getattr(error, "sqlstate", None) or type(error).__name__
    message = f"{meaning.words} ({doing}; {state}"
    rule = getattr(error, "constraint_name", None)
    table = getattr(error, "table_name", None)
    if rule:
        message += f"; constraint {rule}"
    elif table:
        message += f"; table {table}"
    return meaning.kind(
        meaning.code,
        message + ")",
        rule=rule,
        field=getattr(error, "column_name", None),
        mend=meaning.mend,
    )


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise our error for every driver error inside. The cause is cut: it may quote a row."""
    try:
        yield
    except AssentError:
        raise
    except DRIVER_ERRORS as error:
        raise mapped(error, doing) from None
