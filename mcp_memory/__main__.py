"""Where `mcp-memory` and `python -m mcp_memory` begin.

A client that starts the stdio proxy waits for it, so that the proxy is reached before the
parser of the command line is imported.
"""

import sys


def main() -> int:
    """Run what the arguments say; returns the exit code."""
    from mcp_memory.system.isolation import isolate

    isolate()
    code = _run()
    if sys.flags.inspect:  # PYTHONINSPECT: Python would go on with reading stdin
        _end(code)
    return code


def _run() -> int:
    match sys.argv[1:]:
        case []:
            from mcp_memory.proxy import proxy

            return proxy.run()
        case ["--home", home]:
            from mcp_memory.proxy import proxy

            return proxy.run(home)
        case _:
            from mcp_memory.cli import main as cli

            return cli.main()


def _end(code: int) -> None:
    import os

    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
