"""Every word of the call centre's screen that the receivers' pages do not have, in both
languages."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("客服登记", "Call centre"),
    "footer": (
        "每次查询和登记都会留痕。只看来电人要求办理所需的内容。",
        "Every look and every act is written down. Look at what the caller asks for only.",
    ),
    # Signing in
    "enter_title": ("登录", "Sign in"),
    "enter_about": (
        "供平台客服人员使用，须有客服角色和第二验证因子。",
        "For the platform's call centre. It takes the role support and a second factor.",
    ),
    "email_label": ("邮箱", "E-mail"),
    "password_label": ("密码", "Password"),
    "factor_label": ("验证器上的六位数字", "Six digits from your authenticator"),
    "enter_send": ("登录", "Sign in"),
    "enter_wrong": (
        "邮箱、密码或验证码不对，或您没有客服角色。",
        "E-mail, password or code is not right, or you have not the role support.",
    ),
    # The number
    "look_title": ("来电人的号码", "The caller's number"),
    "look_about": (
        "输入来电人报的手机号。会列出三十天内给这个号码发过短信的发送方，查询会留痕。",
        ("Type the mobile number that the caller names. You see who wrote to it in thirty days; "
        "that you looked is written down."),
    ),
    "look_send": ("查询", "Look"),
    # The call
    "call_title": ("{number} 来电", "{number} calls"),
    "wrote_title": ("三十天内发过短信的发送方", "Who wrote in thirty days"),
    "wrote_none": (
        "三十天内没有发送方给这个号码发过短信。",
        "Nobody wrote to this number in thirty days.",
    ),
    "refuse_title": ("登记拒收", "Record a refusal"),
    "refuse_about": (
        ("只在来电人明确要求时登记。登记后立即停止，不能由客服撤销，只有本人可以重新同意。"
        "可以收到营销短信的人会收到一条确认短信。"),
        ("Only on the caller's own words. It counts at once, and nobody here can undo it: only she "
        "can, by a fresh act. Who could be written to gets one confirmation by SMS."),
    ),
    "choose": ("拒收哪些发送方", "Whose messages she refuses"),
    "other_label": (
        "或：她说出的其他发送方（全称或统一社会信用代码）",
        "Or another sender that she names (legal name or credit code)",
    ),
    "all_label": ("所有发送方的营销短信", "Advertising of all senders"),
    "refuse_send": ("登记拒收", "Record the refusal"),
    "complain_title": ("登记投诉", "Record a complaint"),
    "complain_about": (
        "投诉会停止该发送方及其集团的营销短信，内容加密保存。",
        "A complaint ends the advertising of the sender's group; her words are kept sealed.",
    ),
    "complain_whom": ("投诉谁", "About whom"),
    "complain_label": ("她说了什么", "What she says"),
    "complain_send": ("登记投诉", "Record the complaint"),
    # What was done
    "done_title": ("已登记", "Recorded"),
    "done_refused": (
        "已登记拒收：{names}。请告诉来电人回执码。",
        "Refused: {names}. Tell the caller the receipt code.",
    ),
    "done_complained": (
        "已登记投诉：{names}。请告诉来电人回执码。",
        "The complaint about {names} is recorded. Tell the caller the receipt code.",
    ),
    "done_confirmed": ("会有一条短信向她确认。", "One message will confirm it to her."),
    "done_unconfirmed": (
        "不发送确认短信：没有人可以给这个号码发营销短信，或已经确认过。",
        "No message confirms it: nobody could advertise to this number, or it was confirmed.",
    ),
    "done_next": ("下一个来电", "The next call"),
    "error_bad": (
        "无法登记，请检查填写的内容。",
        "It cannot be recorded so; please check what was filled in.",
    ),
}  # fmt: skip
