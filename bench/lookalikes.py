"""Look-alike hosts: how many are recognised, and how many honest ones are taken for them.

Generated ones come from dnstwist, with all its techniques, over the official domains. Real ones are
hosts of phishing pages, when the shared data is there; many carry no brand at all, so recall is
told for all and for those in which a person can read a brand. Ordinary hosts are the other files of
v2fly/domain-list-community (`--ordinary DIR`: its data directory), each judged as if the register
had never seen it, and as the packaged register does.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import dnstwist

from assent.screen.finding import Severity
from assent.screen.hosts import Hosts
from assent.screen.links import Plain, find_links
from assent.screen.lookalike import Lookalikes
from assent.screen.registry import Registry, read_register

SHARED: Final = Path(__file__).parents[1].parent / "shared" / "data" / "lists"
_WORDS: Final = (
    "account auth bonus card center claim confirm credit help home info login mobile my online pay"
    " payment portal safe secure security service shop signin support team update user verify www"
)
_ENDINGS: Final = (
    "app biz cc club cn co com com.cn de eu fr icu in info io jp me net online org ru shop site"
    " store tk top tv uk us vip win work xyz"
)
LATE: Final = "2024/07"
"""Real hosts from this month on were looked at only for figures, never for rules."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`domains`: official domains to generate from; `each`: hosts of a technique and domain that
    are judged; `real`: real hosts that are judged."""

    domains: int = 10_000
    each: int = 60
    real: int = 100_000

    @classmethod
    def quick(cls) -> Plan:
        """Return a tiny one."""
        return cls(20, 10, 1_500)


def run(plan: Plan, ordinary: Path | None = None, lists: Path = SHARED) -> dict[str, Any]:
    """Return recall by technique, and false alarms."""
    hosts = Hosts.packaged()
    found: dict[str, Any] = {
        "register": f"{hosts.registry.version}, {len(hosts.registry.homes)} hosts",
        "official": official(hosts),
        "generated": generated(hosts, plan, lists),
    }
    if (lists / "phish_finance_hosts.dev.csv.gz").is_file():
        found["real, finance in Japan, before " + LATE] = real(hosts, plan, lists, late=False)
        found["real, finance in Japan, since " + LATE] = real(hosts, plan, lists, late=True)
        found["real, LabHost"] = labhost(hosts, plan, lists)
    if ordinary is not None:
        found["ordinary"] = honest(hosts, ordinary)
    return found


def official(hosts: Hosts) -> dict[str, Any]:
    """Return how many official hosts are flagged: none may be."""
    homes = list(hosts.registry.homes)
    flagged = [host for host in homes if hosts.match(host) is not None]
    flagged += [host for host in homes if hosts.match(f"www.{host}") is not None]
    return {"hosts": len(homes), "flagged": len(flagged)}


def generated(hosts: Hosts, plan: Plan, lists: Path = SHARED) -> dict[str, Any]:
    """Return recall over hosts that dnstwist makes of official ones, by technique."""
    chance = random.Random(11)
    homes = originals(hosts, lists)
    hit: Counter[str] = Counter()
    told: Counter[str] = Counter()
    seconds = 0.0
    for home in homes if plan.domains >= len(homes) else chance.sample(homes, plan.domains):
        for technique, made in variants(home).items():
            some = made if len(made) <= plan.each else chance.sample(made, plan.each)
            fresh = [host for host in some if hosts.registry.owner(host) is None]
            begun = time.process_time()
            hit[technique] += sum(hosts.match(host) is not None for host in fresh)
            seconds += time.process_time() - begun
            told[technique] += len(fresh)
    found: dict[str, Any] = {name: share(hit[name], told[name]) for name in sorted(told)}
    found["all"] = share(hit.total(), told.total())
    found["mean of techniques"] = round(sum(hit[n] / told[n] for n in told) / max(1, len(told)), 4)
    found["microseconds a host"] = round(1e6 * seconds / max(1, told.total()), 1)
    return found


def originals(hosts: Hosts, lists: Path) -> list[str]:
    """Return the official domains of the shared data; of the register where they are not there."""
    path = lists / "official_finance_domains.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return sorted({row["domain"] for row in rows if row["match"] != "brand_tld"})
    return sorted({host for brand in hosts.registry.brands.values() for host in brand.hosts})


def variants(home: str) -> dict[str, list[str]]:
    """Return what dnstwist makes of a host, by technique."""
    fuzzer = dnstwist.Fuzzer(home, dictionary=_WORDS.split(), tld_dictionary=_ENDINGS.split())
    fuzzer.generate()
    found: dict[str, list[str]] = defaultdict(list)
    for one in fuzzer.domains:
        if one["fuzzer"] != "*original":
            found[one["fuzzer"]].append(one["domain"])
    return {technique: sorted(made) for technique, made in found.items()}


def share(part: int, whole: int) -> str:
    """Return a share with what it is of."""
    return f"{part / whole:.3f} of {whole}" if whole else "of nothing"


def real(hosts: Hosts, plan: Plan, lists: Path, *, late: bool) -> dict[str, Any]:
    """Return recall over hosts of real phishing pages."""
    with gzip.open(lists / "phish_finance_hosts.dev.csv.gz", "rt", encoding="utf-8") as file:
        rows = [r["host"] for r in csv.DictReader(file) if (r["first_month"] >= LATE) is late]
    return _recall(hosts, rows, plan)


def labhost(hosts: Hosts, plan: Plan, lists: Path) -> dict[str, Any]:
    """Return recall over domains of a phishing service; most imitate banks that are in no list."""
    with gzip.open(lists / "labhost_phish_domains.txt.gz", "rt", encoding="utf-8") as file:
        return _recall(hosts, [line.strip() for line in file if line.strip()], plan)


def _recall(hosts: Hosts, rows: list[str], plan: Plan) -> dict[str, Any]:
    some = rows if len(rows) <= plan.real else random.Random(12).sample(rows, plan.real)
    read = Readable(hosts.registry)
    named = [host for host in some if read(host)]
    alike = {host for host in some if hosts.match(host.lower()) is not None}
    return {
        "brand can be read": share(sum(host in alike for host in named), len(named)),
        "all, as look-alikes": share(sum(host in alike for host in some), len(some)),
        "all, held for any reason": share(sum(held(hosts, host) for host in some), len(some)),
    }


def held(hosts: Hosts, host: str) -> bool:
    """Tell whether a link to the host is held or rejected, whatever the reason."""
    links = find_links(Plain(f"http://{host}/"))
    return any(finding.severity >= Severity.HOLD for finding in hosts.judge(links))


class Readable:
    """Whether a person reads a brand in a host: a name of five letters or more stands in it, or
    one of four begins or ends a run of letters, or one of three is such a run. Told by the brands'
    names alone, without any of the product's rules."""

    def __init__(self, registry: Registry) -> None:
        brands = registry.brands.values()
        tokens = {t for brand in brands for t in (*brand.strong, *brand.weak)}
        self._names = {token for token in tokens if token.isalpha() and len(token) > 2}
        self._codes = {token for token in tokens if token.isdigit() and len(token) > 4}

    def __call__(self, host: str) -> bool:
        """Tell it of one host."""
        for run_ in re.findall(r"[a-z]+", host.lower().rpartition(".")[0]):
            if run_ in self._names or run_[:4] in self._names or run_[-4:] in self._names:
                return True
            if any(len(name) > 4 and name in run_ for name in self._names):
                return True
        return any(code in self._codes for code in re.findall(r"\d+", host))


def honest(hosts: Hosts, folder: Path) -> dict[str, Any]:
    """Return how many ordinary hosts are flagged."""
    data = read_register((resources.files("assent") / Registry.PACKAGED).read_bytes())
    fresh = Lookalikes(Registry({**data, "others": []}))
    several = [host for host in sorted(set(domains(folder))) if hosts.registry.owner(host) is None]
    unseen = sum(fresh.match(host) is not None for host in several)
    packaged = sum(hosts.match(host) is not None for host in several)
    return {
        "hosts": len(several),
        "flagged, never seen before": f"{unseen} ({unseen / len(several):.3%})",
        "flagged, packaged register": f"{packaged} ({packaged / len(several):.3%})",
    }


def domains(folder: Path) -> Iterator[str]:
    """Yield the hosts of all files, whatever their category."""
    for path in sorted(folder.iterdir()):
        yield from _lines(path.read_text("utf-8").splitlines())


def _lines(rows: Iterable[str]) -> Iterator[str]:
    for row in rows:
        word = row.partition("#")[0].split()
        if word and not word[0].startswith(("include:", "regexp:", "keyword:")):
            host = word[0].removeprefix("full:").removeprefix("domain:")
            if "." in host:
                yield host
