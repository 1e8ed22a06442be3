"""The vault's key file: made at the first start, read by every process, and grown by rotation."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from assent.app.settings import Settings
from assent.errors import InvalidInput, Unavailable
from assent.flow.needs import Store
from assent.flow.vault import KEY_OCTETS, Vault, read_keys
from assent.store import embedded_user

KEY_FILE_VARIABLE: Final = "ASSENT_VAULT_KEY_FILE"
CHANNEL: Final = "vault"
_NAME: Final = "vault.keys"
_HEADING: Final = (
    "# Keys of what assent sealed in its database: a number and 64 hexadecimal digits a line.\n"
    "# The last one seals; keep the others, the first one above all. Keep a copy elsewhere.\n"
)


class FileVault(Vault):
    """The vault of a key file. A key that another process added meanwhile is read when something
    sealed with it is met, or when its adding is announced (:meth:`follow`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(_read(path), secrets.token_bytes)

    def open(self, sealed: bytes, belongs_to: str) -> bytes:
        """See :meth:`Vault.open`."""
        try:
            return super().open(sealed, belongs_to)
        except Unavailable as error:
            if error.code != "vault_key":
                raise
        self.read_again()
        return super().open(sealed, belongs_to)

    def read_again(self) -> None:
        """Take up the file's keys. Raises InvalidInput when it cannot be used any more."""
        super().__init__(_read(self.path), secrets.token_bytes)

    async def follow(self) -> None:
        """The same, off the loop. A file that cannot be used leaves the keys as they are."""
        try:
            keys = await asyncio.to_thread(_read, self.path)
        except InvalidInput:
            return
        super().__init__(keys, secrets.token_bytes)

    def add_key(self) -> int:
        """Add a key that seals from now on; return its number."""
        number = self.current + 1
        text = self.path.read_text("ascii").rstrip("\n")
        _replace(self.path, f"{text}\n{number} {secrets.token_hex(KEY_OCTETS)}\n")
        self.read_again()
        return number


def path_of(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Return where the keys lie."""
    named = (os.environ if environment is None else environment).get(KEY_FILE_VARIABLE)
    if named or settings.vault_key_file:
        return Path(named or settings.vault_key_file or "")
    area = settings.data_dir or embedded_user.default_area(embedded_user.current())
    return Path(area) / _NAME


async def open_vault(settings: Settings, store: Store) -> FileVault:
    """Return the vault of a database; its key file is made where the database has none yet.

    Raises InvalidInput `vault_key_file` when others may read the file, when it is gone, or when it
    belongs to another database.
    """
    path = path_of(settings)
    marked = await store.fetchval("vault_mark_get")
    if marked is None:
        await asyncio.to_thread(_make, path)
    vault = await asyncio.to_thread(FileVault, path)
    mark = vault.digest("mark", "vault")
    if await store.fetchval("vault_mark_keep", mark) != mark:
        raise _bad(path, "its first key is not the one that this database was sealed with",
                   "name the file that belongs to this database")  # fmt: skip
    return vault


def _make(path: Path) -> None:
    """Make a file with one key, unless there is a file: whole or not at all, one process wins."""
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    if path.exists():
        return
    text = f"{_HEADING}1 {secrets.token_hex(KEY_OCTETS)}\n"
    handle, name = tempfile.mkstemp(prefix=".vault-", dir=path.parent)  # mkstemp: 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()


def _replace(path: Path, text: str) -> None:
    """Exchange the file's content: readers see the old one or the new."""
    handle, name = tempfile.mkstemp(prefix=".vault-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read(path: Path) -> dict[int, bytes]:
    """Return a key file's keys. Raises InvalidInput `vault_key_file`."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise _bad(path, why, "put the key file of this database there") from None
    if stat.S_IMODE(mode) & 0o077:
        raise _bad(path, "others may read or write it", f"chmod 600 {path}")
    return read_keys(text, "vault_key_file")


def _bad(path: Path, why: str, mend: str) -> InvalidInput:
    return InvalidInput(
        "vault_key_file", f"{path}: {why}", field="vault_key_file",
        rule="settings: vault_key_file", mend=mend,
    )  # fmt: skip
