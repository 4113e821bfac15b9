"""Values as TOML has them, for the entries that are proposed.

Rules: a text is always a quoted string, every character in it that TOML gives a meaning to or forbids is escaped, and
reading gives it back; halves of surrogate pairs, which no file can hold, become U+FFFD.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from bnconform.results.records import plain


def quoted(text: str) -> str:
    """Returns a text as a basic string: JSON escapes in the same way all but U+007F."""
    return json.dumps(plain(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def listed(texts: Iterable[str]) -> str:
    """Returns texts as an array."""
    return f"[{', '.join(map(quoted, texts))}]"


def tabled(values: Mapping[str, str]) -> str:
    """Returns keys and values, written already, as an inline table."""
    return (
        "{ " + ", ".join(f"{key if _is_bare(key) else quoted(key)} = {value}" for key, value in values.items()) + " }"
    )


def _is_bare(key: str) -> bool:
    return key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
