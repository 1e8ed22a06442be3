"""Phone numbers: rows as people write them → E.164; E.164 → network, province, city, zone.

Arrays in, arrays out. Everywhere inside the platform a number is an integer in E.164 form with
its country code (8613800138000) in a uint64 array, and 0 where there is none.

A prefix is not proof of a network: since 2019 mainland numbers can be ported. What is known
about ported numbers is laid over the table (:meth:`NumberTable.with_ported`).
Where the table comes from and what it leaves open: docs/numbers.md.
"""

from assent.numbers.country import country_of
from assent.numbers.reading import FAULT_WORDS, Fault, Parsed, is_mainland, mask, parse
from assent.numbers.segments import Name, Numbers
from assent.numbers.table import NumberTable, Places
from assent.numbers.zone import CHINA_MINUTES, zone_minutes

__all__ = [
    "CHINA_MINUTES",
    "FAULT_WORDS",
    "Fault",
    "Name",
    "NumberTable",
    "Numbers",
    "Parsed",
    "Places",
    "country_of",
    "is_mainland",
    "mask",
    "parse",
    "zone_minutes",
]
