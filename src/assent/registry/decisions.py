"""Why something that was handed in is taken or turned down: stable words, in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["approve", "refuse"]


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason of a decision, for who is decided about. `mend`: what would change it."""

    code: str
    verdict: Verdict
    en: str
    zh: str
    mend: str = ""


GROUNDS: Final = (
    Ground(
        "in_order", "approve", "everything asked for was seen and agrees", "所需材料均已核验一致"
    ),
    Ground(
        "in_order_provisional",
        "approve",
        "seen as a scan only: small volumes until the day that is told",
        "仅见扫描件：在告知日期前限小批量使用",
        "bring the original, or have it seen in a register",
    ),
    Ground(
        "in_order_changed",
        "approve",
        "in order with the changes that the reviewer wrote",
        "按审核人修改后的文本通过",
        "send the changed text, or adopt it for the campaign that waits",
    ),
    Ground(
        "false_alarm",
        "approve",
        "what screening found is no fault of this text",
        "误判：文本无问题",
    ),
    Ground(
        "incomplete",
        "refuse",
        "papers that are needed are missing",
        "材料不全",
        "hand in what GET /v1/admission lists",
    ),
    Ground(
        "illegible",
        "refuse",
        "the copy cannot be read in full",
        "影印件无法完整辨认",
        "hand in a complete, legible copy in colour",
    ),
    Ground(
        "wrong_kind",
        "refuse",
        "the paper is not what it is said to be",
        "材料类型不符",
        "hand it in as what it is",
    ),
    Ground(
        "wrong_statement",
        "refuse",
        "what was stated about the paper differs from the paper",
        "填报内容与材料不一致",
        "state number, holder and dates as the paper has them",
    ),
    Ground(
        "name_mismatch",
        "refuse",
        "names do not agree between papers",
        "材料之间名称不一致",
        "hand in papers in one name, or the record of the change of name",
    ),
    Ground(
        "not_in_register",
        "refuse",
        "the register that should have it does not",
        "登记机关查无此项",
        "ask the authority that issued it to correct its register",
    ),
    Ground(
        "register_contradicts",
        "refuse",
        "the register says otherwise",
        "与登记机关信息不符",
        "hand in the current paper",
    ),
    Ground(
        "expired",
        "refuse",
        "the paper has ended",
        "材料已过有效期",
        "hand in the renewed paper",
    ),
    Ground(
        "in_process",
        "refuse",
        "a paper that is applied for is no paper yet",
        "“办理中”不视为已取得",
        "hand it in once it was issued",
    ),
    Ground(
        "out_of_scope",
        "refuse",
        "the paper does not cover this business",
        "业务超出许可范围",
        "hand in a paper that covers it, or apply for another purpose",
    ),
    Ground(
        "forged",
        "refuse",
        "the paper or its signature is not genuine",
        "材料或签章不实",
    ),
    Ground(
        "call_back_denied",
        "refuse",
        "called at its public number, the entity knows nothing of this",
        "回拨公开电话，该单位否认",
        "have the entity's own people apply",
    ),
    Ground(
        "letter_unclear",
        "refuse",
        "the letter does not say who may send what in whose name until when",
        "授权书未载明主体、范围或期限",
        "use the platform's wording of the letter",
    ),
    Ground(
        "related_to_revoked",
        "refuse",
        "it shares people, papers or addresses with a revoked entity",
        "与被清退主体存在人员、材料或地址关联",
        "ask for a hearing with the operator",
    ),
    Ground(
        "business_not_served",
        "refuse",
        "this business is not served here",
        "平台不承接该类业务",
    ),
    Ground(
        "no_answer",
        "refuse",
        "the questions were not answered in time",
        "未在期限内答复问询",
        "apply again with the answers",
    ),
    Ground(
        "too_alike",
        "refuse",
        "it looks like another sender's name",
        "与其他主体名称近似",
        "choose the full or registered short name",
    ),
    Ground(
        "not_for_purpose",
        "refuse",
        "the words do not fit the purpose",
        "内容与用途不符",
        "apply for the purpose that they have",
    ),
    Ground(
        "not_allowed_words",
        "refuse",
        "the words may not be sent",
        "内容不得发送",
        "leave out what the reviewer names",
    ),
    Ground(
        "deceptive",
        "refuse",
        "the text deceives, or offers what nobody may offer",
        "内容欺诈，或推销违法事项",
    ),
    Ground(
        "no_licence",
        "refuse",
        "the sender lacks the licence that such texts need",
        "缺少发送该类内容所需的资质",
        "hand in the licence (POST /v1/documents), then appeal",
    ),
    Ground("withdrawn", "refuse", "it was withdrawn", "已撤回"),
)
"""Every ground there is."""

BY_CODE: Final = {ground.code: ground for ground in GROUNDS}
"""Grounds by their code."""
