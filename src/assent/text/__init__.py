"""Texts of short messages: alphabets, segments, signature and refusal wording, and the way back.

alphabet: what a text may be written in. segments: what the receiver sees, cut to size.
reassembly: segments back into messages.
"""

from assent.text.alphabet import Alphabet, SevenBit, alphabet_of, alphabet_of_format, decode, encode
from assent.text.reassembly import Assembled, Reassembler
from assent.text.segments import (
    NOTHING_RESERVED,
    Reserved,
    billing_counts,
    compose,
    concat_of,
    parse_udh,
    reserve,
    segment,
    segment_counts,
    signature_mark,
)

__all__ = [
    "NOTHING_RESERVED",
    "Alphabet",
    "Assembled",
    "Reassembler",
    "Reserved",
    "SevenBit",
    "alphabet_of",
    "alphabet_of_format",
    "billing_counts",
    "compose",
    "concat_of",
    "decode",
    "encode",
    "parse_udh",
    "reserve",
    "segment",
    "segment_counts",
    "signature_mark",
]
