"""Documents stay true: settings and the register are told as they are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from assent.app import settings
from assent.flow import admission_requests, logins, parcels, registers, roles, setup
from assent.flow.old_hand import clean_person
from assent.policy import reasons
from assent.registry import decisions
from assent.registry.credit_code import read_credit_code
from assent.registry.table import Table

DOCS = Path(__file__).parents[1] / "docs"


def code_block(name: str) -> str:
    found = re.search(r"```toml\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize(
    "struct",
    [
        settings.Settings,
        settings.HttpFile,
        settings.DispatchFile,
        settings.CarrierFile,
        settings.LinkFile,
        settings.ListenFile,
        settings.TlsFile,
        settings.CustomersFile,
        settings.DoorFile,
        settings.VideoFile,
        settings.PaymentFile,
        settings.PortsFile,
        settings.KeywordsFile,
        settings.AdmissionFile,
        settings.AskingFile,
        settings.CasesFile,
        settings.NearFile,
        settings.WarningFile,
        settings.ScreeningFile,
        settings.LedgerFile,
        settings.WitnessFile,
        settings.MailFile,
        settings.PagesFile,
        settings.PhonesFile,
        settings.SessionsFile,
        settings.ReceiversFile,
    ],
)
def test_every_setting_is_told(struct: type[msgspec.Struct]) -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    for field in msgspec.structs.fields(struct):
        assert f"`{field.name}`" in text, f"{field.name} is not in docs/settings.md"


def test_the_readme_leads_to_every_page() -> None:
    text = (DOCS.parent / "README.md").read_text("utf-8")
    table = [line for line in text.splitlines() if line.startswith("| [")]
    for page in sorted(DOCS.glob("*.md")):
        assert f"(docs/{page.name})" in "\n".join(table), f"{page.name} is not in README.md"
    assert len(table) == len(set(table)), "a row stands there twice"


def test_no_setting_is_told_that_is_none() -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    known = {
        field.name
        for struct in (
            settings.Settings,
            settings.HttpFile,
            settings.DispatchFile,
            settings.CarrierFile,
            settings.LinkFile,
            settings.ListenFile,
            settings.TlsFile,
            settings.CustomersFile,
            settings.DoorFile,
            settings.VideoFile,
            settings.PaymentFile,
            settings.PortsFile,
            settings.KeywordsFile,
            settings.AdmissionFile,
            settings.AskingFile,
            settings.CasesFile,
            settings.NearFile,
            settings.WarningFile,
            settings.ScreeningFile,
            settings.LedgerFile,
            settings.WitnessFile,
            settings.MailFile,
            settings.PagesFile,
            settings.PhonesFile,
            settings.SessionsFile,
            settings.ReceiversFile,
        )
        for field in msgspec.structs.fields(struct)
    }
    for line in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE):
        for name in re.findall(r"`([a-z_]+)`", line):
            assert name in known, name


def test_the_example_of_settings_loads() -> None:
    document = tomllib.loads(code_block("settings.md"))
    loaded = msgspec.convert(document, settings.Settings)
    assert loaded.carriers[0].links[0].rate == 200.0
    assert loaded.routes()


def test_the_example_of_a_register_loads_and_uses_every_field() -> None:
    block = code_block("setup.md")
    register = msgspec.convert(tomllib.loads(block), setup.Register)
    assert register.senders[0].ports
    for struct in (
        setup.Register,
        setup.SenderFile,
        setup.ProgrammeFile,
        setup.PortFile,
        setup.TemplateFile,
        setup.AccountFile,
        setup.KeyFile,
        logins.LoginFile,
    ):
        for field in msgspec.structs.fields(struct):
            assert re.search(rf"\b{field.encode_name}\b", block), f"{field.name} is missing"


def test_admission_tells_every_ground_and_column_and_its_example_applies() -> None:
    text = (DOCS / "front-door.md").read_text("utf-8")
    for ground in decisions.GROUNDS:
        assert f"`{ground.code}`" in text or ground.code == "withdrawn", ground.code
    for column in registers.COLUMNS:
        assert f"`{column}`" in text, column
    block = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert block is not None
    example = msgspec.json.decode(block.group(1), type=admission_requests.ApplicationRequest)
    assert Table.load().industry(example.industry) is not None
    assert read_credit_code(example.credit_code).findings == ()
    for person in example.people:
        assert clean_person(person, 1_795_320_000.0).id_number == person.id_number


def test_errors_of_customers_receipts_are_told() -> None:
    told = {}
    for row in (DOCS / "customer-links.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) > 3 and cells[2].isdecimal():
            told[int(cells[2])] = cells[1].strip("`")
    ends = {error: stat for stat, error in parcels.STAT_OF_STATE.values()}
    over = {parcels.INCOMPLETE: "EXPIRED", parcels.REPEATED: "REJECTD"}
    assert told == {**ends, **over, parcels.NOT_ORDERED: "REJECTD"}
    assert max(reasons.BY_NUMBER) < min(error for error in told if error) - 1


def test_the_tests_of_the_security_table_exist() -> None:
    table = (DOCS / "security.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", table))
    written = set()
    for file in Path(__file__).parent.rglob("test_*.py"):
        written |= set(
            re.findall(r"^(?:async )?def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
        )
    assert named
    assert not named - written


def test_the_roles_are_told_as_they_are() -> None:
    text = (DOCS / "accounts.md").read_text("utf-8")
    told = {
        (name, frozenset(re.findall(r"`(\w+)`", scopes)))
        for name, scopes in re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    }
    assert told == {*roles.CUSTOMER_ROLES.items(), *roles.STAFF_ROLES.items()}
