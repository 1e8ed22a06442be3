"""Leaves of the ledger: nothing to test a number or a person against."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assent.consent.entry import Entry, Kind, Scope, encode
from assent.consent.leaf import commitment, leaf_hashes

SECRETS = st.binary(min_size=16, max_size=16)


def refusal(person: int) -> bytes:
    return encode(
        Entry(1_795_320_000_000, Kind.WITHDRAWN, person, group=1, purposes=8, scope=Scope.GROUP)
    )


@settings(deadline=None)
@given(st.integers(1, 40), SECRETS, st.lists(SECRETS, max_size=5))
def test_a_leaf_is_nothing_to_guess_at(person: int, secret: bytes, guesses: list[bytes]) -> None:
    """Whoever knows everything that an entry may say, and tries everybody whom it may be about,
    finds the leaf with her secret only; neither signing key nor ledger has it."""
    leaf = commitment(secret, refusal(person))
    for guess in [bytes(16), *guesses]:
        found = [who for who in range(1, 41) if commitment(guess, refusal(who)) == leaf]
        assert found == ([person] if guess == secret else [])


@given(SECRETS, SECRETS)
def test_the_same_said_of_two_people_is_two_leaves(one: bytes, other: bytes) -> None:
    body = refusal(7)
    first, second = leaf_hashes([(one, body), (other, body)])
    assert (first == second) == (one == other)
