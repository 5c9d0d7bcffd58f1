"""Where a daemon begins that a proxy starts: `python -P launch.py --home DIR daemon run`.

It is the very package that the proxy is of, whatever else is installed under its name, and
its dependencies come from where the interpreter has its own.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main() -> int:
    """Run what the arguments say; returns the exit code."""
    others = sys.path[:]
    sys.path[:] = [ROOT]
    from mcp_memory.__main__ import main as run
    from mcp_memory.system import isolation

    sys.path[:] = isolation.with_ours(others)
    return run()


if __name__ == "__main__":
    sys.exit(main())
