"""The vault: what is sealed opens for whom it belongs to, with the right key, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput, Unavailable
from assent.flow.vault import Vault, read_keys

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def vault(*numbers: int) -> Vault:
    keys = {1: OLD, 2: NEW}
    return Vault({number: keys[number] for number in numbers}, lambda n: b"n" * n)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_sealed_opens_for_its_owner_only(plain: bytes, owner: str) -> None:
    sealed = vault(1).seal(plain, owner)
    assert vault(1).open(sealed, owner) == plain
    with pytest.raises(Unavailable, match="changed"):
        vault(1).open(sealed, owner + "x")


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_octet_is_noticed(place: int, change: int) -> None:
    sealed = bytearray(vault(1).seal(b"secret", "actor.totp/7"))
    sealed[4 + place % (len(sealed) - 4)] ^= change
    with pytest.raises(Unavailable, match="changed"):
        vault(1).open(bytes(sealed), "actor.totp/7")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = vault(1).seal(b"secret", "row")
    both = vault(1, 2)
    assert both.open(old, "row") == b"secret"
    assert both.stale(old)
    again = both.seal(b"secret", "row")
    assert not both.stale(again)
    with pytest.raises(Unavailable, match="missing"):
        vault(1).open(again, "row")


def test_digests_survive_a_change_of_key_and_tell_kinds_apart() -> None:
    assert vault(1).digest("110105", "id") == vault(1, 2).digest("110105", "id")
    assert vault(1).digest("110105", "id") != vault(1).digest("110105", "phone")


@pytest.mark.parametrize("text", ["", "# none\n", "1 abc", "x " + "0" * 64, "1 " + "0" * 62])
def test_a_wrong_key_file_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_keys(text, "keys")
    assert "abc" not in str(caught.value)
    assert caught.value.code == "vault_key_file"


def test_key_file_lines() -> None:
    text = f"# made at first start\n1 {OLD.hex()}\n2 {NEW.hex()}\n"
    assert read_keys(text, "keys") == {1: OLD, 2: NEW}
    with pytest.raises(InvalidInput):
        read_keys(f"1 {OLD.hex()}\n1 {NEW.hex()}\n", "keys")
