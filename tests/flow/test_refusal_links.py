"""Tokens of refusal links: only who has the vault's key makes one, and nobody reads one."""

from __future__ import annotations

import base64
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.flow.ids import batch_id
from assent.flow.order import Account, Order, Sender
from assent.flow.refusal_links import LASTS_S, LENGTH, Link, RefusalLinks, with_links
from assent.flow.vault import Vault
from assent.message import Purpose

NOW = 1_795_320_000.0
ORDER = batch_id(int(NOW * 1000), 7)
ALPHABET = string.ascii_letters + string.digits + "-_"


def links(key: int = 1, url: str = "https://s.example.cn/") -> RefusalLinks:
    return RefusalLinks(Vault({1: bytes([key]) * 32}, lambda n: bytes(n)), url)


OURS = links()
made = st.builds(
    Link, st.integers(1, 2**32 - 1), st.integers(1, 2**24 - 1),
    st.integers(0, 10**6).map(lambda later: ORDER + later),
)  # fmt: skip


@given(made)
def test_a_token_is_read_as_it_was_made(link: Link) -> None:
    token = OURS.token(link)
    assert len(token) == LENGTH
    assert set(token) <= set(ALPHABET)
    assert OURS.read(token, NOW) == link


@given(made, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_a_token_with_any_character_changed_is_none(link: Link, place: int, other: str) -> None:
    token = OURS.token(link)
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        assert OURS.read(changed, NOW) is None


@given(st.one_of(st.text(max_size=40), st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)))
def test_nothing_that_was_not_made_here_is_a_token(guess: str) -> None:
    assert OURS.read(guess, NOW) is None


@given(made, made)
def test_parts_of_two_tokens_make_no_third(one: Link, other: Link) -> None:
    first, second = (base64.urlsafe_b64decode(OURS.token(link)) for link in (one, other))
    for cut in range(1, len(first)):
        mixed = base64.urlsafe_b64encode(first[:cut] + second[cut:]).decode()
        found = OURS.read(mixed, NOW)
        assert found is None or found in (one, other)


@given(made)
def test_a_token_of_another_installation_is_none(link: Link) -> None:
    assert OURS.read(links(2).token(link), NOW) is None


@given(made)
def test_a_token_shows_neither_person_nor_sender(link: Link) -> None:
    octets = base64.urlsafe_b64decode(OURS.token(link))
    assert link.person.to_bytes(4, "big") + link.sender.to_bytes(3, "big") not in octets
    neighbour = OURS.token(Link(link.person ^ 1, link.sender, link.order))
    assert sum(a == b for a, b in zip(neighbour, OURS.token(link), strict=True)) < LENGTH // 2


def test_a_token_is_worth_nothing_after_a_year() -> None:
    link = Link(7, 1, ORDER)
    assert OURS.read(OURS.token(link), NOW + LASTS_S - 1) == link
    assert OURS.read(OURS.token(link), NOW + LASTS_S + 1) is None


def order(content: str, purpose: Purpose = Purpose.MARKETING, **more: object) -> Order:
    people = np.array([7, 8], np.uint32)
    fields = {
        "account": Account(1, "a", "company", True, 1, None, "active", None, "CNY", None),
        "sender": Sender(3, 3, "C", "S", "1", True),
        "purpose": purpose,
        "ports": {},
        "content": content,
        "numbers": people.astype(np.uint64),
        "faults": np.zeros(2, np.uint8),
        "rows": people,
    }
    return Order(**{**fields, **more})  # type: ignore[arg-type]  # by name, of many types


def test_everybody_gets_her_own_link_where_the_text_has_a_place() -> None:
    people = np.array([7, 8], np.uint32)
    filled = with_links(OURS, order("八折 {refuse_url} "), people, "拒收请回复R", ORDER)
    assert filled.variables is not None
    one, other = filled.variables["refuse_url"]
    assert one.startswith("https://s.example.cn/u/")
    for person, url in ((7, one), (8, other)):
        assert OURS.read(url.rpartition("/")[2], NOW) == Link(person, 3, ORDER)
    # What the platform puts at the end may have the place as well, of advertising only.
    wording = "拒收请回复R或 {refuse_url} "
    assert with_links(OURS, order("八折"), people, wording, ORDER).variables
    code = order("验证码", Purpose.VERIFICATION)
    assert with_links(OURS, code, people, wording, ORDER) is code
    # A text that nobody gave variables for keeps what it has in braces.
    kept = with_links(OURS, order("{八折}"), people, wording, ORDER)
    assert kept.variables is not None
    assert kept.variables["八折"] == ["{八折}", "{八折}"]


def test_a_link_that_leads_nowhere_is_not_written() -> None:
    people = np.array([7, 8], np.uint32)
    with pytest.raises(InvalidInput, match="no address"):
        with_links(links(url=""), order("{refuse_url}"), people, "", ORDER)
    plain = order("八折")
    assert with_links(None, plain, people, "拒收请回复R", ORDER) is plain
