"""Numbers → the country that gave them out."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

MAINLAND: Final = "CN"


@lru_cache(maxsize=1 << 14)
def country_of(msisdn: int) -> str:
    """Return the country of a number in E.164 form as ISO 3166 has it, "" where none is known.

    A country code that several share (+1) is told apart by the digits behind it; by them alone,
    so a number that was kept on moving still tells where it is from.
    """
    text = str(msisdn)
    if text.startswith("86"):
        return MAINLAND
    import phonenumbers  # its tables take a tenth of a second

    for size in (1, 2, 3):
        if len(text) > size and int(text[:size]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            number = phonenumbers.PhoneNumber(
                country_code=int(text[:size]),
                national_number=int(text[size:]),
                italian_leading_zero=text[size] == "0",
            )
            region = phonenumbers.region_code_for_number(number)
            main = phonenumbers.region_code_for_country_code(int(text[:size]))
            found = region or main
            return "" if found == "001" else str(found)
    return ""
