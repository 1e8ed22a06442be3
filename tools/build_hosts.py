"""Build the register of official hosts: data/screen/hosts-2026.1.json.

    python tools/build_hosts.py official_finance_domains.csv

The list has columns group, domain, match, list, comment, attr (v2fly/domain-list-community, MIT; see
NOTICE). Brands, false friends, shorteners, free hosting and words of the trade are the hand-made
files beside this program: brands.txt, hosts.txt.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGED = HERE.parent / "src" / "assent" / "data" / "screen" / "hosts-2026.1.json"
VERSION = "2026.1"

# What the list calls a group of hosts → what brands.txt calls the brand.
LISTS = {
    "boc": "boc", "ccb": "ccb", "citic": "citic", "cmb": "cmb", "hsbc": "hsbc", "hsbc-cn": "hsbc",
    "icbc": "icbc", "unionpay": "unionpay", "standardchartered": "sc", "paypal": "paypal",
    "jd": "jd", "sber": "sberbank", "tbank-ru": "tinkoff", "venmo": "venmo",
}  # fmt: skip
COUNTRY = {"bank-cn": "CN", "securities-cn": "CN", "bank-ru": "RU", "bank-jp": "JP",
           "bank-ir": "IR", "bank-mm": "MM"}  # fmt: skip


def rows(name: str) -> Iterator[str]:
    """Yield the lines of a hand-made file without comments."""
    for line in (HERE / name).read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def brands() -> dict[str, dict[str, Any]]:
    """Return the hand-made brands by code."""
    found = {}
    for line in rows("brands.txt"):
        code, en, zh, home, strong, weak, hosts = (part.strip() for part in line.split("|"))
        found[code] = {"code": code, "en": en, "zh": zh, "home": home, "strong": strong.split(),
                       "weak": weak.split(), "hosts": hosts.split()}  # fmt: skip
    return found


def lists() -> dict[str, Any]:
    """Return the sections of hosts.txt: `[name]`, then words, or `host: brands` of friends."""
    found: dict[str, list[str]] = {}
    section: list[str] = []
    for line in rows("hosts.txt"):
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), [])
        elif ":" in line:
            section.append(line)
        else:
            section.extend(line.split())
    friends = {
        host: named.split() for host, _, named in (x.partition(":") for x in found["friends"])
    }
    return {**{name: sorted(set(words)) for name, words in found.items()}, "friends": friends}


def register(path: Path) -> dict[str, Any]:
    """Return the whole register."""
    known = brands()
    taken = {host: code for code, brand in known.items() for host in brand["hosts"]}
    exact: dict[str, str] = {}
    endings: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            domain = row["domain"].strip()
            code = taken.get(domain) or LISTS.get(row["list"], domain)
            group = row["group"].removeprefix("category-")
            if code not in known:
                known[code] = {"code": code, "en": domain, "zh": domain,
                               "home": COUNTRY.get(group, ""), "strong": [], "weak": [],
                               "hosts": []}  # fmt: skip
            if row["match"] == "brand_tld":
                endings[domain] = code
            elif row["match"] == "full":
                exact[domain] = code
            elif taken.setdefault(domain, code) == code and domain not in known[code]["hosts"]:
                known[code]["hosts"].append(domain)
    return {"version": VERSION, "brands": list(known.values()), "exact": exact, "endings": endings,
            **lists()}  # fmt: skip


def main() -> None:
    """Write the packaged register, or another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("official", type=Path)
    parser.add_argument("--out", type=Path, default=PACKAGED)
    given = parser.parse_args()
    text = json.dumps(register(given.official), ensure_ascii=False, separators=(",", ":"))
    given.out.write_text(text.replace('},{"code"', '},\n{"code"') + "\n", encoding="utf-8")
    print(f"{given.out}: {len(text)} characters")


if __name__ == "__main__":
    main()
