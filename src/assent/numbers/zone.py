"""Numbers → the receiver's time of day, for quiet hours and calendar days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from assent.numbers.segments import Numbers

CHINA_MINUTES: Final = 480
"""Minutes east of UTC in the whole of mainland China, all year."""

_LEAD: Final = 9
"""Leading digits that decide a zone: the longest beginning in libphonenumber's zone table."""


def zone_minutes(msisdn: Numbers, at: float | None = None) -> NDArray[np.int16]:
    """Return each number's minutes east of UTC, at the moment `at` (seconds since 1970).

    Without `at`: standard time, without daylight saving. Mainland numbers and 0 get 480. Where a
    number of a country with several zones does not tell which, it gets the middle one; where no
    zone is known (satellite phones, for instance), 0.
    """
    zones = np.full(len(msisdn), CHINA_MINUTES, np.int16)
    # Twelve digits or more beginning with 86, and thirteen for mobile numbers.
    mainland = (msisdn // np.uint64(10**11) == 86) | (msisdn // np.uint64(10**10) == 86)
    other = np.flatnonzero(~mainland & (msisdn != 0))
    if other.size:
        numbers, where = np.unique(msisdn[other], return_inverse=True)
        # Zones change their offset at quarter hours, so answers hold for one and can be kept.
        moment = None if at is None else int(at) // 900 * 900
        minutes = [_minutes(str(number)[:_LEAD], moment) for number in numbers.tolist()]
        zones[other] = np.array(minutes, np.int16)[where]
    return zones


@lru_cache(maxsize=1 << 16)
def _minutes(lead: str, moment: int | None) -> int:
    offsets = sorted({_offset(name, moment) for name in _zone_names(lead)})
    return offsets[(len(offsets) - 1) // 2] if offsets else 0


@lru_cache(maxsize=1 << 16)
def _zone_names(lead: str) -> tuple[str, ...]:
    import phonenumbers  # its tables take a tenth of a second, and most lists need none
    from phonenumbers import timezone

    for size in (1, 2, 3):
        if int(lead[:size]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE and len(lead) > size:
            number = phonenumbers.PhoneNumber(
                country_code=int(lead[:size]),
                national_number=int(lead[size:]),
                italian_leading_zero=lead[size] == "0",
            )
            names = timezone.time_zones_for_geographical_number(number)
            return tuple(name for name in names if name != timezone.UNKNOWN_TIMEZONE)
    return ()


@lru_cache(maxsize=1 << 12)
def _offset(name: str, moment: int | None) -> int:
    """Return a zone's minutes east of UTC at a moment, or its standard time."""
    zone = ZoneInfo(name)
    if moment is not None:
        offset = datetime.fromtimestamp(moment, zone).utcoffset() or timedelta()
    else:
        winter = datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone)
        offset = (winter.utcoffset() or timedelta()) - (winter.dst() or timedelta())
    return int(offset.total_seconds()) // 60
