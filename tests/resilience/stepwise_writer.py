"""Writes to a store in steps, so that its files can be meddled with in between, until killed.

For each line on stdin, five memories, one call each; on stdout "kept <id>" for each that was
acknowledged, "refused <error>" for each that was not, and then "done".
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from mcp_memory.domain.ids import new_id
from mcp_memory.errors import StoreError
from tests.support.factories import memory, open_store, windows, write

EACH = 5


def say(line: str) -> None:
    """One whole line at once, straight to the pipe."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    """Serve the folder given."""
    store = open_store("embedded", Path(sys.argv[1]))
    said = 0
    for _ in sys.stdin:
        for _ in range(EACH):
            said += 1
            made = memory(f"statement {said} of this store")
            try:
                store.write(new_id(), [write(made, windows(said))])
                say(f"kept {made.id}")
            except StoreError as error:
                say(f"refused {type(error).__name__} {error}")
        with suppress(StoreError):  # so that the index is in its file, and not in its log alone
            store.maintain()
        say("done")


if __name__ == "__main__":
    main()
