"""Whether a link could bind and send at all: tried on paper, before it is tried on a carrier."""

from __future__ import annotations

from typing import Final

from assent.carrier.link_settings import LinkSettings
from assent.errors import InvalidInput, LocalProtocolError
from assent.text import LongText
from assent.wire.kit import Kit

_FIELD_OF: Final = {
    "msg_src": "msg_src",
    "corp_id": "msg_src",
    "password": "secret_file",
    "system_type": "system_type",
}
"""Which setting a field of a bind or a SUBMIT comes from; any other is the user."""
_TIME: Final = 101_000_000  # 01-01 00:00:00


def try_on_paper(at: str, link: LinkSettings, kit: Kit) -> None:
    """Write a bind and a SUBMIT and throw them away. Raises InvalidInput naming, below `at`, the
    setting that does not fit its field."""
    try:
        session = kit.session(link.session(kit.version, kit.mode, 1), 0.0)
        session.start(0.0, _TIME)
        if kit.sends:
            kit.form("", "1", LongText.UDH)
    except (LocalProtocolError, UnicodeError) as error:
        message = error.message if isinstance(error, LocalProtocolError) else "it is not Latin-1"
        name = _FIELD_OF.get(getattr(error, "field", None) or "", "user")
        if name == "msg_src" and link.quirks.msg_src is None and link.dialect == "cmpp":
            name = "user"  # the enterprise code is the user's where the file has none
        raise InvalidInput(
            "bad_settings",
            message,
            field=f"{at}.{name}",
            mend=f"write it as the carrier gave it; {link.dialect.upper()} has no room for more",
        ) from None
