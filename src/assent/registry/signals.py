"""What an old hand checks before believing an applicant.

Each function looks at plain facts and returns a finding or None. A fact that nobody looked up is
unknown, never fine. Nothing here refuses: a reviewer reads the findings beside the papers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from assent.registry.findings import Finding, found
from assent.registry.papers import Seen

if TYPE_CHECKING:
    from tldextract import TLDExtract

FREE_MAIL: Final = frozenset(
    {
        "qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "sina.com", "sina.cn",
        "sohu.com", "139.com", "189.cn", "wo.cn", "aliyun.com", "tom.com", "21cn.com",
        "gmail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "yahoo.com.cn",
        "icloud.com", "proton.me", "protonmail.com", "mail.com", "gmx.com", "yandex.com",
    }
)  # fmt: skip
"""Domains where anybody gets an address."""

YOUNG: Final = timedelta(days=180)
MANY_COMPANIES: Final = 5
_MAIL: Final = re.compile(r"[^@\s]+@([^@\s]+)")


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    from tldextract import TLDExtract

    # The list that comes with the package: what is asked must not depend on a network.
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def domain_of(host: str) -> str:
    """Return the domain that somebody registered: icbc.com.cn of www.icbc.com.cn, in ASCII; ''
    for an address, a public suffix or nonsense."""
    try:
        name = host.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    parts = _suffixes().extract_str(name)
    return f"{parts.domain}.{parts.suffix}" if parts.domain and parts.suffix else ""


def website_domain(website: str) -> str:
    """Return the registered domain of a website's address, '' when it is none."""
    try:
        host = urlsplit(website if "//" in website else f"//{website}").hostname
    except ValueError:
        return ""
    return domain_of(host or "")


def mail_domain(mail: str) -> str:
    """Return the registered domain of a mail address, '' when it is none."""
    match = _MAIL.fullmatch(mail.strip())
    return domain_of(match.group(1)) if match else ""


def one_person_bank(finance: bool, people: int, licence: Seen) -> Finding | None:
    """A financial institution comes with several people: who signs, who runs it, who answers.

    `people`: different persons who act for it. `licence`: how its licence was seen."""
    return found("one_person_bank") if finance and people < 2 and licence <= Seen.SCAN else None


def website(stated: str, registered: Collection[str] | None) -> Finding | None:
    """The website that it names is one that its ICP filing names. `registered`: addresses or
    domains in the register, None when nobody looked."""
    if not stated.strip():
        return found("no_website")
    domain = website_domain(stated)
    if not domain:
        return found("website_unread")
    if registered is None:
        return found("website_unknown")
    return None if domain in map(website_domain, registered) else found("website_not_registered")


def mail(address: str, own: Collection[str]) -> Finding | None:
    """Mail comes from a domain of the entity. `own`: its registered websites or domains."""
    domain = mail_domain(address)
    if not domain:
        return found("mail_unread")
    if domain in map(website_domain, own):
        return None
    return found("mail_free" if domain in FREE_MAIL else "mail_outside")


def call_back(called: str | None, listed: Collection[str]) -> Finding | None:
    """Somebody called it at a number that a public register lists: never one that the applicant
    gave. `called`: the number, None when nobody called."""
    numbers = {_digits(number) for number in listed} - {""}
    if not numbers:
        return found("no_listed_number")
    if called is None:
        return found("call_back_not_made")
    return None if _digits(called) in numbers else found("call_back_unlisted")


def age(
    founded_on: date, today: date, claims_since: date | None, licensed_from: date | None
) -> tuple[Finding, ...]:
    """A company is no younger than the business it claims, nor than its own licences.

    `claims_since`: since when it says it is in business. `licensed_from`: the first day of its
    oldest licence."""
    if founded_on > today:
        return (found("founded_later"),)
    findings = []
    if claims_since is not None and claims_since < founded_on:
        findings.append(found("younger_than_claim"))
    if licensed_from is not None and licensed_from < founded_on:
        findings.append(found("licence_before_founding"))
    if today - founded_on < YOUNG:
        findings.append(found("young_company"))
    return tuple(findings)


def many_companies(companies: int) -> Finding | None:
    """`companies`: those among all applicants with the same legal person, this one included."""
    return found("many_companies", str(companies)) if companies >= MANY_COMPANIES else None


def responsible_for_many(companies: int) -> Finding | None:
    """`companies`: those with the same responsible person, this one included (CN-75)."""
    return found("responsible_for_many", str(companies)) if companies > 1 else None


def shared_officers(revoked: Collection[str]) -> Finding | None:
    """`revoked`: credit codes of revoked companies with which it shares a person or shareholder,
    now or formerly."""
    return found("shared_officers", ", ".join(sorted(set(revoked)))) if revoked else None


def _digits(number: str) -> str:
    """Return a telephone number's digits, without the country's code and trunk zero."""
    digits = re.sub(r"\D", "", number)
    digits = digits.removeprefix("00").removeprefix("86") if len(digits) > 10 else digits
    return digits.lstrip("0")
