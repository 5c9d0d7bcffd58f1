"""What a call can need, loaded while nobody asks for anything.

The installation may be removed or replaced under a running daemon, as package managers do:
whatever was not loaded by then is gone, or of another version.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

import mcp_memory

Step = Callable[[], object]

_ELSEWHERE = (
    "mcp_memory.__main__",
    "mcp_memory.cli.main",
    "mcp_memory.launch",
    "mcp_memory.library",
    "mcp_memory.proxy",
    "mcp_memory.http",
)
"""What a daemon has no use for, or has loaded where it does."""


def steps() -> Iterator[Step]:
    """What to load, in steps of a few tenths of a second at most."""
    names = [found.name for found in pkgutil.walk_packages(mcp_memory.__path__, "mcp_memory.")]
    for name in names:
        if not name.startswith(_ELSEWHERE):
            yield partial(import_module, name)
    if "cryptography" in sys.modules:  # where tokens are signed by somebody
        yield partial(import_module, "cryptography.hazmat.backends.openssl.backend")
