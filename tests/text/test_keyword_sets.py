"""What people of each country write, and what it means there."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.numbers import country_of
from assent.text.keyword_sets import DEFAULT_VERSION, KeywordSets
from assent.text.keywords import Kind

SETS = KeywordSets.load()
NAMES = sorted(SETS.sets)
DOCUMENT: dict[str, Any] = json.loads(
    resources.files("assent").joinpath(f"data/keywords-{DEFAULT_VERSION}.json").read_bytes()
)
REFUSING = (Kind.REFUSE, Kind.REFUSE_ALL)

# What every set reads alike: country by country in the test below.
EVERYWHERE = {
    Kind.REFUSE: "STOP|stop|Stop.|ＳＴＯＰ|STOP STOP|s t o p|🛑STOP🛑|Stop. Thank you"
    "|unsubscribe|opt-out"
    "|Opt out|TD|td|ＴＤ|TDDX|TD谢谢|退订|退 订|退訂|拒收|CANCEL|QUIT|END|REVOKE|arrêt"
    "|please stop texting me",
    Kind.REFUSE_ALL: "STOPALL|stop-all|全部退订",
    Kind.HELP: "HELP|help?|INFO",
    Kind.START: "START|UNSTOP|subscribe",
    Kind.UNCLEAR: "NO|don't stop|I called you three times to STOP this bill|this is a scam",
    Kind.NONE: "1|2|１|12|?|ok|👍||see you tomorrow",
}

CORPUS = {
    "CN": {
        Kind.REFUSE: "T|N|R|Q|QX|BK|TDHY|退定|退丁|不要了|别再发|请勿打扰|投诉|TD谢谢|ｔｄ"
        "|退订🙏|取消订阅|不需要，谢谢",
        Kind.REFUSE_ALL: "全部退订|TDQB|退订所有",
        Kind.HELP: "帮助|bz|AIDE|ayuda",
        Kind.START: "订阅|DY|恢复订阅",
        Kind.UNCLEAR: "不用了|算了|取消我的预约|不退订|BAJA|ABMELDEN|désabonner|fin|UIT|बंद",
        Kind.NONE: "好的|多少钱|取消订单|TNT|weekend sale|non|nein",
    },
    "US": {
        Kind.REFUSE: "Stop texting me|REMOVE ME|please take me off your list"
        "|I withdraw my consent|fin|arrêter"
        "|Désabonner|STOPP|leave me alone|opt me out",
        Kind.REFUSE_ALL: "STOP ALL|Unsubscribe all",
        Kind.HELP: "aide",
        Kind.START: "YES",
        Kind.UNCLEAR: "T|N|R|Q|不要|BAJA|no thanks|when does the offer end|nope|stop it"
        "|baja please",
        Kind.NONE: "Finn|thanks|how much|C|who is this|nonstop fun",
    },
    "FR": {
        Kind.REFUSE: "STOP|Stop SMS|STOP PUB|arrêt|Arrêtez|désabonner|Désabonnement merci"
        "|Résilier|fin"
        "|stop svp|ne m'envoyez plus de SMS|plus de pub|je veux me désabonner"
        "|supprimez-moi de votre liste",
        Kind.REFUSE_ALL: "STOP TOUT|stop-tout",
        Kind.HELP: "aide|Aide !",
        Kind.START: "oui|OUI",
        Kind.UNCLEAR: "non|non merci|n'arrêtez pas|c'est la fin du mois|BAJA|T|quelle arnaque",
        Kind.NONE: "merci|bonjour|demain|c'est combien",
    },
    "BE": {
        Kind.REFUSE: "STOP|arrêt|uit|Afmelden|uitschrijven|abmelden|désabonner|geen sms meer",
        Kind.REFUSE_ALL: "stop alles|STOP TOUT",
        Kind.HELP: "aide|Hilfe",
        Kind.UNCLEAR: "nee|non|nein|niet stoppen",
        Kind.NONE: "bedankt|merci|morgen",
    },
    "DE": {
        Kind.REFUSE: "Stopp|ABMELDEN|Abmeldung|bitte abmelden|abbestellen, danke|Kündigen"
        "|kuendigen|Ende"
        "|Keine Werbung|keine SMS mehr bitte|Melden Sie mich ab|Widerruf",
        Kind.REFUSE_ALL: "stop alle|Alle abmelden",
        Kind.HELP: "Hilfe",
        Kind.START: "ja|anmelden",
        Kind.UNCLEAR: "nein|Nein danke|nicht abmelden|das ist Betrug|am Ende des Monats|T",
        Kind.NONE: "danke|Guten Tag|morgen",
    },
    "ES": {
        Kind.REFUSE: "BAJA|baja|Baja por favor|dar de baja|quiero darme de baja|Alto|cancelar"
        "|no más mensajes"
        "|No quiero más publicidad|FIN",
        Kind.REFUSE_ALL: "baja todo|BAJA TOTAL",
        Kind.HELP: "ayuda|¿Ayuda?",
        Kind.START: "alta|sí",
        Kind.UNCLEAR: "no gracias|basta|no dar de baja|el fin de semana|ABMELDEN|es una estafa",
        Kind.NONE: "gracias|hola|mañana",
    },
    "GB": {
        Kind.REFUSE: "STOP|no more marketing|unsub|stop marketing|opt me out",
        Kind.REFUSE_ALL: "STOP ALL",
        Kind.UNCLEAR: "no thanks|nope|spam|T|R",
        Kind.NONE: "cheers|who is this|ta",
    },
    "AU": {
        Kind.REFUSE: "STOP|unsub|unsub me|please unsubscribe",
        Kind.REFUSE_ALL: "Stop all",
        Kind.UNCLEAR: "no|spam|fin",
        Kind.NONE: "no worries mate|cheers",
    },
    "SG": {
        Kind.REFUSE: "STOP|T|不要|berhenti|Berhenti terima kasih|batal|退订",
        Kind.REFUSE_ALL: "stop all|全部退订",
        Kind.HELP: "帮助",
        Kind.UNCLEAR: "no|不用了|BAJA",
        Kind.NONE: "好的|terima kasih|can lah",
    },
    "IN": {
        Kind.REFUSE: "STOP|DND|band karo|Band Karo ji|बंद|बंद करो|कृपया बंद करो"
        "|message mat bhejo|roko",
        Kind.REFUSE_ALL: "Stop All",
        Kind.UNCLEAR: "nahi|नहीं|i will complain to trai|T",
        Kind.NONE: "धन्यवाद|kya hai|ok ji",
    },
    "INTL": {
        Kind.REFUSE: "STOP|TD|退订",
        Kind.UNCLEAR: "T|BAJA|不要|Abmelden|uit",
        Kind.NONE: "obrigado|grazie|ありがとう",
    },
}  # fmt: skip

TABLE = [
    (name, text, kind)
    for name in NAMES
    for table in (EVERYWHERE, CORPUS.get(name, {}))
    for kind, line in table.items()
    for text in line.split("|")
]


@pytest.mark.parametrize("name", NAMES)
def test_people_of_a_country_are_read_as_they_mean_it(name: str) -> None:
    wrong = [
        (text, kind.name, SETS[name].read(text).kind.name)
        for of, text, kind in TABLE
        if of == name and SETS[name].read(text).kind is not kind
    ]
    assert not wrong


def test_the_corpus_is_not_small() -> None:
    assert len(TABLE) >= 700
    assert CORPUS.keys() >= {"CN", "US", "FR", "BE", "DE", "ES", "GB", "AU", "SG", "IN", "INTL"}


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_read_as_its_list_says_and_has_a_source(name: str) -> None:
    one = SETS[name]
    for kind in ("refuse", "refuse_all", "start", "unclear"):
        for word in one.lists[kind]:
            assert one.read(word).kind is Kind[kind.upper()], word
            assert one.read(word.lower()).kind is Kind[kind.upper()], word
    for part in (DOCUMENT["core"], DOCUMENT["sets"][name]):
        for each, words in part.items():
            if each not in ("countries", "includes"):
                assert set(words) <= DOCUMENT["sources"].keys()
    assert set(SETS.sources[name].values()) <= DOCUMENT["sources"].keys()


@pytest.mark.parametrize("name", NAMES)
def test_no_countrys_refusal_is_lost_in_another(name: str) -> None:
    """Alone it is at least unclear: marketing rests until a person has read it."""
    for other in SETS.sets.values():
        for kind in ("refuse", "refuse_all"):
            for word in other.lists[kind]:
                read = SETS[name].read(word).kind
                assert read in (*REFUSING, Kind.UNCLEAR), (name, word, read)


@given(st.sampled_from(NAMES), st.text(max_size=200))
def test_any_text_is_read_without_a_crash(name: str, text: str) -> None:
    assert SETS[name].read(text).kind in Kind


@given(
    st.sampled_from(
        [w for k in ("refuse", "refuse_all") for ws in DOCUMENT["core"][k].values() for w in ws]
    ),
    st.sampled_from(NAMES),
    st.sampled_from(["", " ", ".", "!", "。", "🛑", "\u200b", " thanks", " please"]),
    st.booleans(),
)
def test_the_core_refuses_everywhere(word: str, name: str, behind: str, small: bool) -> None:
    text = (word.lower() if small else word) + behind
    assert SETS[name].read(text).kind in REFUSING


@given(st.sampled_from(NAMES), st.text(alphabet="0123456789０１２ .,#*", max_size=12))
def test_digits_are_nothing_anywhere_and_may_be_keywords(name: str, text: str) -> None:
    assert SETS[name].read(text).kind is Kind.NONE
    assert SETS.reserved(text) is None


@given(st.sampled_from([w for one in SETS.sets.values() for w in one.lists["refuse"]]))
def test_no_word_of_refusal_may_be_a_keyword(word: str) -> None:
    assert SETS.reserved(word) is not None
    assert SETS.reserved(word.lower() + "!") is not None


def test_which_words_may_be_keywords() -> None:
    for word in ("1", "2", "办理", "查询", "ok", "DY", "订阅", "A1"):
        assert SETS.reserved(word) is None, word
    for word in ("T", "TD", "help", "帮助", "STOP", "不用了", "no", "退1", "BAJA", "ABMELDEN"):
        assert SETS.reserved(word) is not None, word


def test_each_set_has_a_digest_of_its_own() -> None:
    assert len({one.digest for one in SETS.sets.values()}) == len(NAMES)
    assert {one.version for one in SETS.sets.values()} == {DEFAULT_VERSION}
    again = KeywordSets.load()
    assert {n: again[n].digest for n in NAMES} == {n: SETS[n].digest for n in NAMES}
    changed = json.loads(json.dumps(DOCUMENT))
    changed["sets"]["FR"]["refuse"]["language"].append("CESSER")
    other = KeywordSets.from_document(changed)
    assert other["FR"].digest != SETS["FR"].digest
    assert other["CN"].digest != SETS["CN"].digest  # there it is unclear from now on
    assert other["CN"].read("cesser").kind is Kind.UNCLEAR
    assert SETS["CN"].read("cesser").kind is Kind.NONE


@pytest.mark.parametrize(
    ("number", "country", "name"),
    [
        (8613800138000, "CN", "CN"),
        (85251234567, "HK", "CN"),
        (12125550123, "US", "US"),
        (14165550123, "CA", "US"),
        (33612345678, "FR", "FR"),
        (32470123456, "BE", "BE"),
        (4915112345678, "DE", "DE"),
        (34612345678, "ES", "ES"),
        (447700900123, "GB", "GB"),
        (61412345678, "AU", "AU"),
        (6591234567, "SG", "SG"),
        (919876543210, "IN", "IN"),
        (819012345678, "JP", "INTL"),
        (0, "", "INTL"),
    ],
)
def test_a_number_tells_its_country_and_so_its_set(number: int, country: str, name: str) -> None:
    assert country_of(number) == country
    assert SETS.for_reply(country, "any", "1069").name == name


def test_settings_choose_by_carrier_and_by_port() -> None:
    chosen = SETS.chosen_by({"paris": "FR"}, {"10691": "US", "1069123": "DE"})
    assert chosen.for_reply("CN", "paris", "36180").name == "FR"
    assert chosen.for_reply("CN", "mobile", "106912").name == "US"
    assert chosen.for_reply("CN", "paris", "106912399").name == "DE"
    assert chosen.for_reply("CN", "mobile", "1068").name == "CN"
    with pytest.raises(InvalidInput) as caught:
        SETS.chosen_by({"paris": "XX"}, {})
    assert caught.value.field == "keywords.carriers.paris"


@pytest.mark.parametrize(
    "broken",
    [
        {"sets": {"XX": {"countries": [], "refus": {"language": ["A"]}}}},
        {"sets": {"XX": {"countries": [], "refuse": {"hearsay": ["A"]}}}},
    ],
)
def test_a_misspelt_document_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="set XX"):
        KeywordSets.from_document(DOCUMENT | broken)
