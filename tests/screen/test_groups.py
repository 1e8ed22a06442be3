"""Orders drawn as groups: who acts together is found, who merely does alike is not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assent.screen.groups import HUB, TOGETHER, Order, groups

DAY = 86_400.0


def order(party: int, *marks: tuple[str, str], account: int | None = None, **more: object) -> Order:
    at = float(more.pop("at", party * 1_000.0))  # type: ignore[arg-type]  # a number
    account = party if account is None else account
    return Order(party, account, at, frozenset(marks), **more)  # type: ignore[arg-type]  # fields


def honest(count: int = 200) -> list[Order]:
    """Shops with texts of their own; they share a link shortener, a cloud, a greeting and codes."""
    found = []
    for party in range(1_000, 1_000 + count):
        marks = [("text", f"own {party}"), ("host", "short.example"), ("contact", f"c{party}"),
                 ("file", f"f{party}"), ("text", "code"), ("sketch", "form"),
                 ("address", f"park {party // 8}")]  # fmt: skip
        if party % 20 == 0:
            marks.append(("text", "greeting"))
        found.append(
            order(party, *marks, letters={"code": 12, "greeting": 18, f"own {party}": 50},
                  through=frozenset({("network", f"cloud {party % 3}")}))
        )  # fmt: skip
    return found


def test_ten_companies_with_one_script() -> None:
    ring = [
        order(n, ("text", "script"), ("text", f"own {n}"), letters={"script": 60}, copies=True,
              at=n * 60.0)
        for n in range(10)
    ]  # fmt: skip
    (found,) = groups([*honest(), *ring])
    assert found.nodes == tuple((n, n) for n in range(10))
    assert (found.parties, found.accounts, found.copies) == (10, 10, 10)
    assert (found.first, found.last) == (0.0, 540.0)
    assert [(one.kind, one.value, one.parties) for one in found.reasons] == [("text", "script", 10)]
    assert found.reasons[0].weight >= TOGETHER


def test_honest_shops_are_no_group() -> None:
    assert groups(honest(), least=3) == []


def test_shops_of_one_brand_are_one_party() -> None:
    """A sender group lawfully shares everything, whatever accounts it orders through."""
    brand = [
        order(7, ("text", "script"), ("contact", "hotline"), ("file", "licence"), account=n,
              letters={"script": 60})
        for n in range(30)
    ]  # fmt: skip
    assert groups([*honest(), *brand], least=2) == []


def test_an_agents_customers_are_not_joined_by_the_agent() -> None:
    through = frozenset({("payer", "agent"), ("network", "n"), ("person", "p"), ("file", "letter")})
    own = [order(n, ("text", f"own {n}"), account=1, through=through) for n in range(12)]
    assert groups(own, least=2) == []
    # Even one script is the agent's own hand; with one contact besides it is a group.
    same = [
        order(n, ("text", "script"), account=1, through=through, letters={"script": 60})
        for n in range(12)
    ]
    assert groups(same, least=2) == []
    led = [
        order(n, ("text", "script"), ("contact", "one"), account=1, letters={"script": 60})
        for n in range(12)
    ]
    (found,) = groups(led, least=2)
    assert (found.parties, found.accounts) == (12, 1)


def test_accounts_are_joined_by_what_they_have() -> None:
    through = frozenset({("payer", "one"), ("network", "n")})
    ring = [order(n, ("text", f"own {n}"), through=through) for n in range(6)]
    (found,) = groups([*honest(), *ring])
    assert {one.kind for one in found.reasons} == {"payer", "network"}


def test_one_thread_brings_nobody_in() -> None:
    """A chain, in which each shares something with the next only, is no group."""
    chain = [
        order(n, ("contact", f"c{n}"), ("contact", f"c{n + 1}"), ("host", f"h{n}"),
              ("host", f"h{n + 1}"))
        for n in range(10)
    ]  # fmt: skip
    assert groups(chain, least=3) == []
    ring = [order(n, ("contact", "c"), ("host", "h")) for n in range(5)]
    hanger = order(50, ("contact", "c50"), ("text", "own"), letters={"own": 60})
    tied = order(0, ("contact", "c50"), ("text", "own"), letters={"own": 60})
    (found,) = groups([*ring, hanger, tied])
    assert found.parties == 5


def test_hubs_say_nothing() -> None:
    crowd = [order(n, ("contact", "hotline"), ("host", "cdn")) for n in range(HUB + 1)]
    assert groups(crowd, least=2) == []
    assert len(groups(crowd[:10], least=2)) == 1


def test_short_texts_are_anybodys() -> None:
    codes = [order(n, ("text", "code"), letters={"code": 14}) for n in range(20)]
    assert groups(codes, least=2) == []


MARKS = st.frozensets(
    st.tuples(st.sampled_from(["text", "host", "contact", "network", "sketch"]),
              st.sampled_from("abcde")),
    max_size=4,
)  # fmt: skip
ORDERS = st.lists(
    st.builds(Order, st.integers(0, 12), st.integers(0, 6), st.floats(0, 1e6), MARKS, MARKS),
    max_size=40,
)


@given(ORDERS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_does_not_matter_and_no_node_is_in_two_groups(
    orders: list[Order], draw: object
) -> None:
    found = groups(orders, least=2)
    again = list(orders)
    draw.shuffle(again)  # type: ignore[attr-defined]  # a Random
    assert groups(again, least=2) == found
    nodes = [node for group in found for node in group.nodes]
    assert len(nodes) == len(set(nodes))
    for group in found:
        assert group.parties >= 2
        assert group.reasons
        assert all(2 <= one.parties <= group.parties for one in group.reasons)
