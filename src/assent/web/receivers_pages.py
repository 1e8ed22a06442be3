"""What the receivers' pages say: from what is known to HTML."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi.responses import Response

from assent.web.receivers_html import (
    EMPTY,
    HOME,
    Html,
    Tongue,
    checkbox,
    facts,
    field,
    form,
    join,
    moment,
    page,
    text,
)
from assent.web.receivers_words import word

_NEEDS_AGREEMENT = frozenset({"marketing", "internal"})


def number_page(tongue: Tongue, token: str, *, wrong: bool = False) -> Response:
    """Ask for the number."""
    number = field(
        "number", tongue("number_label"), "tel", tongue("number_hint"), autocomplete="tel",
        maxlength="20",
    )  # fmt: skip
    body = join(
        (
            notice(tongue("number_wrong"), "wrong") if wrong else "",
            f"<p>{tongue('number_about')}</p>",
            form(tongue, f"{HOME}/code", token, tongue("number_send"), number),
        )
    )
    return page(tongue, tongue("number_title"), body, status=422 if wrong else 200)


def code_page(tongue: Tongue, token: str, ticket: str, *, wrong: bool = False) -> Response:
    """Ask for the code that was sent, or was not."""
    code = field(
        "code", tongue("code_label"), inputmode="numeric", autocomplete="one-time-code",
        maxlength="12",
    )  # fmt: skip
    hidden = {"ticket": ticket}
    body = join(
        (
            notice(tongue("code_wrong"), "wrong") if wrong else "",
            f"<p>{tongue('code_about')}</p>",
            form(tongue, f"{HOME}/enter", token, tongue("code_enter"), code, hidden),
            f'<p><a href="{tongue.path(HOME)}">{tongue("code_again")}</a></p>',
        )
    )
    return page(tongue, tongue("code_title"), body, status=403 if wrong else 200)


def me_page(tongue: Tongue, token: str, shown: dict[str, Any], said: Html) -> Response:
    """Show a receiver everything, with what she can do about it."""
    places = ("senders", "messages", "confirmations", "complaints", "mine")
    links = join(f'<li><a href="#{one}">{tongue(f"{one}_title")}</a></li>' for one in places)
    body = join(
        (
            notice(said, "said") if said else "",
            f"<p>{tongue('me_until', time='')}{moment(shown['until'])}</p>",
            f'<nav aria-label="{tongue("nav")}"><ul>{links}</ul></nav>',
            _section(tongue, "senders", _senders(tongue, token, shown)),
            _section(tongue, "messages", _messages(tongue, shown)),
            _section(tongue, "confirmations", _confirmations(tongue, token, shown)),
            _section(tongue, "complaints", _complaints(tongue, shown)),
            _section(tongue, "mine", _mine(tongue, token, shown)),
        )
    )
    title = tongue("me_title", number=f"+{shown['number']}")
    leave = form(tongue, f"{HOME}/leave", token, tongue("leave"))
    return page(tongue, title, body, here=f"{HOME}/me", leave=leave)


def complaint_page(tongue: Tongue, token: str, message: str) -> Response:
    """Ask what is wrong with a message."""
    words = Html(
        f'<label for="words">{tongue("complain_label")}</label>'
        '<textarea id="words" name="words" rows="5" maxlength="1000"></textarea>'
    )
    hidden = {"message": message}
    body = join(
        (
            f"<p>{tongue('complain_about')}</p>",
            form(tongue, f"{HOME}/complain", token, tongue("complain_send"), words, hidden),
            back(tongue),
        )
    )
    here = f"{HOME}/complain/{message}"
    return page(tongue, tongue("complain_title"), body, here=here)


def erasure_page(tongue: Tongue, token: str, *, unsure: bool = False) -> Response:
    """Tell what being forgotten means, and ask for it in so many words."""
    boxes = join(
        (
            checkbox("mark", "mark", tongue("erase_mark_label"), checked=True),
            checkbox("sure", "sure", tongue("erase_sure_label")),
        )
    )
    body = join(
        (
            notice(tongue("erase_unsure"), "wrong") if unsure else "",
            f"<p>{tongue('erase_about')}</p>",
            notice(tongue("erase_warning"), "said"),
            form(tongue, f"{HOME}/erase", token, tongue("erase_send"), boxes),
            back(tongue),
        )
    )
    status = 422 if unsure else 200
    return page(tongue, tongue("erase_title"), body, here=f"{HOME}/erase", status=status)


def erased_page(tongue: Tongue, held: bool, until: datetime | None) -> Response:
    """Tell that she is forgotten, or when she will be."""
    told = tongue("erase_held" if held else "erase_done")
    body = join(
        (notice(told, "said"), f"<p>{tongue('until')}: {moment(until)}</p>" if until else "")
    )
    return page(tongue, tongue("erase_title"), body)


def receipt_page(tongue: Tongue, code: str, found: dict[str, Any] | None) -> Response:
    """Tell what a receipt code stands for."""
    told = tongue("receipt_none")
    if found is not None:
        told = tongue(
            "receipt_found", code=code, names=found["names"],
            about=_plain(tongue, f"about_{found['about']}"), position=str(found["position"]),
            time=f"{found['created_at']:%Y-%m-%d %H:%M} UTC",
            state=_plain(tongue, f"confirmation_{found['state']}"),
        )  # fmt: skip
    body = join((notice(told, "said"), back(tongue)))
    return page(tongue, tongue("receipt_title"), body, here=f"{HOME}/me")


def link_page(tongue: Tongue, token: str, path: str, name: str | None, done: bool) -> Response:
    """Show who wrote and one button; what was done; or that the link leads nowhere."""
    if name is None:
        body = Html(f"<p>{tongue('link_gone')}</p>")
        return page(tongue, tongue("link_title"), body, status=404)
    if done:
        body = notice(tongue("link_done"), "said")
        return page(tongue, tongue("link_title"), body, here=path)
    body = join(
        (
            f"<p>{tongue('link_from', name=name)}</p><p>{tongue('link_about', name=name)}</p>",
            form(tongue, path, token, tongue("link_button")),
        )
    )
    return page(tongue, tongue("link_title"), body, here=path)


def error_page(tongue: Tongue, status: int, kind: str) -> Response:
    """Tell that something did not work."""
    body = join((notice(tongue(f"error_{kind}"), "wrong"), back(tongue)))
    return page(tongue, tongue("error_title"), body, status=status)


# Parts of the overview ---------------------------------------------------------------------------


def _section(tongue: Tongue, name: str, body: Html) -> Html:
    heading = f'<h2 id="{name}-heading">{tongue(f"{name}_title")}</h2>'
    return Html(f'<section id="{name}" aria-labelledby="{name}-heading">{heading}{body}</section>')


def _senders(tongue: Tongue, token: str, shown: dict[str, Any]) -> Html:
    def act(action: str, button: str, fields: Html = EMPTY, **hidden: str) -> Html:
        return form(tongue, f"{HOME}/{action}", token, tongue(button), fields, hidden)

    if shown["everyone"]:
        everybody = join(
            (
                notice(tongue("refused_all"), "said"),
                act("take-back", "take_back", sender=""),
                f"<p>{tongue('take_back_about')}</p>",
            )
        )
    else:
        everybody = act("refuse", "refuse_all", what="all")
    cards = join(_sender(tongue, act, one) for one in shown["senders"])
    return join((everybody, cards or f"<p>{tongue('senders_none')}</p>"))


def _sender(tongue: Tongue, act: Any, sender: dict[str, Any]) -> Html:
    number = str(sender["id"])
    parts = [f"<h3>{text(sender['name'])}</h3>"]
    if sender["group"]:
        parts.append(facts([(tongue("group"), text("、".join(sender["group"])))]))
    if sender["refused"]:
        purposes = ", ".join(_plain(tongue, f"purpose_{one}") for one in sender["refused"])
        parts += [
            f"<p>{tongue('refused_sender', purposes=purposes)}</p>",
            act("take-back", "take_back", sender=number),
            f"<p>{tongue('take_back_about')}</p>",
        ]
    else:
        box = checkbox("services", f"services-{number}", tongue("refuse_services"))
        parts.append(act("refuse", "refuse_sender", box, what="sender", id=number))
    parts += [_programme(tongue, act, one) for one in sender["programmes"]]
    parts += [f"<p>{tongue('proof_about')}</p>", act("proof", "proof", sender=number)]
    return Html(f"<article>{join(parts)}</article>")


def _programme(tongue: Tongue, act: Any, one: dict[str, Any]) -> Html:
    stands = tongue("stands" if one["stands"] else "stands_not")
    if one["refused"]:
        stands = Html(f"{stands} — {tongue('refused')}")
    rows = [
        (tongue("kinds"), text(one["kinds"])),
        (tongue("frequency"), text(one["frequency"])),
        (tongue("period"), text(one["period"])),
        (tongue("wording"), text(one["version"])),
        (tongue("state"), stands),
        (tongue("until"), moment(one["until"]) if one["stands"] else EMPTY),
    ]
    button = (
        act("refuse", "refuse_programme", what="programme", id=str(one["id"]))
        if one["stands"]
        else act("agree", "agree", programme=str(one["id"]))
    )
    records = join(_record(tongue, entry) for entry in one["entries"])
    return join(
        (
            f"<h4>{tongue('programme')}: {text(one['name'])}</h4>",
            facts(rows),
            button,
            f"<details><summary>{tongue('records')}</summary>{records}</details>",
        )
    )


def _record(tongue: Tongue, entry: dict[str, Any]) -> Html:
    granted = entry["kind"] in ("granted", "evidence")
    rows = [
        (tongue("record"), text(str(entry["position"]))),
        (tongue("state"), tongue(f"kind_{entry['kind']}")),
        (tongue("time"), moment(entry["at"])),
        (tongue("how"), tongue(f"channel_{entry['channel']}")),
        (tongue("who_says"), tongue(f"origin_{entry['origin']}")),
        (tongue("grade"), tongue(f"grade_{entry['grade']}") if granted else EMPTY),
        (tongue("wording"), text(entry["wording"])),
        (tongue("source"), text(entry["source"])),
        (tongue("until"), moment(entry["until"])),
        (tongue("receipt"), text(entry["receipt"])),
    ]
    return Html(f'<div id="e{entry["position"]}">{facts(rows)}</div>')


def _messages(tongue: Tongue, shown: dict[str, Any]) -> Html:
    about = f"<p>{tongue('messages_about', months=str(shown['months']))}</p>"
    told = join(_message(tongue, one) for one in shown["messages"])
    return join((about, told or f"<p>{tongue('messages_none')}</p>"))


def _message(tongue: Tongue, one: dict[str, Any]) -> Html:
    basis = EMPTY
    if one["consent"] is not None:
        words = tongue("consent_of", position=str(one["consent"]))
        basis = Html(f'<p><a href="#e{one["consent"]}">{words}</a></p>')
    elif one["purpose"] in _NEEDS_AGREEMENT:
        basis = Html(f"<p>{tongue('no_consent')}</p>")
    elif one["purpose"] != "system":
        basis = Html(f"<p>{tongue('service_basis')}</p>")
    rows = [
        (tongue("time"), moment(one["at"])),
        (tongue("from"), text(one["sender"])),
        (tongue("agent"), text(one["agent"] or "")),
        (tongue("port"), text(one["port"])),
        (tongue("signature"), text(one["signature"])),
        (tongue("purpose"), tongue(f"purpose_{one['purpose']}")),
        (tongue("state"), tongue(f"state_{one['state']}")),
    ]
    complain = ""
    if one["sender_id"] is not None:
        path = tongue.path(f"{HOME}/complain/{one['id']}")
        complain = f'<p><a href="{path}">{tongue("complain")}</a></p>'
    video = f"<p>{tongue('video')}</p>" if one["video"] else ""
    inside = join((f"<p>{text(one['text'])}</p>", video, facts(rows), basis, complain))
    return Html(f"<article>{inside}</article>")


def _confirmations(tongue: Tongue, token: str, shown: dict[str, Any]) -> Html:
    told = join(
        facts(
            [
                (tongue("time"), moment(one["created_at"])),
                (tongue("about"), tongue(f"about_{one['about']}")),
                (tongue("from"), text(one["names"])),
                (tongue("receipt"), text(one["receipt_code"])),
                (tongue("state"), tongue(f"confirmation_{one['state']}")),
            ]
        )
        for one in shown["confirmations"]
    )
    code = field("code", tongue("receipt_label"), maxlength="32", autocomplete="off")
    look = form(tongue, f"{HOME}/receipt", token, tongue("receipt_find"), code)
    return join((told or f"<p>{tongue('confirmations_none')}</p>", look))


def _complaints(tongue: Tongue, shown: dict[str, Any]) -> Html:
    told = join(facts(_complaint(tongue, one)) for one in shown["complaints"])
    return told or Html(f"<p>{tongue('confirmations_none')}</p>")


def _complaint(tongue: Tongue, one: dict[str, Any]) -> list[tuple[Html, Html]]:
    rows = [
        (tongue("time"), moment(one["at"])),
        (tongue("from"), text(one["sender"])),
        (tongue("receipt"), text(one["receipt"])),
        (tongue("complaint_door"), tongue(f"complaint_door_{one['source']}")),
        (tongue("text"), text(one["words"])),
        (tongue("state"), tongue(f"complaint_{one['state']}")),
    ]
    if one["answer"]:
        rows.append((tongue("complaint_answer"), text(one["answer"])))
    elif one["due_at"] is not None and one["state"] in ("open", "forwarded"):
        rows.append((tongue("complaint_due"), moment(one["due_at"])))
    return rows


def _mine(tongue: Tongue, token: str, shown: dict[str, Any]) -> Html:
    path = tongue.path(f"{HOME}/erase")
    erase = f'<p><a href="{path}">{tongue("erase_link")}</a></p>'
    return join((form(tongue, f"{HOME}/data", token, tongue("data")), erase))


# Small things ------------------------------------------------------------------------------------


def notice(words: Html, kind: str) -> Html:
    """Return a line that tells what was done (`said`) or what is wrong (`wrong`)."""
    role = "alert" if kind == "wrong" else "status"
    return Html(f'<p class="{kind}" role="{role}">{words}</p>')


def back(tongue: Tongue) -> Html:
    """Return the way back to where the pages begin."""
    return Html(f'<p><a href="{tongue.path(tongue.home)}">{tongue("back")}</a></p>')


def _plain(tongue: Tongue, key: str) -> str:
    return word(key, tongue.lang)
