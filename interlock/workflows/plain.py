"""Other people's words made harmless: one line, of bounded length, that no Markdown or HTML reader takes for more.

Text loses nothing that a person would read. It does not judge what the words say.
"""

import re
import unicodedata

LONGEST_TEXT = 240

_MARKS = re.compile(r"[\\`*_\[\]<>#|~&!$^]")
_FIRST = re.compile(r"^(?:([-+=])|(\d+)([.)]))")
# escapes do not help here: readers look for these in the text that they have already unescaped
_LINKS = (
    (re.compile(r"(?<=\w):(?=//|[a-z])", re.IGNORECASE), ": "),
    (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1 ."),
    (re.compile(r"@(?=\S)"), "@ "),
)


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """One line of printable characters: no control or direction marks, nothing that could become a link; cut with …"""
    line = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * longest])
    line = " ".join(line.replace("{", "(").replace("}", ")").split())
    for pattern, apart in _LINKS:
        line = pattern.sub(apart, line)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def markdown(text: str, longest: int = LONGEST_TEXT) -> str:
    """The same, with everything escaped that Markdown or HTML would take for a mark."""
    line = _MARKS.sub(lambda found: "\\" + found[0], plain(text, longest))
    return _FIRST.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", line)


def label(text: str, longest: int = 160) -> str:
    """For a summary, which Temporal bounds by its bytes: plain, without marks, in ASCII."""
    line = _MARKS.sub(" ", plain(text, longest)).encode("ascii", "replace").decode()
    return " ".join(line.split())
