"""What people text, as it may be shown: what turns, hides or moves letters becomes a mark that is seen.

Bidirectional controls (Unicode Standard Annex #9) could turn a sentence round, zero width letters hide one in another.
U+200D joins emoji and letters of some scripts, and tags spell flags of regions (Unicode Technical Standard #51), so
there they stay.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # controls, but for tab and line feed
    "|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|(?<![\u0600-\u06ff\u0900-\u0dff\u2190-\u2bff\u3030\ufe0f\U0001f000-\U0001ffff])\u200d"  # joins nothing
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]"  # tags of no flag
    "|[\ud800-\udfff]"
)


class Raw(str):
    """Text that must be shown as it was typed, since it is sent on from where it is shown: it is escaped alone."""

    __slots__ = ()


def visible(value: object) -> object:
    """A value for a page, with marks such as ``[U+202E]`` for what is not seen; what is no text is let be."""
    if type(value) is not str or (value.isascii() and value.isprintable()):
        return value
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", value)
