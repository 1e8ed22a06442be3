"""What holds for every text, number and order of parts that a customer's link may bring."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from assent.flow.handed import form_of, written
from assent.flow.matching import _pieces, _values
from assent.flow.render import Rendering
from assent.numbers import parse
from assent.text import Alphabet, Assembled, Reassembler

NAMES = ("code", "order", "a")
plain = st.text("x您，0", max_size=6)
loose = st.text("x0{}ab，%s", max_size=24)


def rendered(body: str, values: dict[str, str]) -> str:
    return Rendering(body, {name: [value] for name, value in values.items()} or None).text(0)


@given(
    st.lists(plain.filter(bool), min_size=1, max_size=4),
    plain,
    st.lists(st.sampled_from(NAMES), min_size=4, max_size=4),
    st.lists(st.text("789{}%\n ", min_size=1, max_size=200), min_size=3, max_size=3),
)
def test_a_text_that_a_template_makes_is_read_back(
    fixed: list[str], last: str, names: list[str], drawn: list[str]
) -> None:
    """Values that hold nothing of the fixed text come back as they were."""
    body = "".join(piece + "{" + name + "}" for piece, name in zip(fixed, names, strict=False))
    values = {name: drawn[NAMES.index(name)] for name in names[: len(fixed)]}
    assert _values(rendered(body + last, values), *_pieces(body + last)) == values


@given(loose, loose)
@example("{a}{b}", "xx")
@example("{a}x{a}", "0x00")
@example("x{a}x", "xx")
def test_what_is_read_from_any_text_makes_that_text(body: str, text: str) -> None:
    """Whatever a customer writes: it becomes another message in no case."""
    values = _values(text, *_pieces(body))
    if values is not None:
        assert rendered(body, values) == text


@given(st.from_regex(r"(\+|00|0|)(86|1|44|852|)(0|)(1[3-9][0-9]{9}|[0-9]{5,12})", fullmatch=True))
@example("+8613800138000")
@example("008613800138000")
@example("8613800138000")
@example("13800138000")
@example("+447911123456")
@example("+4407911123456")
@example("+115002000000")
def test_a_number_is_told_as_it_was_written(given_as: str) -> None:
    """Only trunk digits that do not belong there (+44 0 79…) are left out."""
    parsed = parse([given_as])
    if parsed.fault[0]:
        return
    number = int(parsed.msisdn[0])
    told, digits = written(form_of(given_as, number), number), str(number)
    assert parse([told]).msisdn[0] == number
    national = digits.removeprefix("86")
    if given_as in (digits, national, "+" + digits, "00" + digits):
        assert told == given_as


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, tuple[int, int, int], bytes]]:
    """Parts of several messages with few references, shuffled, some twice, some never."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        reference, total = draw(st.integers(0, 2)), draw(st.integers(1, 4))
        for number in range(1, total + 1):
            content = draw(st.sampled_from([b"a", b"b", b"c"]))
            found += [((reference, total, number), content)] * draw(st.integers(0, 3))
    order = draw(st.permutations(range(len(found))))
    return [(tag, *found[place]) for tag, place in enumerate(order)]


@given(arrivals(), st.integers(1, 8), st.lists(st.integers(0, 200), max_size=60))
def test_every_part_ends_in_one_place_however_few_are_kept(
    some: list[tuple[int, tuple[int, int, int], bytes]], most: int, waits: list[int]
) -> None:
    """Complete, incomplete or repeated; and no more is kept than is allowed."""
    collected: Reassembler[int] = Reassembler(300.0, most)
    ended: Counter[int] = Counter()
    kept = now = 0

    def take(messages: list[Assembled[int]]) -> int:
        for message in messages:
            ended.update(message.tags)
            if message.complete:
                assert set(message.parts) == set(range(1, message.key[3] + 1))
        return sum(len(message.tags) for message in messages)

    for tag, part, content in some:
        now += waits[tag] if tag < len(waits) else 1
        kept -= take(collected.expire(now))
        finished, repeated = collected.add("s", "d", part, Alphabet.UCS2, content, tag, now)
        ended.update([tag] if repeated else [])
        kept += (not repeated) - take(finished)
        assert 0 <= kept <= most
    kept -= take(collected.expire(now + 300))
    assert kept == len(collected) == 0
    assert ended == Counter(range(len(some)))
