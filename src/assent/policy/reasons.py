"""Why a message was held, deferred or rejected: stable codes, bits, and words for people.

A reason's `number` and `bit` (number - 1) are stored with every decision, so they never
change and are never given again; new reasons are appended. `docs/reasons.md` is printed from
this table (``python -m assent.policy.reasons > docs/reasons.md``); a test compares them.

Towards customers a person without standing is ``no_standing``, whether refused, paused,
never consented or known on too weak a proof (DESIGN.md, promise 7: no number oracle). Show
customers :func:`customer_codes` or :attr:`Reason.customer_code`, never the inner code; to the
receiver, to reviewers and to auditors the inner code is shown.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from assent.policy.facts import Effect

MASKED: Final = "no_standing"
"""What customers are told of whoever may not be written to, whatever lies behind it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    `rank`: precedence among reasons of the same effect, smaller first. `firm`: a rulebook
    may not soften or switch it off. `personal`: told to nobody about a person without
    standing, since it depends on what else that person received.
    """

    number: int
    code: str
    effect: Effect
    rank: int
    en: str
    zh: str
    mend: str
    rules: tuple[str, ...] = ()
    customer_code: str = ""
    firm: bool = False
    personal: bool = False

    @property
    def bit(self) -> int:
        """Place of this reason in the findings mask."""
        return self.number - 1


def _row(  # one row of the table below; the arguments are its columns
    number: int,
    code: str,
    effect: Effect,
    rank: int,
    words: tuple[str, str],
    mend: str,
    *rules: str,
    customer: str = "",
    firm: bool = False,
    personal: bool = False,
) -> Reason:
    return Reason(number, code, effect, rank, *words, mend, rules, customer or code, firm, personal)


_R, _H, _D = Effect.REJECT, Effect.HOLD, Effect.DEFER

REASONS: Final[tuple[Reason, ...]] = (
    _row(1, "rule_error", _H, 1,
         ("a rule failed while judging; a person must look", "判定规则出错，待人工处理"),
         "nothing to mend on your side; the operator is alarmed", firm=True),
    _row(2, "number_empty", _R, 10, ("no number given", "号码为空"),
         "give a phone number", firm=True),
    _row(3, "number_not_digits", _R, 11, ("not a phone number", "号码含非法字符"),
         "use digits, with + and country code for foreign numbers", firm=True),
    _row(4, "number_wrong_length", _R, 12, ("wrong number of digits", "号码位数错误"),
         "a mainland mobile number has 11 digits", firm=True),
    _row(5, "number_unknown_prefix", _R, 13, ("no such number segment", "号段不存在"),
         "check the first seven digits", firm=True),
    _row(6, "number_fixed_line", _R, 14, ("a fixed line", "固定电话，无法接收短信"),
         "use a mobile number", "CN-97", firm=True),
    _row(7, "number_service", _R, 15, ("a service number", "服务号码，不可作为接收方"),
         "use a person's mobile number", "CN-97", firm=True),
    _row(8, "number_foreign_invalid", _R, 16,
         ("not a valid number of that country", "国际号码无效"),
         "check the country code and length", firm=True),
    _row(9, "duplicate", _R, 17, ("the number stands earlier in this order", "号码重复"),
         "nothing: the first one is kept", firm=True),
    _row(10, "no_standing", _R, 20,
         ("the person has not agreed to this programme", "用户未同意接收"),
         "ask for consent, or raise its proof; see the consent manual",
         "CN-08", "CN-11", "CN-20", "CN-40", "US-01", "UK-01", "EU-01", firm=True),
    _row(11, "grade_too_low", _R, 21,
         ("the proof of consent is too weak for this kind of message", "同意凭证等级不足"),
         "have the person confirm by reply or code", "CN-11", "CN-21", "CN-42",
         customer=MASKED, firm=True),
    _row(12, "refused", _R, 19, ("the person refused", "用户已拒收"),
         "only a fresh act of the person ends a refusal",
         "CN-08", "CN-13", "CN-43", "US-02", customer=MASKED, firm=True),
    _row(13, "paused", _R, 22,
         ("an unclear reply of the person is under review", "用户回复含义待核实"),
         "wait for the review", "CN-20", "US-02", customer=MASKED, firm=True),
    _row(14, "wrong_port_purpose", _R, 30,
         ("the port is approved for another purpose", "端口号用途不符"),
         "send from a port approved for this purpose", "CN-12", "CN-23", "CN-24", firm=True),
    _row(15, "port_inactive", _R, 29, ("the port is not active", "端口号未启用或已停用"),
         "use an active port", "CN-02", "CN-70", "CN-74", firm=True),
    _row(16, "port_not_free", _R, 31,
         ("receivers cannot reply to this port free of charge", "端口号不支持免费回复"),
         "send marketing from a port that is free to reply to", "CN-13", "CN-22"),
    _row(17, "signature_missing", _R, 32,
         ("the text does not begin with a 【signature】", "正文开头缺少【签名】"),
         "begin the text with the approved signature in 【】", "CN-14", "CN-71"),
    _row(18, "signature_wrong", _R, 33,
         ("the signature is not the one approved for the port", "签名与端口号报备不一致"),
         "use the signature approved for the port", "CN-70", "CN-78"),
    _row(19, "signature_second", _R, 34, ("more than one pair of 【】", "正文含多个【】"),
         "keep 【】 for the signature", "CN-77"),
    _row(20, "contact_missing", _R, 35,
         ("a commercial text without a contact number", "商业短信缺少联系电话"),
         "add the sender's contact number", "CN-22", "CN-40"),
    _row(21, "refusal_way_missing", _R, 36,
         ("a commercial text that tells no free way to refuse", "商业短信缺少退订方式"),
         "add for example 拒收请回复R", "CN-13", "CN-22", "CN-40"),
    _row(22, "basis_missing", _R, 37,
         ("no basis is filed for this template", "模板未备案业务依据"),
         "file the business basis with the template", "CN-76"),
    _row(23, "code_word_missing", _R, 38,
         ("a verification text that does not name its code", "验证码短信缺少验证码字样"),
         "say 验证码 (or 校验码, 动态码, 注册码)", "CN-95"),
    _row(24, "code_missing", _R, 39, ("a verification text without a code", "缺少验证码内容"),
         "put in one code", "CN-95"),
    _row(25, "codes_several", _R, 40,
         ("a verification text with more than one code", "含多个验证码"),
         "put in one code only", "CN-95"),
    _row(26, "too_long", _R, 41, ("too many segments", "短信过长"),
         "shorten the text", "CN-96"),
    _row(27, "quiet_hours", _D, 60,
         ("waits for the hours in which such messages may come", "非发送时段，顺延"),
         "nothing: it leaves when the hours begin", "CN-90", "US-06"),
    _row(28, "expires_before_window", _R, 61,
         ("its validity ends before it may leave", "有效期内无可发送时段"),
         "give a longer validity", "CN-90"),
    _row(29, "over_cap", _R, 50,
         ("the person has had enough messages of this sender", "超过发送频次"),
         "wait until the window has passed", "CN-92", "CN-93", "CN-54", personal=True),
    _row(30, "over_cap_all", _R, 51,
         ("the person has had enough messages of all senders together", "超过平台频次"),
         "wait until the window has passed", "CN-92", "CN-54", customer="over_cap",
         personal=True),
    _row(31, "expired", _R, 28, ("its validity is over", "已过有效期"),
         "send it again with a new validity", firm=True),
    _row(32, "no_route", _R, 45,
         ("no route to the person's network", "无可用通道"),
         "ask the operator for a route to this network", firm=True),
    _row(33, "balance", _R, 90, ("the balance does not suffice", "余额不足"),
         "top up", firm=True),
    _row(34, "restricted", _R, 25, ("a restriction forbids it", "已被限制发送"),
         "see GET /v1/restrictions: why, and until when", "CN-16", "CN-25", "CN-80", firm=True),
    _row(35, "restricted_review", _H, 26,
         ("a restriction asks for a person to look", "受限，待人工审核"),
         "see GET /v1/restrictions; wait until it is lifted or ends", "CN-25", "CN-80", firm=True),
    _row(36, "restricted_until", _D, 27, ("a restriction puts it off", "受限，延后发送"),
         "nothing: it leaves when the restriction ends", "CN-25", "CN-80", firm=True),
    _row(37, "not_before", _D, 62, ("waits for the time it was ordered for", "定时发送"),
         "nothing: it leaves at its time"),
    _row(38, "signature_in_value", _R, 42,
         ("a value put into the template brings 【 or 】", "变量内容含【】"),
         "remove 【 and 】 from the values", "CN-77"),
    _row(39, "number_rounded", _R, 18,
         ("a spreadsheet lost the last digits", "号码被电子表格转为科学计数法"),
         "make the column text and export it again", firm=True),
    _row(40, "content_not_reviewed", _R, 8,
         ("a frame of the video has not been reviewed by a person", "视频内容尚未逐帧人工审核"),
         "wait until the operator has approved every frame, then send again", "CN-06", firm=True),
    _row(41, "content_refused", _R, 9,
         ("a reviewer turned a frame of the video down", "视频内容未通过审核"),
         "change the frame that the review names and upload the video again", "CN-06", firm=True),
    _row(42, "account_not_verified", _R, 2,
         ("the account's company is not verified", "账户主体未通过实名核验"),
         "hand in the company's base papers and wait for the review", "CN-01", "CN-72", firm=True),
    _row(43, "account_suspended", _R, 3,
         ("the account is suspended or closed", "账户已停用"),
         "ask the operator about the case", "CN-16", firm=True),
    _row(44, "sender_not_qualified", _R, 5,
         ("the sender lacks a paper that its industry needs for this purpose",
          "内容提供者资质不全或已过期"),
         "hand in the missing or a renewed paper", "CN-01", "CN-72", firm=True),
    _row(45, "sender_suspended", _R, 4,
         ("the sender is suspended or closed", "内容提供者已被暂停"),
         "ask the operator about the case", "CN-16", firm=True),
    _row(46, "not_authorised", _R, 6,
         ("no letter of the sender in force lets this account send this in its name",
          "缺少有效的授权委托书"),
         "hand in a letter of authorisation for this purpose and signature", "CN-72", "CN-78",
         firm=True),
    _row(47, "agent_not_licensed", _R, 7,
         ("the agent lacks the licence to send this for others", "代理商无相应经营许可"),
         "hand in the agent's licence, or send from the sender's own account", "CN-01", "CN-28",
         firm=True),
    _row(48, "operator_licence", _R, 43,
         ("a licence of the operator, or its certificate of this number, is not in force",
          "平台经营许可或码号证书失效"),
         "nothing to mend on your side; the operator must renew it", "CN-01", "CN-23", firm=True),
    _row(49, "port_not_filed", _R, 44,
         ("the port is not filed with its carrier yet", "端口号尚未完成运营商报备"),
         "wait until the carrier has confirmed the filing", "CN-02", "CN-70", firm=True),
    _row(50, "signature_lapsed", _R, 46,
         ("the signature's filing is not in force any more", "签名报备已失效"),
         "file the signature again", "CN-74", firm=True),
    _row(51, "template_not_approved", _R, 47,
         ("the template is not approved", "模板未通过审核"),
         "wait for the review, or use an approved template", "CN-76", firm=True),
    _row(52, "free_text_not_allowed", _R, 48,
         ("this sender may only send texts of approved templates",
          "未获自由编辑权限，须使用已审核模板"),
         "use an approved template", "CN-76", firm=True),
    _row(53, "class_stopped", _R, 49,
         ("this class of traffic is stopped for now", "该类业务已被暂停发送"),
         "wait until the operator lifts the stop", "CN-25", firm=True),
    _row(54, "provisional_scope", _R, 52,
         ("what is admitted provisionally may not send this", "临时准入不得发送此类短信"),
         "have the papers seen in another way than as a copy", "CN-72", firm=True),
    _row(55, "provisional_limit", _R, 88,
         ("the daily number of messages of a provisional admission is used up",
          "超过临时准入的每日条数"),
         "wait for the next day, or complete the papers", "CN-72", firm=True),
    _row(56, "spending_limit", _R, 89,
         ("the account's daily spending limit is used up", "超过账户每日消费限额"),
         "raise the limit, or wait for the next day", firm=True),
    _row(57, "internal_commercial", _R, 53,
         ("an internal message that reads like an offer", "内部通知含营销内容"),
         "leave prices, offers and unsubscribe wording out; offers need a marketing port",
         "CN-12", "CN-24", firm=True),
    _row(58, "out_of_scope", _R, 54,
         ("the port's number may not be used in the receiver's province",
          "接收方所在省份不在码号使用范围内"),
         "send from a port whose number may be used there", "CN-23", "CN-60", firm=True),
    _row(59, "probing", _R, 55,
         ("too many numbers next to each other", "短时间内向相邻号码发送过多"),
         "wait for the next day; send codes only to people who ask for one", "CN-92"),
    _row(60, "text_held", _H, 24,
         ("the text waits for a reviewer", "文本待人工审核"),
         "wait for the review that the answer names, then send it again; or change the text",
         "CN-06"),
    _row(61, "text_rejected", _R, 23,
         ("the text was turned down by screening or by a reviewer", "文本未通过内容审核"),
         "change what the findings name, or appeal (POST /v1/texts/ID/appeal)", "CN-06"),
    _row(62, "carrier_blocked", _R, 56,
         ("the carrier wants nothing commercial sent to this person",
          "运营商要求不向该用户发送商业短信"),
         "only the carrier takes a number off its list", "CN-25", customer=MASKED, firm=True),
)  # fmt: skip

BY_CODE: Final[dict[str, Reason]] = {reason.code: reason for reason in REASONS}
BY_NUMBER: Final[dict[int, Reason]] = {reason.number: reason for reason in REASONS}

LINK_CODES: Final[tuple[str, ...]] = tuple(reason.code for reason in REASONS[41:56])
"""Codes for broken links of the chain that a message leaves over (docs/admission.md)."""

PLACE_CODE: Final = "out_of_scope"
"""The code for receivers whom a port cannot reach where they live; person by person."""

PROBING_CODE: Final = "probing"
"""The code for numbers next to each other that an account counts through."""

FAULT_CODES: Final[tuple[str, ...]] = (
    "number_empty",
    "number_not_digits",
    "number_wrong_length",
    "number_unknown_prefix",
    "number_fixed_line",
    "number_service",
    "number_foreign_invalid",
    "number_rounded",
)
"""Codes for the faults 1 to 8 of :class:`assent.numbers.Fault`, in their order."""


def unpack(findings: int) -> tuple[Reason, ...]:
    """Return the reasons in a findings mask, strongest effect and smallest rank first."""
    found = (reason for reason in REASONS if findings >> reason.bit & 1)
    return tuple(sorted(found, key=lambda reason: (-reason.effect, reason.rank)))


def customer_codes(findings: int) -> tuple[str, ...]:
    """Return the codes a customer may see for a findings mask, without repeats.

    For a person without standing everything that depends on that person's history is left
    out, so that refused, unknown and never asked look alike.
    """
    reasons = unpack(findings)
    masked = any(reason.customer_code == MASKED for reason in reasons)
    shown = (reason for reason in reasons if not (masked and reason.personal))
    return tuple(dict.fromkeys(reason.customer_code for reason in shown))


def table_markdown() -> str:
    """Return docs/reasons.md."""
    lines = [
        "# Reasons",
        "",
        "Why a message is held, deferred or rejected. Printed from",
        "`src/assent/policy/reasons.py` (`python -m assent.policy.reasons`); do not edit.",
        "",
        "Reject beats hold beats defer; among equals the smaller rank is the one reported as",
        "*the* reason. Customers see the customer code; receivers, reviewers and auditors see",
        "the inner one. A reason marked firm cannot be softened by a rulebook.",
        "",
        "| bit | code | customer code | effect | rank | firm | meaning | 含义 | mend | rules |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for reason in REASONS:
        cells = (
            str(reason.bit),
            f"`{reason.code}`",
            f"`{reason.customer_code}`",
            reason.effect.name.lower(),
            str(reason.rank),
            "yes" if reason.firm else "",
            reason.en,
            reason.zh,
            reason.mend,
            " ".join(reason.rules),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_markdown())
