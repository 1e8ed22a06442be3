"""What a simulated carrier does, as data: load it from TOML or JSON, change it while running.

Every section is optional; an empty script is a carrier that accepts everything at once, reports
DELIVRD at once, and whose people never answer. Times are seconds, shares are 0 to 1.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

import msgspec

from assent.errors import InvalidInput


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: frozen, and a misspelt name is an error."""


class Delay(Data, frozen=True):
    """A random delay: exactly one of the distributions, kept within `at_least` and `at_most`.

    `uniform` [low, high]; `normal` [mean, deviation]; `exponential` mean; `lognormal`
    [median, sigma].
    """

    uniform: tuple[float, float] | None = None
    normal: tuple[float, float] | None = None
    exponential: float | None = None
    lognormal: tuple[float, float] | None = None
    at_least: float = 0.0
    at_most: float = 86_400.0

    def __post_init__(self) -> None:
        kinds = (self.uniform, self.normal, self.exponential, self.lognormal)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("name exactly one of uniform, normal, exponential, lognormal")
        if self.lognormal is not None and self.lognormal[0] <= 0:
            raise ValueError("the median of a lognormal delay must be above 0")
        if self.exponential is not None and self.exponential <= 0:
            raise ValueError("the mean of an exponential delay must be above 0")

    def draw(self, rng: Random) -> float:
        """Return one delay in seconds, never negative."""
        if self.uniform is not None:
            value = rng.uniform(*self.uniform)
        elif self.normal is not None:
            value = rng.gauss(*self.normal)
        elif self.exponential is not None:
            value = rng.expovariate(1.0 / self.exponential)
        else:
            median, sigma = self.lognormal or (0.0, 0.0)
            value = median * rng.lognormvariate(0.0, sigma)
        return max(0.0, self.at_least, min(value, self.at_most))


Seconds = float | Delay


def draw_delay(delay: Seconds, rng: Random) -> float:
    """Return a fixed delay as it is and a random one drawn; costs no number when fixed."""
    return delay.draw(rng) if isinstance(delay, Delay) else delay


class Refusal(Data, frozen=True):
    """Answer `code` to this share of the submits to numbers that match `numbers` (a regex)."""

    code: int
    share: float = 1.0
    numbers: str | None = None


class Answers(Data, frozen=True):
    """What SUBMIT_RESP says and when. `throttle_per_s`: submits a second (of the carrier's clock,
    per account) above which the result is `throttle_code` (None: the dialect's flow control).
    Codes are those of the carrier's dialect."""

    latency: Seconds = 0.0
    refusals: tuple[Refusal, ...] = ()
    throttle_per_s: int | None = None
    throttle_code: int | None = None


class Fate(Data, frozen=True):
    """What reports say of people whose numbers match, whatever chance says of others."""

    numbers: str
    stat: str


class Receipts(Data, frozen=True):
    """Reports on accepted messages, where the platform asked for one.

    `stats` are weights by stat. `early` of them leave before their SUBMIT_RESP; `late` of them
    wait `late_delay` instead of `delay`; `duplicate` of them come twice. `on`: the link of the
    submit, or any link of the account. `numbers`: the first that matches a person says what her
    reports say. `form` "short" sends the 60-octet body on CMPP 3.0 links too
    (protocols.md 1.9, met in the field).
    """

    share: float = 1.0
    delay: Seconds = 0.0
    stats: dict[str, float] = msgspec.field(default_factory=lambda: {"DELIVRD": 1.0})
    early: float = 0.0
    late: float = 0.0
    late_delay: Seconds = 3600.0
    duplicate: float = 0.0
    on: Literal["same", "any"] = "same"
    form: Literal["version", "short"] = "version"
    numbers: tuple[Fate, ...] = ()

    def __post_init__(self) -> None:
        weights = self.stats.values()
        if not weights or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("stats needs at least one stat with a weight above 0")
        stats = [*self.stats, *(fate.stat for fate in self.numbers)]
        if any(len(stat) > 7 or not stat.isascii() for stat in stats):
            raise ValueError("a stat is at most 7 ASCII characters")


class Reply(Data, frozen=True):
    """People who got a text (stat DELIVRD) and answer it, `share` of them, after `delay`.

    Only texts that match `text` and access numbers that start with `source_prefix`, and people
    whose number matches `numbers` (regexes, searched). `texts` are weights by spelling; long ones
    go out in segments. `times`: how often one person answers by this rule at most; 0 is no limit.
    """

    texts: dict[str, float]
    share: float = 1.0
    delay: Seconds = 0.0
    text: str | None = None
    numbers: str | None = None
    source_prefix: str = ""
    times: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        weights = self.texts.values()
        if not weights or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("texts needs at least one text with a weight above 0")


class Faults(Data, frozen=True):
    """What breaks. Each count is of submits since the script was set, over all links.

    `silent_after`: from then on no answers. `stall_after`: then the socket is not read for
    `stall_s`. `half_open_after`: then this connection answers nothing, heartbeats neither, while
    TCP stays. `cut_after`: then the next answers end in the middle of a PDU and the connection
    closes. Stall, half-open and cut happen once. `taken`: whether messages that were read in
    silence are delivered all the same (reports and replies follow); else they are dropped.
    `bind_status`: refuse binds with this status. `heartbeats`: answer ACTIVE_TEST.
    """

    silent_after: int | None = None
    stall_after: int | None = None
    stall_s: float = 5.0
    half_open_after: int | None = None
    cut_after: int | None = None
    taken: bool = True
    bind_status: int = 0


class Script(Data, frozen=True):
    """Everything a simulated carrier does. `deliver_window`: its own window toward the platform.

    `heartbeat_s`, `response_s`: the carrier's own C and T.
    """

    answers: Answers = Answers()
    receipts: Receipts = Receipts()
    replies: tuple[Reply, ...] = ()
    faults: Faults = Faults()
    deliver_window: int = 16
    heartbeat_s: float = 180.0
    response_s: float = 60.0

    def __post_init__(self) -> None:
        patterns = [refusal.numbers for refusal in self.answers.refusals]
        patterns += [fate.numbers for fate in self.receipts.numbers]
        patterns += [pattern for reply in self.replies for pattern in (reply.text, reply.numbers)]
        for pattern in patterns:
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise ValueError(f"bad regular expression: {error}") from None
        if self.deliver_window < 1:
            raise ValueError("deliver_window must be at least 1")


def script_from(data: dict[str, Any]) -> Script:
    """Return the script that plain data describes; raises InvalidInput naming the place."""
    try:
        return msgspec.convert(data, Script)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            "bad_script", f"not a simulator script: {error}", mend="see docs/simulator.md"
        ) from None


def load_script(path: Path) -> Script:
    """Read a script from a .toml or .json file; raises InvalidInput."""
    return script_from(read_data(path))


def read_data(path: Path) -> dict[str, Any]:
    """Read a TOML or JSON file (by its ending) holding a table; raises InvalidInput."""
    try:
        text = path.read_text("utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidInput("bad_script", f"cannot read {path.name}: {error}") from None
    if not isinstance(data, dict):
        raise InvalidInput("bad_script", f"{path.name} holds no table")
    return data


def changed(script: Script, change: dict[str, Any]) -> Script:
    """Return `script` with the sections and fields of `change` replaced, deep by one section.

    `{"answers": {"latency": 1}}` leaves the other answers as they are. Raises InvalidInput.
    """
    plain: dict[str, Any] = msgspec.to_builtins(script)
    for name, value in change.items():
        section = plain.get(name)
        if isinstance(section, dict) and isinstance(value, dict):
            section.update(value)
        else:
            plain[name] = value
    return script_from(plain)


class Chooser(Protocol):
    """Draws one of some weighted names."""

    def __call__(self) -> str: ...


def chooser(weights: dict[str, float], rng: Random) -> Chooser:
    """Return a quick draw by weight; a single name costs no random number."""
    names = [name for name, weight in weights.items() if weight > 0]
    if len(names) == 1:
        only = names[0]
        return lambda: only
    total = 0.0
    sums = []
    for name in names:
        total += weights[name]
        sums.append(total)

    def draw() -> str:
        place = rng.random() * total
        for name, end in zip(names, sums, strict=True):
            if place < end:
                return name
        return names[-1]

    return draw
