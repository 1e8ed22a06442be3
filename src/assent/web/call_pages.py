"""What the call centre's screen says."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import ClassVar, Final

from fastapi.responses import Response

from assent.flow.call_centre import Call, Told
from assent.flow.order import Sender
from assent.flow.receiver_acts import MOST_WORDS
from assent.web.call_words import WORDS
from assent.web.receivers_html import (
    Html,
    Tongue,
    checkbox,
    facts,
    field,
    form,
    join,
    page,
    text,
)
from assent.web.receivers_pages import back, notice
from assent.web.receivers_words import LANGUAGES

HOME: Final = "/calls"


class CallTongue(Tongue):
    """The language of the call centre's screen."""

    home: ClassVar[str] = HOME

    def __call__(self, key: str, **values: str) -> Html:
        """Return words of this screen, or those that it shares with the receivers' pages."""
        found = WORDS.get(key)
        if found is None:
            return super().__call__(key, **values)
        return Html(escape(found[LANGUAGES.index(self.lang)].format(**values)))


def enter_page(tongue: Tongue, token: str, *, wrong: bool = False) -> Response:
    """Ask who it is."""
    fields = join(
        (
            field("email", tongue("email_label"), "email", autocomplete="username"),
            field("password", tongue("password_label"), "password",
                  autocomplete="current-password", maxlength="256"),
            field("code", tongue("factor_label"), inputmode="numeric", maxlength="32",
                  autocomplete="one-time-code"),
        )
    )  # fmt: skip
    body = join(
        (
            notice(tongue("enter_wrong"), "wrong") if wrong else "",
            f"<p>{tongue('enter_about')}</p>",
            form(tongue, f"{HOME}/enter", token, tongue("enter_send"), fields),
        )
    )
    return page(tongue, tongue("enter_title"), body, status=403 if wrong else 200)


def look_page(tongue: Tongue, token: str, *, wrong: bool = False) -> Response:
    """Ask for the caller's number."""
    number = field(
        "number", tongue("number_label"), "tel", tongue("number_hint"), autocomplete="off",
        maxlength="20",
    )  # fmt: skip
    body = join(
        (
            notice(tongue("number_wrong"), "wrong") if wrong else "",
            f"<p>{tongue('look_about')}</p>",
            form(tongue, f"{HOME}/look", token, tongue("look_send"), number),
        )
    )
    status = 422 if wrong else 200
    return page(
        tongue, tongue("look_title"), body, status=status, leave=_leave(tongue, token)
    )  # fmt: skip


def call_page(
    tongue: Tongue, token: str, call: Call, senders: Sequence[Sender], *, wrong: bool = False
) -> Response:
    """Show who wrote to her, with what can be recorded on her word."""
    title = tongue("call_title", number=f"+{call.number}")
    body = join(
        (
            notice(tongue("error_bad"), "wrong") if wrong else "",
            "" if senders else f"<p>{tongue('wrote_none')}</p>",
            _section("refuse", tongue("refuse_title"), _refuse(tongue, token, call, senders)),
            _section("complain", tongue("complain_title"), _complain(tongue, token, call, senders)),
            back(tongue),
        )
    )
    status = 422 if wrong else 200
    return page(tongue, title, body, status=status, leave=_leave(tongue, token))


def _refuse(tongue: Tongue, token: str, call: Call, senders: Sequence[Sender]) -> Html:
    boxes = join(
        checkbox(f"sender-{one.id}", f"sender-{one.id}", text(one.legal_name)) for one in senders
    )
    chosen = Html(
        f"<fieldset><legend>{tongue('choose')}</legend>{boxes}"
        f"{_optional('other', tongue('other_label'), 'refuse-other')}"
        f"{checkbox('all', 'all', tongue('all_label'))}</fieldset>"
    )
    services = checkbox("services", "services", tongue("refuse_services"))
    fields = join((chosen, services))
    button = tongue("refuse_send")
    made = form(tongue, f"{HOME}/refuse", token, button, fields, {"call": call.ticket})
    return join((f"<p>{tongue('refuse_about')}</p>", made))


def _complain(tongue: Tongue, token: str, call: Call, senders: Sequence[Sender]) -> Html:
    one_of = join(
        f'<label class="plain" for="about-{one.id}"><input type="radio" id="about-{one.id}" '
        f'name="about" value="{one.id}"> {text(one.legal_name)}</label>'
        for one in senders
    )
    fields = Html(
        f"<fieldset><legend>{tongue('complain_whom')}</legend>{one_of}"
        f"{_optional('other', tongue('other_label'), 'complain-other')}</fieldset>"
        f'<label for="words">{tongue("complain_label")}</label>'
        f'<textarea id="words" name="words" rows="5" maxlength="{MOST_WORDS}" required></textarea>'
    )
    button = tongue("complain_send")
    made = form(tongue, f"{HOME}/complain", token, button, fields, {"call": call.ticket})
    return join((f"<p>{tongue('complain_about')}</p>", made))


def done_page(tongue: Tongue, token: str, what: str, done: Told) -> Response:
    """Tell what was recorded, and the receipt code."""
    confirmed = "done_confirmed" if done.confirmed else "done_unconfirmed"
    body = join(
        (
            notice(tongue(f"done_{what}", names=done.names), "said"),
            facts([(tongue("receipt"), text(done.receipt))]),
            f"<p>{tongue(confirmed)}</p>",
            f'<p><a href="{tongue.path(HOME)}">{tongue("done_next")}</a></p>',
        )
    )
    return page(tongue, tongue("done_title"), body, leave=_leave(tongue, token))


def _leave(tongue: Tongue, token: str) -> Html:
    return form(tongue, f"{HOME}/leave", token, tongue("leave"))


def _section(name: str, title: Html, body: Html) -> Html:
    heading = f'<h2 id="{name}-heading">{title}</h2>'
    return Html(f'<section aria-labelledby="{name}-heading">{heading}{body}</section>')


def _optional(name: str, label: Html, key: str) -> Html:
    """Return a field that may be left empty. `key`: what tells it from its like on the page."""
    return Html(
        f'<label for="{key}">{label}</label>'
        f'<input type="text" id="{key}" name="{name}" maxlength="200" autocomplete="off">'
    )
