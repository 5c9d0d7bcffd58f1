"""Which files of tests take longest, so that no worker begins one when the others are done."""

from __future__ import annotations

LONGEST = (
    "tests/server/daemon/test_proxy.py",
    "tests/server/daemon/test_proxy_calls.py",
    "tests/resilience/disk/test_io_errors.py",
    "tests/http/test_shutdown.py",
    "tests/server/daemon/test_stdio.py",
    "tests/resilience/test_damaged_files.py",
    "tests/server/daemon/test_daemon.py",
    "tests/fuzz/test_fuzz.py",
    "tests/server/daemon/test_slow_daemon.py",
    "tests/resilience/test_replaced_files.py",
    "tests/server/daemon/test_python_environment.py",
    "tests/http/isolation/test_matrix.py",
    "tests/server/caller/test_isolation.py",
    "tests/server/caller/test_adoption.py",
    "tests/resilience/test_replaced_files_daemon.py",
    "tests/resilience/test_reference_model.py",
    "tests/server/caller/test_client_environment.py",
    "tests/http/isolation/test_unknown_ids.py",
    "tests/test_examples.py",
)
"""Those of more than 25 s where two processors were busy, the longest first."""


def place(path: str) -> int:
    """Where a file comes in the order of the run; those that are short keep their order."""
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
