"""Groups of emoji of one kind, by their first code point: one domain to learn instead of a thousand.

After the groups of Unicode's emoji-test.txt (Unicode Technical Standard #51): `faces` are the subgroups of faces,
without hearts; `people` is People & Body, hands included; `animals` and `food` are groups of that name, without plants.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Collection

EmojiGroup: TypeAlias = Literal["faces", "people", "animals", "food"]
"""A kind of emoji."""

_RANGES: dict[EmojiGroup, str] = {
    "faces": "2639-263A 1F31A-1F31E 1F479-1F47B 1F47D-1F480 1F600-1F644 1F910-1F917 1F920-1F925 1F927-1F92F "
    "1F970-1F976 1F978-1F97A 1F9D0 1FAE0-1FAEF",
    "people": "26F7 26F9 1F385 1F3C2-1F3C4 1F3C7 1F3CA-1F3CC 1F464-1F478 1F47C 1F481-1F483 1F486-1F487 1F48F 1F491 "
    "1F574-1F575 1F57A 1F5E3 1F645-1F647 1F64B 1F64D-1F64E 1F6A3 1F6B4-1F6B6 1F6C0 1F6CC 1F926 1F930-1F93E 1F977 "
    "1F9B8-1F9B9 1F9CC-1F9CF 1F9D1-1F9DF 1FAC3-1FAC5 "
    "261D 270A-270D 1F440-1F450 1F485 1F4AA 1F590 1F595-1F596 1F64C 1F64F 1F90C 1F90F 1F918-1F91F 1F9B5-1F9B7 1F9BB "
    "1F9BE-1F9BF 1FAF0-1FAF8",
    "animals": "1F400-1F43F 1F54A 1F577 1F648-1F64A 1F980-1F9AE 1FAB0-1FAB3 1FAB6 1FABC-1FABF 1FACE-1FACF",
    "food": "1F32D-1F330 1F33D 1F345-1F353 1F354-1F37F 1F382 1F950-1F96F 1F9C0-1F9CB 1FAD0-1FADC",
}


def is_in(name: str, groups: Collection[EmojiGroup]) -> bool:
    """Return whether an emoji is in one of some groups.

    Args:
        name: its code points in hexadecimal, with `-` between them, as OpenMoji calls its files.
        groups: the groups.
    """
    first = name.partition("-")[0]
    return _group_of(int(first, 16)) in groups


@functools.cache
def _group_of(code_point: int) -> EmojiGroup | None:
    for group in get_args(EmojiGroup):
        for text in _RANGES[group].split():
            first, _, last = text.partition("-")
            if int(first, 16) <= code_point <= int(last or first, 16):
                found: EmojiGroup = group
                return found
    return None
