"""What a label looks like: letters that are drawn alike read as the one that is meant.

`fold` undoes what only a machine tells apart (Cyrillic, Greek, accents, small capitals): two labels
that fold alike look alike. `coarse` goes on to what a hurried eye mixes up (0/o, 1/l/i, rn/m, vv/w,
cl/d, b/d, c/e); it is a key to find candidates by, not proof.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["coarse", "fold", "neighbours"]

# Drawn like the letter before the colon, from the scripts in which hosts are registered.
_DRAWN: Final = """
a:аɑαȧәəⲁᴀꭺ b:ьɓЬвƅʙꮟƀ c:сϲᴄƈɔⲥꮯ¢ d:ԁɖɗđḍᴅ e:еҽєɇҿєεᴇ℮ꬲё f:ƒꞙғſ g:ɡԍɢǥցᶃ h:һɦհħⱨʜн
i:іıɩɪɨӏιꙇ j:јʝɉϳᴊ k:кĸκⱪᴋқҝƙ l:ӏłɫⅼʟƖǀ|ḷĿŀ m:мᴍɱꮇ n:пոռηŋꞑɲƞᴎիℼ o:оοσօᴏøɵºдⲟംඋ๐ọө
p:рρƿƥᴘⲣþ q:ԛʠզգ r:гᴦʀɍɾɽɼꭇꮁ s:ѕꜱʂꮪƽᶊ t:тτƫŧᴛⲧţτƭ u:υսᴜʉʋцꞟս v:ѵνᴠⱴⱱᶌט w:ԝᴡⱳшщωɯա
x:хχⲭ×ҳ y:уүʏɏƴỿγყý z:ƶⱬᴢʐȥʑ 0:Ο〇 1:ا 2:ƻշ 3:ʒзӡƷɜεҙ 4:Ꮞч 5:ƽ 6:б 8:Ȣȣ 9:৭ ae:æӕ oe:œ ss:ß dz:ǆ
lj:ǉ nj:ǌ ij:ĳ ff:ﬀ fi:ﬁ fl:ﬂ -:‐‑‒–—―−ー一丨ｰ﹣
"""


def _table() -> dict[int, str]:
    """Return what each character is drawn like, where it is not that letter itself."""
    table: dict[int, str] = {}
    for row in _DRAWN.split():
        letter, _, drawn = row.partition(":")
        for character in drawn:
            table.setdefault(ord(character), letter)
            for form in (character.lower(), character.upper()):
                if len(form) == 1 and not form.isascii():
                    table.setdefault(ord(form), letter)
    return table


_TABLE: Final = _table()
_PAIRS: Final = (
    ("rn", "m"), ("nn", "m"), ("vv", "w"), ("uu", "w"), ("cl", "d"), ("dl", "d"), ("lb", "d"),
    ("lh", "h"), ("lc", "k"), ("l<", "k"),
)  # fmt: skip
_SINGLE: Final = str.maketrans("01i3596bqevn", "oll8sggdgcum", "-_")
_ROWS: Final = ("1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_OTHERS: Final = {"y": "zt", "z": "yat", "a": "qz", "q": "a", "w": "z", "m": "l"}


@lru_cache(maxsize=4096)
def fold(label: str) -> str:
    """Return the label as a person reads it: small letters, ASCII where it looks so.

    Characters that look like no ASCII letter (汉) stay.
    """
    if label.isascii():
        return label.lower()
    plain = unicodedata.normalize("NFKD", label.lower().translate(_TABLE))
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", kept.translate(_TABLE)).lower()


def coarse(label: str) -> str:
    """Return a key that folded labels share when a hurried eye takes one for the other."""
    for pair, single in _PAIRS:
        if pair in label:
            label = label.replace(pair, single)
    return label.translate(_SINGLE)


def neighbours(letter: str) -> str:
    """Return the keys around a letter's on the keyboards with which addresses are typed."""
    found = _OTHERS.get(letter, "")
    for number, row in enumerate(_ROWS):
        place = row.find(letter)
        if place < 0:
            continue
        found += row[max(0, place - 1) : place] + row[place + 1 : place + 2]
        above = _ROWS[number - 1] if number else ""
        below = _ROWS[number + 1] if number + 1 < len(_ROWS) else ""
        found += above[place : place + 2] + below[max(0, place - 1) : place + 1]
    return found
