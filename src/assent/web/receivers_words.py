"""Every word of the receivers' pages, in both languages."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("zh", "en")

WORDS: Final[dict[str, tuple[str, str]]] = {
    # Frame
    "title": ("我的短信", "My messages"),
    "other_language": ("English", "中文"),
    "skip": ("跳到正文", "Skip to the content"),
    "back": ("返回", "Back"),
    "leave": ("退出", "Leave"),
    "footer": (
        "本页由短信平台提供，不使用脚本，不向任何发送方透露您来过。",
        ("This page is run by the messaging platform. It uses no script, and no sender learns that "
        "you were here."),
    ),
    # Number and code
    "number_title": ("查看和管理发给您的短信", "See and rule what is sent to you"),
    "number_about": (
        "输入您的手机号，我们会发送一个验证码，证明号码是您的。",
        "Enter your mobile number. We send a code to it, to prove that it is yours.",
    ),
    "number_label": ("手机号", "Mobile number"),
    "number_hint": ("例如 13800138000 或 +85251234567", "Such as 13800138000 or +85251234567"),
    "number_send": ("发送验证码", "Send the code"),
    "number_wrong": ("这不是手机号，请检查。", "This is no mobile number; please check it."),
    "code_title": ("输入验证码", "Enter the code"),
    "code_about": (
        ("如果可以向这个号码发送，验证码会在一两分钟内到达，十分钟内有效。没有收到时，请稍后再试；"
        "也可以直接回复任何一条短信 T 退订。"),
        ("If something may be sent to this number now, a code comes within a minute or two and is "
        "valid for ten. If none comes, try again later; you may also refuse by replying T to any "
        "message."),
    ),
    "code_label": ("六位验证码", "Code of six digits"),
    "code_enter": ("进入", "Enter"),
    "code_wrong": (
        "验证码不对，或已失效。请再试，或重新索取。",
        "The code is not right, or too old. Try again, or ask for a new one.",
    ),
    "code_again": ("换一个号码或重新索取", "Another number, or a new code"),
    # Overview
    "me_title": ("发给 {number} 的短信", "Messages to {number}"),
    "me_until": ("本次查看到 {time} 结束。", "This visit ends at {time}."),
    "nav": ("本页内容", "On this page"),
    "senders_title": ("谁可以写给您", "Who may write to you"),
    "messages_title": ("您收到了什么", "What you were sent"),
    "messages_about": ("最近 {months} 个月，新的在前。", "Of {months} months, newest first."),
    "messages_none": ("没有找到发给您的短信。", "No message to you was found."),
    "senders_none": ("没有任何发送方。", "There is no sender."),
    "from": ("发送方", "Sender"),
    "agent": ("代发方", "Sent by, on its behalf"),
    "port": ("号码", "Number"),
    "signature": ("签名", "Signature"),
    "purpose": ("用途", "Purpose"),
    "state": ("状态", "State"),
    "time": ("时间", "Time"),
    "text": ("内容", "Text"),
    "video": ("（视频短信）", "(a video message)"),
    "consent_of": ("依据：记录 {position}", "It stands on record {position}"),
    "no_consent": (
        "平台没有您同意的记录。",
        "The platform has no record that you agreed to it.",
    ),
    "service_basis": (
        "验证码或服务通知，不需要您同意营销。",
        "A code or a service notice; it needs no agreement to advertising.",
    ),
    "complain": ("投诉这条短信", "Complain about this message"),
    "group": ("同一集团", "Of the same group"),
    "programme": ("项目", "Programme"),
    "kinds": ("内容类型", "Kinds of message"),
    "frequency": ("频率", "How often"),
    "period": ("期限", "For how long"),
    "stands": ("可以发给您", "May be sent to you"),
    "stands_not": ("不可以发给您", "May not be sent to you"),
    "refused": ("您已拒收", "You refused it"),
    "records": ("同意与拒收的记录", "Records of agreeing and refusing"),
    "record": ("记录", "Record"),
    "how": ("途径", "How"),
    "who_says": ("谁提供", "Who says so"),
    "grade": ("证据等级", "Grade of proof"),
    "wording": ("告知版本", "Version of the wording"),
    "source": ("来源", "Source"),
    "until": ("有效至", "Until"),
    "receipt": ("回执码", "Receipt code"),
    "refuse_programme": ("拒收此项目", "Refuse this programme"),
    "refuse_sender": ("拒收该发送方的营销短信", "Refuse advertising of this sender"),
    "refuse_services": (
        "连验证码和服务通知也不要（可能无法登录或收到提醒）",
        "Codes and service notices as well (you may be unable to log in, and miss reminders)",
    ),
    "refuse_all": ("拒收所有发送方的营销短信", "Refuse advertising of all senders"),
    "refused_all": (
        "您已拒收所有发送方的营销短信。",
        "You have refused advertising of all senders.",
    ),
    "refused_sender": ("您已拒收：{purposes}", "You have refused: {purposes}"),
    "take_back": ("撤回拒收", "Take this refusal back"),
    "take_back_about": (
        "撤回后，以前的同意不会自动恢复。",
        "What you agreed to before does not come back with it.",
    ),
    "agree": ("我同意接收此项目", "I agree to receive this programme"),
    "proof": ("下载证据包", "Download the proof"),
    "proof_about": (
        "最近一年的记录、短信和签名证明，可离线核验。",
        "Records, messages and signed proofs of a year; they can be checked offline.",
    ),
    "confirmations_title": ("确认", "Confirmations"),
    "about": ("事项", "What"),
    "about_refused": ("拒收", "refused"),
    "about_agreed": ("同意", "agreed to"),
    "about_taken_back": ("撤回拒收", "took back a refusal of"),
    "confirmations_none": ("没有。", "None."),
    "complaints_title": ("您的投诉", "Your complaints"),
    "mine_title": ("您的数据", "Your data"),
    "data": ("下载我的全部数据", "Download all of my data"),
    "erase_link": ("申请删除我的数据", "Ask to be forgotten"),
    # Receipt
    "receipt_title": ("查询回执码", "Look up a receipt code"),
    "receipt_label": ("确认短信中的回执码", "The code in a confirmation"),
    "receipt_find": ("查询", "Look it up"),
    "receipt_none": ("没有属于您的这个回执码。", "There is no such receipt code of yours."),
    "receipt_found": (
        "回执码 {code}：{time} {about} {names}，记录 {position}，确认短信：{state}。",
        "Receipt {code}: on {time} you {about} {names}; record {position}; confirmation: {state}.",
    ),
    # Complaint
    "complain_title": ("投诉短信", "Complain about a message"),
    "complain_about": (
        "提交后，该发送方及其集团的营销短信立即停止，并以短信确认。",
        ("Once you send it, advertising of this sender and its group ends at once; an SMS confirms "
        "it."),
    ),
    "complain_label": ("您想说明什么（可不填）", "What you want to say (may be left empty)"),
    "complain_send": ("提交投诉", "Send the complaint"),
    # Erasure
    "erase_title": ("申请删除", "Ask to be forgotten"),
    "erase_about": (
        "删除立即生效，不能恢复：您的号码从平台删除，以前的记录与您分开，平台不能再证明您同意或拒收过什么。",
        (
            "It happens at once and cannot be undone: your number is deleted here and parted from "
            "all records, so that nobody can prove any more what you agreed to or refused."
        ),
    ),
    "erase_warning": (
        (
            "若不保留标记，平台将不再知道您曾拒收；持有您号码并声称您已同意的发送方可能再次向您发送，"
            "直至您再次拒收。"
        ),
        (
            "Without the mark nothing knows that you ever refused. Whoever has your number on a "
            "list and says that you agreed may write to you again, until you refuse anew."
        ),
    ),
    "erase_sure_label": ("我明白这不能恢复", "I understand that this cannot be undone"),
    "erase_unsure": (
        "请勾选“我明白这不能恢复”。",
        "Please tick that you understand that this cannot be undone.",
    ),
    "erase_send": ("删除我的数据", "Forget me"),
    "erase_done": (
        "已删除。平台上不再有您的号码。",
        "It is done. Your number is not on this platform any more.",
    ),
    "erase_held": (
        "依法须保留的案件期间暂不能删除，期满后自动删除。",
        "The law keeps your records for a case. They are deleted by themselves once it is over.",
    ),
    "erase_mark_label": (
        "保留一个加密标记，防止别人的名单再次把您列入（建议）",
        "Keep one keyed mark, so that nobody's list brings you back (advised)",
    ),
    # The page behind a link
    "link_title": ("拒收短信", "Refuse messages"),
    "link_from": ("{name} 给您发送了短信。", "{name} wrote to you."),
    "link_about": (
        "按下面的按钮，{name} 及其集团不再向您发送营销短信。验证码和服务通知不受影响。",
        ("Press the button, and {name} and its group send you no more advertising. Codes and "
        "service notices go on."),
    ),
    "link_button": ("拒收", "Refuse"),
    "link_done": (
        "已拒收。您会收到一条确认短信。",
        "Refused. A message will confirm it.",
    ),
    "link_gone": (
        "这个链接无效或已过期。您仍可以回复任何一条短信 T 退订，或在本平台的页面上管理。",
        ("This link is not valid, or too old. You can still refuse by replying T to a message, or "
        "on this platform's page."),
    ),
    # What was done
    "done_refused": ("已拒收，并会以短信确认。", "Refused; a message will confirm it."),
    "done_agreed": (
        "已记录您的同意，并会以短信确认。",
        "Your agreement is recorded; a message will confirm it.",
    ),
    "done_taken_back": ("已撤回，并会以短信确认。", "Taken back; a message will confirm it."),
    "done_complained": (
        "已收到投诉，回执码 {code}。",
        "Your complaint was taken in; its receipt code is {code}.",
    ),
    # Errors
    "error_title": ("出错了", "That did not work"),
    "error_form": (
        "表单已过期，请返回重试。",
        "The form is too old; please go back and try again.",
    ),
    "error_many": ("尝试太多，请稍后再试。", "That was too often; please try again later."),
    "error_none": ("没有找到。", "There is no such thing."),
    "error_other": ("现在无法完成，请稍后再试。", "It cannot be done now; please try again later."),
    # Words for what the ledger and the messages say
    "purpose_verification": ("验证码", "code"),
    "purpose_notification": ("服务通知", "service notice"),
    "purpose_marketing": ("营销", "advertising"),
    "purpose_internal": ("内部通知", "internal message"),
    "purpose_system": ("平台通知", "the platform's own"),
    "state_queued": ("待发送", "waiting"),
    "state_attempted": ("正在发送", "on its way"),
    "state_accepted": ("已交运营商", "handed to the carrier"),
    "state_delivered": ("已送达", "delivered"),
    "state_failed": ("未送达", "not delivered"),
    "state_refused": ("运营商拒绝", "refused by the carrier"),
    "state_withheld": ("未发送（最后一刻拦下）", "not sent: stopped at the last moment"),
    "state_cancelled": ("未发送（您已拒收或同意已失效）", "not sent: no agreement any more"),
    "state_expired": ("过期未发", "not sent: too late"),
    "state_over_cap": ("未发送（超过频次）", "not sent: too many"),
    "state_unsure": ("结果不明", "not known"),
    "state_stopped": ("未发送（发送方停止）", "not sent: its sender stopped it"),
    "state_restricted": ("未发送（发送方被限制）", "not sent: its sender is restricted"),
    "kind_requested": ("询问过您", "you were asked"),
    "kind_granted": ("同意", "agreed"),
    "kind_withdrawn": ("拒收", "refused"),
    "kind_paused": ("暂停（等人工阅读回复）", "paused until a reply is read"),
    "kind_resumed": ("恢复", "resumed"),
    "kind_reassigned": ("号码换了机主", "the number has a new holder"),
    "kind_expired": ("到期", "lapsed"),
    "kind_corrected": ("更正", "corrected"),
    "kind_erased": ("应您要求删除", "erased at your wish"),
    "kind_receiver_only": ("今后只认您本人的同意", "only what you agree to yourself counts"),
    "kind_setting": ("规则变更", "a rule changed"),
    "kind_evidence": ("补充证据", "proof was added"),
    "channel_sms": ("短信", "SMS"),
    "channel_web": ("网页", "web page"),
    "channel_voice": ("电话", "telephone"),
    "channel_paper": ("纸质", "paper"),
    "channel_counter": ("柜台", "counter"),
    "channel_api": ("发送方系统", "the sender's system"),
    "channel_mail": ("邮件", "mail"),
    "channel_platform": ("平台", "the platform"),
    "origin_customer": ("发送方", "the sender"),
    "origin_receiver": ("您本人", "you"),
    "origin_staff": ("平台人员", "the platform's staff"),
    "origin_carrier": ("运营商", "a carrier"),
    "origin_regulator": ("监管机构", "an authority"),
    "origin_platform": ("平台", "the platform"),
    "grade_none": ("无", "none"),
    "grade_assertion": ("仅为发送方所述", "the sender's word only"),
    "grade_document": ("有文件证明", "a document"),
    "grade_receiver": ("您本人证明", "proved by you"),
    "confirmation_waiting": ("待发送", "waiting"),
    "confirmation_attempted": ("已发送", "sent"),
    "confirmation_unroutable": ("无法发送", "could not be sent"),
    "complaint_open": ("处理中", "open"),
    "complaint_forwarded": ("已转达发送方，等待答复", "passed on; an answer is awaited"),
    "complaint_answered": ("已答复", "answered"),
    "complaint_not_ours": (
        "不是从本平台发出的",
        "it was not sent through this platform",
    ),
    "complaint_answer": ("答复", "Answer"),
    "complaint_due": ("最迟答复时间", "You are answered by"),
    "complaint_door": ("投诉途径", "How you complained"),
    "complaint_door_receiver": ("本页", "on this page"),
    "complaint_door_telephone": ("电话", "by telephone"),
    "complaint_door_reply": ("回复短信", "by replying"),
    "complaint_door_carrier": ("运营商举报号码", "to your carrier"),
    "complaint_door_12321": ("12321 举报", "to 12321"),
    "complaint_door_api": ("向发送方或客服", "to the sender or the staff"),
}  # fmt: skip


def word(key: str, lang: str, **values: str) -> str:
    """Return a word in a language, with values filled in as they are: the caller escapes. A word of
    the ledger that has none here is shown as it is."""
    found = WORDS.get(key)
    if found is None:
        return key.partition("_")[2].replace("_", " ")
    return found[LANGUAGES.index(lang)].format(**values)
