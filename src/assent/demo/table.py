"""The end of a run as a table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from assent.demo import words
from assent.demo.outcome import Outcome

_REASONS_SHOWN = 12


def show(outcome: Outcome, console: Console) -> None:
    """Print what happened, why people were not written to, and which promises held."""
    console.print()
    console.print(_orders(outcome))
    console.print(_reasons(outcome))
    console.print(_facts(outcome))
    console.print(_promises(outcome))
    for line in outcome.differences:
        console.print(f"[red]difference:[/] {line}", highlight=False)


def _orders(outcome: Outcome) -> Table:
    table = Table(
        title="What was handed in, and what became of it 提交与结果", title_justify="left"
    )
    table.add_column("order 订单")
    heads = ("handed in 提交", "allowed 放行", "delivered 送达", "failed 失败", "stopped 拦停")
    for head in heads:
        table.add_column(head, justify="right")
    for name in words.in_order(outcome.books.orders):
        order = outcome.books.orders[name]
        wrong = sum(outcome.told.wrong.get(name, {}).values())
        states = order.states
        stopped = sum(states[each] for each in ("cancelled", "withheld", "over_cap", "expired"))
        failed = sum(states[each] for each in ("failed", "refused", "unsure"))
        counts = (order.judged + wrong, order.allowed, states["delivered"], failed, stopped)
        table.add_row(" ".join(words.order(name)), *(f"{count:,}" for count in counts))
    return table


def _reasons(outcome: Outcome) -> Table:
    table = Table(title="Why people were not written to 未发送原因", title_justify="left")
    table.add_column("reason 原因")
    table.add_column("people 人次", justify="right")
    for code, count in outcome.rejected.most_common(_REASONS_SHOWN):
        english, chinese = words.reason(code)
        table.add_row(f"{english} {chinese}", f"{count:,}")
    return table


def facts(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Return (English, Chinese, value) of what a person would ask about."""
    figures = outcome.figures
    reached = f"{figures['other_sender_reached']:,} of {figures['other_sender_expected']:,}"
    return [
        ("signed up by a mail over SMTP; account, another's name", "邮件验证注册；冒名发送",
         f"{figures['signed_up']}, {figures['unverified_refused']}"),
        ("replies", "上行回复", f"{figures['replies']:,}"),
        ("of which refusals", "其中退订", f"{figures['refusals']:,}"),
        ("refusals confirmed", "已确认退订", f"{figures['refusals_confirmed']:,}"),
        ("from TD to confirmation, median / 99%", "退订到确认用时",
         f"{_ms(figures['confirmation_ms_p50'])} / {_ms(figures['confirmation_ms_p99'])}"),
        ("waiting messages cancelled by a refusal", "退订取消的排队短信",
         f"{figures['cancelled_in_queue']:,}"),
        ("stopped at the last moment", "最后一刻拦下", f"{figures['withheld']:,}"),
        ("after the refusal, same group", "退订后同集团再发",
         f"{figures['sent_after_confirmation']:,}"),
        ("refusers whom the other sender still reaches", "其他发送方仍可送达的拒收者", reached),
        ("refusers who still got a notice / a code", "仍收到通知/验证码的拒收者",
         f"{figures['notices_afterwards']:,} / {figures['codes_afterwards']:,}"),
        ("codes in the middle of the campaign", "活动中发送的验证码",
         f"{figures['codes_timed']:,}"),
        ("code, HTTP request to carrier, median / 99%", "验证码从请求到运营商",
         f"{_ms(figures['code_latency_ms_p50'])} / {_ms(figures['code_latency_ms_p99'])}"),
        ("marketing messages a second while sending", "营销短信每秒",
         f"{figures['messages_per_second']:,}"),
        ("charged", "计费", f"{figures['revenue_micro'] / 1e6:,.2f} yuan"),
        ("duration", "总用时", f"{outcome.seconds:.0f} s"),
    ]  # fmt: skip


def _facts(outcome: Outcome) -> Table:
    table = Table(title="Refusals, codes, speed 退订、验证码与速度", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    for english, chinese, value in facts(outcome):
        table.add_row(f"{english} {chinese}", value)
    return table


def _promises(outcome: Outcome) -> Table:
    table = Table(
        title="Promises, judged by the carriers' own records 承诺（以运营商记录为准）",
        title_justify="left",
    )
    table.add_column("promise 承诺")
    table.add_column("kept 是否兑现")
    for english, chinese, kept in words.verdicts(outcome.differences):
        table.add_row(f"{english} {chinese}", "[green]yes 是[/]" if kept else "[red]NO 否[/]")
    return table


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} ms"
