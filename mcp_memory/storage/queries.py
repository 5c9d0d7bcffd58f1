"""Named queries: every statement lives in a .sql file, under a name and its purpose.

-- newest: the memories of one partition, latest first
SELECT ... WHERE {passes} ...

A name in braces stands for the text under that name, so that queries can share a part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_HEADING = re.compile(r"^-- (\w+): .+$", re.MULTILINE)
_PART = re.compile(r"\{(\w+)\}")


@cache
def load(path: Path) -> Mapping[str, str]:
    """The queries of a file by name.

    Raises ValueError where a name is given twice, KeyError where a part is not there.
    """
    _, *pieces = _HEADING.split(path.read_text(encoding="utf-8"))
    names, bodies = pieces[::2], pieces[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path.name} gives a query the name of another")
    texts = {name: body.strip() for name, body in zip(names, bodies, strict=True)}
    whole = {name: _PART.sub(lambda part: texts[part[1]], text) for name, text in texts.items()}
    return MappingProxyType(whole)
