"""Build the register of official hosts: data/screen/hosts-2026.1.json.

    python tools/build_hosts.py official_finance_domains.csv domain-list-community/data

The list has columns group, domain, match, list, comment, attr; it was taken from the second
argument, the data directory of v2fly/domain-list-community (MIT; see NOTICE), from which come the
other hosts of brands that have very many, and namesakes. Brands, false friends, shorteners, free
hosting and words of the trade are the hand-made files beside this program: brands.txt, hosts.txt.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assent.screen.lookalike import Lookalikes
from assent.screen.registry import Registry

HERE = Path(__file__).parent
PACKAGED = HERE.parent / "src" / "assent" / "data" / "screen" / "hosts-2026.1.json"
VERSION = "2026.1"

# What the list calls a group of hosts → what brands.txt calls the brand.
LISTS = {
    "boc": "boc", "ccb": "ccb", "citic": "citic", "cmb": "cmb", "hsbc": "hsbc", "hsbc-cn": "hsbc",
    "icbc": "icbc", "unionpay": "unionpay", "standardchartered": "sc", "paypal": "paypal",
    "jd": "jd", "sber": "sberbank", "tbank-ru": "tinkoff", "venmo": "venmo",
}  # fmt: skip
# Files of brands with very many hosts → brand. They are official, but nothing is compared with
# them.
ALSO = {
    "alibaba": "alipay", "apple": "apple", "icloud": "apple", "amazon": "amazon", "aws": "amazon",
    "tencent": "qq", "qcloud": "qq", "tencent-games": "qq", "tencent-dev": "qq",
    "mastercard": "mastercard", "visa": "visa", "rakuten": "rakuten", "ctrip": "ctrip",
    "jtexpress": "jtexpress", "zto-express": "zto", "chinapost": "chinapost",
    "chinamobile": "mobile", "chinaunicom": "unicom", "chinatelecom": "telecom",
    "netflix": "netflix", "meituan": "meituan", "mercari": "mercari", "everbright": "ceb",
    "raiffeisenbank": "raiffeisen.ru", "otpbank": "otpbank.ru", "taobao": "taobao",
    "itunes": "apple", "apple-dev": "apple", "wechat": "wechat", "softbank": "softbank",
    "deppon": "deppon", "pingan": "pingan", "sto-express": "sto", "yto-express": "yto",
    "yundaex": "yunda", "cainiao": "cainiao",
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
        elif ":" in line or "," in line:
            section.append(line)
        else:
            section.extend(line.split())
    friends = {
        host: named.split() for host, _, named in (x.partition(":") for x in found["friends"])
    }
    namesakes = [[part.strip() for part in line.split(",")] for line in found["namesakes"]]
    plain = {name: sorted(set(words)) for name, words in found.items()}
    return {**plain, "friends": friends, "namesakes": namesakes}


def domains(path: Path) -> Iterator[str]:
    """Yield the domains of one file of the second source, attributes and includes left out."""
    for line in path.read_text("utf-8").splitlines():
        word = line.partition("#")[0].split()
        if word and not word[0].startswith(("include:", "regexp:", "keyword:")):
            yield word[0].removeprefix("full:").removeprefix("domain:")


def also(folder: Path, taken: dict[str, str]) -> dict[str, list[str]]:
    """Return more hosts of brands, none that lies below one that is known."""
    found: dict[str, list[str]] = {}
    for name, code in ALSO.items():
        path = folder / name
        for host in sorted(set(domains(path)) if path.is_file() else ()):
            if "." in host and not any(host.endswith(f".{one}") or host == one for one in taken):
                found.setdefault(code, []).append(host)
                taken[host] = code
    return found


def register(path: Path, folder: Path) -> dict[str, Any]:
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
    made = {"version": VERSION, "brands": list(known.values()), "exact": exact, "endings": endings,
            "also": also(folder, taken), "others": [], **lists()}  # fmt: skip
    return made | {"others": others(made, folder)}


def others(made: dict[str, Any], folder: Path) -> list[str]:
    """Return hosts of the second source that would be taken for look-alikes: namesakes."""
    index = Lookalikes(Registry(made))
    found = {host for path in folder.iterdir() for host in domains(path) if "." in host}
    return sorted(host for host in found if index.match(host) is not None)


def main() -> None:
    """Write the packaged register, or another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("official", type=Path)
    parser.add_argument("domains", type=Path)
    parser.add_argument("--out", type=Path, default=PACKAGED)
    given = parser.parse_args()
    text = json.dumps(
        register(given.official, given.domains), ensure_ascii=False, separators=(",", ":")
    )
    given.out.write_text(text.replace('},{"code"', '},\n{"code"') + "\n", encoding="utf-8")
    print(f"{given.out}: {len(text)} characters")


if __name__ == "__main__":
    main()
