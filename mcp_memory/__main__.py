"""Where `mcp-memory` and `python -m mcp_memory` begin.

A client that starts the stdio door waits for it, so that the door is reached before the
parser of the command line is imported.
"""

import sys


def main() -> int:
    """Run what the arguments say; returns the exit code."""
    match sys.argv[1:]:
        case []:
            from mcp_memory.shim import door

            return door.run()
        case ["--home", home]:
            from mcp_memory.shim import door

            return door.run(home)
        case _:
            from mcp_memory import cli

            return cli.main()


if __name__ == "__main__":
    sys.exit(main())
