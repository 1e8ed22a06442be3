"""The vault's key file and what is sealed with it, on a real database."""

from __future__ import annotations

import asyncio
import re
import secrets
from pathlib import Path

import msgspec
import pytest

from assent.app.settings import Settings
from assent.app.vaults import FileVault, open_vault, path_of
from assent.errors import InvalidInput
from assent.flow.logins import owner_of, seal_open_secrets
from assent.flow.reception import link_of
from assent.flow.sealed import SEALED, seal_again
from assent.flow.setup import Register, file_register
from assent.store import Store
from assent.store.migrate import SCHEMA

LOGIN = {"login": "shop", "dialects": ["smpp"], "allowed": ["127.0.0.1"], "secret": "s3cret"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("ASSENT_VAULT_KEY_FILE")
    return Settings(data_dir=str(tmp_path / "data"))


async def file_login(store: Store, vault: FileVault | None, **login: object) -> None:
    account = {"name": "shop", "links": [{**LOGIN, **login}]}
    document = msgspec.convert({"accounts": [account]}, Register)
    await file_register(store, document, 0.0, secrets.token_bytes, vault=vault)


def test_where_the_keys_lie(tmp_path: Path) -> None:
    settings = Settings(data_dir="/data", vault_key_file="/keys")
    assert path_of(settings, {}) == Path("/keys")
    assert path_of(settings, {"ASSENT_VAULT_KEY_FILE": "/else"}) == Path("/else")
    assert path_of(Settings(data_dir="/data"), {}) == Path("/data/vault.keys")


async def test_made_once_for_its_owner_only(fresh_store: Store, settings: Settings) -> None:
    vaults = await asyncio.gather(*(open_vault(settings, fresh_store) for _ in range(8)))
    path = path_of(settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(path.parent.iterdir())) == 1
    sealed = vaults[0].seal(b"x", "row")
    assert {vault.open(sealed, "row") for vault in vaults} == {b"x"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
async def test_a_file_that_others_may_read_is_refused(
    fresh_store: Store, settings: Settings, mode: int
) -> None:
    await open_vault(settings, fresh_store)
    path_of(settings).chmod(mode)
    with pytest.raises(InvalidInput, match="others may") as caught:
        await open_vault(settings, fresh_store)
    assert caught.value.code == "vault_key_file"


async def test_a_lost_or_strange_file_is_refused_and_not_replaced(
    fresh_store: Store, settings: Settings, tmp_path: Path
) -> None:
    await open_vault(settings, fresh_store)
    path = path_of(settings)
    path.rename(tmp_path / "aside")
    with pytest.raises(InvalidInput):
        await open_vault(settings, fresh_store)
    assert not path.exists()
    path.write_text(f"1 {'00' * 32}\n")
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="not the one"):
        await open_vault(settings, fresh_store)


async def test_rotation_while_another_process_runs(fresh_store: Store, settings: Settings) -> None:
    running = await open_vault(settings, fresh_store)
    await file_login(fresh_store, running)
    rotating = await open_vault(settings, fresh_store)
    assert rotating.add_key() == 2
    assert path_of(settings).stat().st_mode & 0o777 == 0o600
    assert await seal_again(fresh_store, rotating) == {kind.column: 1 for kind in SEALED[:1]} | {
        kind.column: 0 for kind in SEALED[1:]
    }
    assert sum((await seal_again(fresh_store, rotating)).values()) == 0
    row = (await fresh_store.fetch("customer_links_all"))[0]
    assert not rotating.stale(row["sealed"])
    assert running.current == 1
    assert link_of(row, running).secret == "s3cret"  # it reads the file again by itself
    assert running.current == 2
    assert running.digest("a", "b") == rotating.digest("a", "b")


async def test_secrets_of_links_lie_sealed(fresh_store: Store, settings: Settings) -> None:
    vault = await open_vault(settings, fresh_store)
    await file_login(fresh_store, None)
    row = (await fresh_store.fetch("customer_links_all"))[0]
    assert (row["secret"], row["sealed"]) == ("s3cret", None)
    assert await seal_open_secrets(fresh_store, vault) == 1
    assert await seal_open_secrets(fresh_store, vault) == 0
    row = (await fresh_store.fetch("customer_links_all"))[0]
    assert row["secret"] is None
    assert b"s3cret" not in row["sealed"]
    assert vault.open(row["sealed"], owner_of("shop")) == b"s3cret"
    await file_login(fresh_store, vault, secret=None)  # filed again: it stays
    row = (await fresh_store.fetch("customer_links_all"))[0]
    assert link_of(row, vault).secret == "s3cret"
    await file_login(fresh_store, vault, secret="0ther")
    row = (await fresh_store.fetch("customer_links_all"))[0]
    assert (row["secret"], link_of(row, vault).secret) == (None, "0ther")


def test_every_sealed_column_is_sealed_again() -> None:
    whole = re.DOTALL | re.MULTILINE
    found = {
        f"{table}.{name}"
        for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)^\)", SCHEMA.read_text(), whole)
        for name in re.findall(r"^    (\w*sealed) bytea", body, re.MULTILINE)
    }
    assert found == {kind.column for kind in SEALED}
