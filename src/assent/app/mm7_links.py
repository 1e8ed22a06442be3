"""Links to multimedia messaging centres in the settings file: what they need, and what contradicts
the rest. docs/settings.md lists every setting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from assent.app.links import (
    LinkFile,
    check_own,
    check_steering,
    context_of,
    hours_of,
    mark_of,
    name_of,
    networks_of,
    secret_of,
    wrong,
)
from assent.carrier.listener import ListenSettings
from assent.carrier.mm7_settings import Mm7Settings
from assent.wire.kit import Quirks

_SMS_ONLY: Final = ("host", "port", "version", "heartbeat_s", "tries", "stall_s")


def check_mm7_links(carrier: str, links: Iterable[LinkFile], abroad: bool) -> None:
    """Raise InvalidInput, naming field and mend, for what contradicts itself, alone or together."""
    at = f"carriers.{carrier}.links"
    links = list(links)
    for link in links:
        _check(at, link)
    if all(link.listen is None for link in links):
        mend = "add listen with the port that the centre posts to"
        raise wrong(f"{at}.listen", "replies and reports have no way in", mend)


def _check(at: str, link: LinkFile) -> None:
    if link.dialect != "mm7":
        mend = "give texts and videos carriers of their own"
        raise wrong(f"{at}.dialect", "some links of the carrier are mm7 and some are not", mend)
    check_own(at, link)
    usual = LinkFile(user="")
    for name in _SMS_ONLY:
        if getattr(link, name) != getattr(usual, name):
            raise wrong(f"{at}.{name}", "mm7 has no such setting", "remove it")
    parts = urlsplit(link.url or "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        mend = "write it like https://mmsc.example.com/mm7"
        raise wrong(f"{at}.url", "the centre's address is missing or none", mend)
    if parts.username or parts.password:
        raise wrong(f"{at}.url", "the address holds a name or secret", "use user and secret_file")
    if link.tls is not None and parts.scheme != "https":
        raise wrong(f"{at}.tls", "the address is not https", "change the address, or remove tls")
    if link.tls is not None and link.tls.name is not None:
        mend = "remove it; the certificate must have the address's own name"
        raise wrong(f"{at}.tls.name", "mm7 has no such setting", mend)
    if not link.vasp_id:
        raise wrong(f"{at}.vasp_id", "the centre has to know who we are", "set vasp_id")
    if link.front + link.bulk < 1 or link.front < 0 or link.bulk < 0:
        raise wrong(at, "a link opens no connection", "set front or bulk to 1 or more")
    check_steering(at, link)
    if link.listen is not None:
        networks_of(at, link.listen)


def mm7_settings_of(
    carrier: str, links: Iterable[LinkFile], role: str, abroad: bool
) -> list[Mm7Settings]:
    """Return the links that a process of a role has to a centre; its window is shared out over
    none of them, its rate evenly over all. One of them listens, as with SGIP.

    Raises InvalidInput when a secret, certificate or key cannot be read.
    """
    # It is long because a link has so many settings.
    found: list[Mm7Settings] = []
    at = f"carriers.{carrier}.links"
    for number, link in enumerate(links):
        total = link.front + link.bulk
        listens = role != "front" or link.bulk == 0
        for place in range(link.connections(role)):
            found.append(
                Mm7Settings(
                    name=f"{name_of(carrier, number, link)}-{role}-{place}",
                    link=name_of(carrier, number, link),
                    carrier=carrier,
                    url=link.url or "",
                    user=link.user,
                    secret=secret_of(at, link),
                    vasp_id=link.vasp_id or "",
                    vas_id=link.vas_id or "",
                    window=link.window,
                    rate=link.rate / total if link.rate else None,
                    response_s=link.response_s,
                    listen=_listen(at, link) if listens and place == 0 else None,
                    tls=None if link.tls is None else context_of(f"{at}.tls", link.tls),
                    tls_mark="" if link.tls is None else mark_of(link.tls),
                    zone_minutes=link.zone_minutes,
                    weight=link.weight,
                    standby=link.standby,
                    hours=hours_of(at, link),
                    abroad=abroad,
                    quirks=Quirks(
                        throttled=frozenset(link.throttled_codes),
                        elsewhere=frozenset(link.elsewhere_codes),
                        refused=frozenset(link.refused_codes),
                    ),
                    place=place,
                )
            )
    return found


def _listen(at: str, link: LinkFile) -> ListenSettings | None:
    listen = link.listen
    if listen is None:
        return None
    secret = secret_of(f"{at}.listen", listen)
    return ListenSettings(listen.host, listen.port, listen.user, secret, networks_of(at, listen))
