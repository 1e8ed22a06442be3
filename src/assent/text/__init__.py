"""Texts of short messages: alphabets, segments, signature and refusal wording, and the way back.

alphabet: what a text may be written in. segments: what the receiver sees, cut to size.
writing: how one carrier wants them. reassembly: segments back into messages.
wording: what a text must carry. keywords, keyword_sets: what a reply means.
"""

from assent.text.alphabet import (
    Alphabet,
    SevenBit,
    alphabet_of,
    alphabet_of_format,
    decode,
    encode,
    encode_ucs2,
    fits,
)
from assent.text.reassembly import Assembled, Reassembler, is_repeat, joined, messages
from assent.text.segments import (
    NOTHING_RESERVED,
    Reserved,
    billing_counts,
    compose,
    concat_of,
    parse_udh,
    segment,
    segment_counts,
    signature_mark,
)
from assent.text.writing import PLAIN, Adds, Coding, LongText, Writing

__all__ = [
    "NOTHING_RESERVED",
    "PLAIN",
    "Adds",
    "Alphabet",
    "Assembled",
    "Coding",
    "LongText",
    "Reassembler",
    "Reserved",
    "SevenBit",
    "Writing",
    "alphabet_of",
    "alphabet_of_format",
    "billing_counts",
    "compose",
    "concat_of",
    "decode",
    "encode",
    "encode_ucs2",
    "fits",
    "is_repeat",
    "joined",
    "messages",
    "parse_udh",
    "segment",
    "segment_counts",
    "signature_mark",
]
