"""A text that comes over a customer's link is a template's only where its values fit."""

from __future__ import annotations

import secrets

import msgspec
import pytest

from assent.flow.catalogue import Catalogue
from assent.flow.matching import match
from assent.flow.setup import Register, file_register
from assent.store import Store
from bench.papers import complete
from tests.flow.conftest import register

AT = 1_795_312_800.0


async def catalogue_of(store: Store, body: str) -> Catalogue:
    document = register(1)
    document["senders"][0]["templates"][1]["body"] = body
    filed = msgspec.convert(complete(document), Register)
    await file_register(store, filed, AT, secrets.token_bytes)
    catalogue = Catalogue()
    await catalogue.load(store)
    return catalogue


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("您的订单A1001共12.50元。", "notice"), ("您的订单一号共12.50元。", None),
        ("您的订单A1001共免费元。", None), ("您的订单https://evil.example/共1元。", None),
    ],
)  # fmt: skip
async def test_values_make_the_template(
    fresh_store: Store, text: str, template: str | None
) -> None:
    catalogue = await catalogue_of(fresh_store, "您的订单{order:code}共{sum:amount}元。")
    account = next(a.id for a in catalogue.accounts.values() if a.name == "account1")
    found = match(catalogue, account, "106900013", f"【商户1】{text}", "")
    assert found.template == template
    if template:
        assert found.values == {"order": "A1001", "sum": "12.50"}


async def test_filing_another_text_makes_a_version(fresh_store: Store) -> None:
    """What was approved stays as it was, for what was ordered with it."""
    await catalogue_of(fresh_store, "您的订单{order}已发货。")
    await catalogue_of(fresh_store, "您的订单{order}已发货。")
    catalogue = await catalogue_of(fresh_store, "您的订单{order:code}已送达。")
    versions = sorted(
        (one.version, one.status, one.body, one.active)
        for one in catalogue.templates.values()
        if one.name == "notice"
    )
    assert versions == [
        (1, "replaced", "您的订单{order}已发货。", True),
        (2, "active", "您的订单{order}已送达。", True),
    ]
    sender = next(iter(catalogue.senders.values()))
    assert catalogue.template_for(sender, "notice").version == 2
