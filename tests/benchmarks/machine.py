"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("mcp-memory-layer", "duckdb", "apsw", "sqlite-vec", "fastembed", "onnxruntime", "mcp")


def described() -> dict[str, str]:
    """The machine and the versions, by name."""
    return {
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load": f"{load()}, at the start",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor() or "unknown"
    parts = (re.search(rf"^{name}\s*:\s*(.+)$", text, re.M) for name in ("model name", "cpu MHz"))
    return " at ".join(part.group(1) for part in parts if part) + " MHz"


def load() -> str:
    """How busy the machine is: figures from a busy one say less."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return f"{os.getloadavg()[0]:.1f} processes over the last minute"
