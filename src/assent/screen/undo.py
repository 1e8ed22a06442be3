"""One text that may be disguised, undone step by step.

Each step looks for one kind of disguise and rewrites the text; a :class:`Work` keeps for each of
its characters where it came from. Steps repeat until nothing changes: what one uncovers, another
may read. All patterns are bounded, so that the time is linear in the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

from assent.screen.disguise import DOMAINS, bare, disguises
from assent.screen.fold import COPIES, NUMERALS
from assent.screen.work import Work, characters

__all__ = ["has_leet", "undo", "undo_folded"]

_ROUNDS: Final = 6
_HAN: Final = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
# What may stand between the characters of a broken word; lines and 【】 do not.
_GAP: Final = r"(?:(?![\n【】])[\W_])"
_LOOSE: Final = r"(?:(?![\n【】,。;:!?、()\"'《》「」/])[\W_])"


def undo(original: str) -> Work:
    """Return a text as a person reads it."""
    return _undo(characters(original))


def undo_folded(folded: str) -> Work:
    """Return a text, folded one character to one, as a person reads it."""
    return _undo(Work(folded, list(range(len(folded))), list(range(1, len(folded) + 1))))


def has_leet(folded: str) -> bool:
    """Tell whether digits may stand for letters in a word."""
    return any(_unleet(match) is not None for match in _LEET_WORD.finditer(folded))


def _undo(work: Work) -> Work:
    for _ in range(_ROUNDS):
        before = work.text
        for step in _STEPS:
            step(work)
        if work.text == before:
            break
    return work


_TOKEN: Final = re.compile(r"[a-z0-9\u0370-\u0482\u048a-\u052f\u1f00-\u1fff]*"
                           r"[\u0370-\u0482\u048a-\u052f\u1f00-\u1fff]"
                           r"[a-z0-9\u0370-\u0482\u048a-\u052f\u1f00-\u1fff]*")  # fmt: skip
_FOREIGN: Final = re.compile(r"[\u0370-\u0482\u048a-\u052f\u1f00-\u1fff]")
_LATIN: Final = re.compile(r"[a-z]")
_HAS_HAN: Final = re.compile(f"[{_HAN}]")


def _lookalikes(work: Work) -> None:
    """Greek and Cyrillic letters that pass for Latin ones: in words that have both, and where the
    text is not written in that script at all."""
    foreign = _FOREIGN.findall(work.text)
    if not foreign:
        return
    native = any(char not in COPIES for char in foreign) or (
        not _LATIN.search(work.text) and not _HAS_HAN.search(work.text)
    )

    def put(match: re.Match[str]) -> str | None:
        word = match.group()
        letters = _FOREIGN.findall(word)
        if any(char not in COPIES for char in letters):
            return None
        mixed = len(letters) < len(word)
        if native and not mixed:
            return None
        if len(word) == 1 and word < "\u0400":  # a single Greek letter is a sign
            return None
        return "".join(COPIES.get(char, char) for char in word)

    work.sub(_TOKEN, put, "lookalike_letters")


def _pieces(work: Work) -> None:
    """Characters taken apart: 亻尔 for 你; where both pieces are characters themselves, only where
    they make a known word."""
    known = disguises()
    text = work.text
    swaps: list[tuple[int, int, str]] = []
    place = 0
    while place < len(text) - 1:
        both = text[place : place + 2]
        one = known.pieces.get(both)
        if one is None and (one := known.pairs.get(both)) is not None:
            before, after = text[max(0, place - 9) : place], text[place + 2 : place + 11]
            one = one if _makes_word(bare(before)[-4:], one, bare(after)[:4]) else None
        if one is not None:
            swaps.append((place, place + 2, one))
        place += 1 if one is None else 2
    work.swap(swaps, "split_characters")


def _makes_word(before: str, one: str, after: str) -> bool:
    """Tell whether a character makes a known word with those beside it, or with those that more
    pieces beside it would make."""
    known = disguises()
    follows = known.pairs.get(after[:2]) or known.pieces.get(after[:2]) or ""
    goes_before = known.pairs.get(before[-2:]) or known.pieces.get(before[-2:]) or ""
    around = [before + one + after, before + one + follows, goes_before + one + after]
    return any(
        text.startswith(word, i)
        for text, middle in zip(around, (len(before), len(before), len(goes_before)), strict=True)
        for i in range(max(0, middle - 2), middle + 1)
        for word, _ in known.words.get(text[i : i + 2], ())
        if i + len(word) > middle
    )


_NUMERAL: Final = "".join(NUMERALS)
_NUMBER: Final = re.compile(rf"[{_NUMERAL}0-9](?:[ \-.]?[{_NUMERAL}0-9]){{6,29}}")


def _numerals(work: Work) -> None:
    """Chinese numerals where they stand for digits: seven digits and more in a row."""

    def put(match: re.Match[str]) -> str | None:
        run = match.group()
        if sum(char in NUMERALS for char in run) < 2:
            return None
        return "".join(NUMERALS.get(char, char) for char in run)

    work.sub(_NUMBER, put, "odd_digits")


_ENDINGS: Final = "|".join(sorted(DOMAINS, key=len, reverse=True))
_DOT: Final = r"(?:\.|。|点|丶|\[\.\]|dot)"
_POINT: Final = re.compile(
    r"(?<=[a-z0-9])"
    r"(?: {0,2}(?:\[\.\]|\(\.\)|[\[(]?dot[\])]|点|\(点\)|[。丶·•]) {0,2}| {1,2}dot {1,2})"
    rf"(?=(?:[a-z0-9-]{{1,30}} {{0,2}}{_DOT} {{0,2}})?(?:{_ENDINGS}|c0m|c o m)(?![a-z0-9]))"
)
_ENDING: Final = re.compile(r"(?<=[a-z0-9]\.)(?:c0m|c o m)(?![a-z0-9])")
_SCHEME: Final = re.compile(
    r"(?<![a-z0-9])(?:h ?t ?t ?p ?(s)? ?: ?/ ?/|hxxp(s)?://|h\*\*p(s)?://) ?(?=[a-z0-9])"
)
_WWW: Final = re.compile(r"(?<![a-z0-9])w ?w ?w ?\. ?(?=[a-z0-9])")
_SPACED_DOT: Final = re.compile(
    rf"(?<=[a-z0-9])(?: +\. ?(?=(?:{_ENDINGS})(?:/|$|[^a-z0-9 .,']))"
    r"|\. (?=(?:com|cn|net)(?:/|$|[^a-z0-9 .,'])))"
)


def _links(work: Work) -> None:
    """Addresses told so that no machine takes them for one: h t t p, 点com, "dot com"."""
    work.sub(_SCHEME, lambda m: f"http{m[1] or m[2] or m[3] or ''}://", "spaced_link")
    work.sub(_WWW, lambda m: "www.", "spaced_link")
    work.sub(_POINT, lambda m: ".", "spaced_link")
    work.sub(_ENDING, lambda m: "com", "spaced_link")
    work.sub(_SPACED_DOT, lambda m: ".", "spaced_link")


def _spelled(work: Work) -> None:
    """Words in other letters: pinyin, look-alike and sound-alike characters."""
    known = disguises()
    text = work.text
    if not _HAS_HAN.search(text):
        return  # pinyin in an English text is somebody's name, or another word
    places = [match.start() for match in _WORD.finditer(text)]
    word = "".join([text[place] for place in places])
    swaps: list[tuple[int, int, str]] = []
    k = 0
    while k < len(word) - 1:
        two = word[k : k + 2]
        swap = _form(text, places, word, k, known.said.get(two, ()))
        if swap is None and two in known.asked:
            swap = _form(text, places, word, k, known.asked[two])
            if swap is not None and not _ID.match(text, swap[1]):
                swap = None
        if swap is not None:
            swaps.append(swap)
            while k < len(places) and places[k] < swap[1]:
                k += 1
        else:
            k += 1
    work.swap(swaps, "spelled_words")
    work.sub(known.single, lambda m: known.one[m.group()], "spelled_words")


_WORD: Final = re.compile(f"[0-9a-z{_HAN}]")
_ID: Final = re.compile(r"[号 :=-]{0,4}[a-z]{0,8}[_-]?[0-9]{5}|[号 ]{0,2}:[ ]?[a-z][a-z0-9_-]{5}")
_PART_OF_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789./@_-")


def _form(
    text: str, places: list[int], word: str, k: int, forms: Iterable[tuple[str, str]]
) -> tuple[int, int, str] | None:
    """Return the first of the forms that begins at word character `k`: its place, and the word."""
    never = disguises().not_after
    for form, target in forms:
        if not word.startswith(form, k):
            continue
        inner = places[k : k + len(form)]
        start, end = inner[0], inner[-1] + 1
        if end - start > len(form) and not all(
            b == a + 1 or _small(text[a + 1 : b]) for a, b in itertools.pairwise(inner)
        ):
            continue
        if start and text[start - 1] in never.get(form, ""):
            continue
        if form[0].isascii() and start and text[start - 1] in _PART_OF_NAME:
            continue
        if form[-1].isascii() and text[end : end + 1] in _PART_OF_NAME and end < len(text):
            continue
        return start, end, target
    return None


_ENDS: Final = re.compile(r"[,。;:!?、/()\"'《》「」]")
_LONE: Final = re.compile(rf"(?<=[{_HAN}])[a-z](?=[{_HAN}])")
_BETWEEN: Final = re.compile(rf"(?<=[{_HAN}]){_LOOSE}{{1,3}}(?=[{_HAN}])")


def _gaps(work: Work) -> None:
    """Blanks and signs inside words. Where a text is broken throughout, or does it to two known
    words, all blanks and signs between Chinese characters go; elsewhere only those inside known
    words."""
    _known_gaps(work)
    if sum(one.code == "broken_words" for one in work.found) >= 2:
        work.sub(_LONE, lambda m: "")
    else:
        holes = len(_BETWEEN.findall(work.text))
        if holes < 4 or len(_HAS_HAN.findall(work.text)) > 3 * (holes + 1):
            return
    work.sub(_BETWEEN, lambda m: "")


def _known_gaps(work: Work) -> None:
    """Join known words. Marks that end sentences count as gaps only where a text does it again."""
    text, known = work.text, disguises().words
    places = [match.start() for match in _HAS_HAN.finditer(text)]
    word = "".join([text[place] for place in places])
    holes: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    broken = k = 0
    while k < len(word) - 1:
        size = 1
        for form, _ in known.get(word[k : k + 2], ()):
            if word.startswith(form, k) and (gaps := _small_gaps(text, places, k, len(form))):
                broken += 1
                size = len(form) - 1
                for gap in gaps:
                    (ends if _ENDS.search(text, *gap) else holes).append(gap)
                break
        k += size
    work.cut(sorted(holes + ends) if broken > 1 else holes, "broken_words")


def _small_gaps(text: str, places: list[int], k: int, size: int) -> list[tuple[int, int]]:
    """Return the gaps between `size` Chinese characters from number `k`, none if one is large."""
    inner = places[k : k + size]
    gaps = [(a + 1, b) for a, b in itertools.pairwise(inner) if b > a + 1]
    small = all(_small(text[a:b]) or _LETTER_GAP.fullmatch(text, a, b) for a, b in gaps)
    return gaps if small else []


_LETTER_GAP: Final = re.compile(rf"{_GAP}?[a-z]{_GAP}?")


def _small(gap: str) -> bool:
    """Tell whether a stretch may stand between the characters of one word."""
    return len(gap) <= 3 and not any(c in "\n【】" or c.isalnum() for c in gap)


_LETTERS: Final = re.compile(
    r"(?<![a-z0-9])[a-z]([ .\-_*|~^+,/])[a-z](?:\1[a-z](?![a-z0-9])){1,30}"
)
_LEET: Final = dict(zip("013457@$!|", "oieastasil", strict=True))
_LEET_WORD: Final = re.compile(r"(?<![a-z0-9@$./:_-])(?=[a-z0-9@$!|]{3,16}(?![a-z0-9@$./_-]))"
                               r"[a-z0-9@$!|]*[a-z][a-z0-9@$!|]*")  # fmt: skip
_STARRED: Final = re.compile(r"(?<![a-z0-9])[a-z]{1,8}(?:[*^~_|+]{1,2}[a-z]{1,8}){1,5}(?![a-z0-9])")


def _english(work: Work) -> None:
    """English words with letters set apart, signs between them, or digits for letters."""

    def together(match: re.Match[str]) -> str | None:
        return _words_in(re.sub(r"[^a-z]", "", match.group()))

    work.sub(_LETTERS, together, "broken_words")
    work.sub(_STARRED, together, "broken_words")
    work.sub(_LEET_WORD, _unleet, "leet")


def _unleet(match: re.Match[str]) -> str | None:
    """Return the word that letters and digits mean, if it is a known one."""
    latin, token = disguises().latin, match.group()
    if token.isalpha() or token in latin or not (token[0].isalpha() or len(token) > 4):
        return None
    for one in ("i", "l"):
        word = "".join(_LEET.get(char, char) if char != "1" else one for char in token)
        if word in latin:
            return word
    return None


def _words_in(letters: str) -> str | None:
    """Return letters as the known words that they are, all of them; else None."""
    latin = disguises().latin
    best: list[str | None] = [""]
    for end in range(1, len(letters) + 1):
        found = None
        for start in range(max(0, end - 15), end):
            before = best[start]
            if before is not None and letters[start:end] in latin:
                found = f"{before} {letters[start:end]}".strip()
                break
        best.append(found)
    return best[-1]


_STEPS: Final = (_lookalikes, _pieces, _numerals, _links, _spelled, _gaps, _english)
