"""What every client asks first, answered from what the installed version says of itself.

`snapshot.json` is made by asking the server (`python -m tests.support.make_snapshot`); a test
compares them. It holds, for groups of protocol versions, the result of each request whose
answer is the same for everyone.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard

FILE = os.path.join(os.path.dirname(__file__), "snapshot.json")
META_VERSION = "io.modelcontextprotocol/protocolVersion"
VERSIONS, ANSWERS = "versions", "answers"


class Snapshot:
    """The answers of the installed version; loaded when the first one is needed."""

    def __init__(self, file: str = FILE) -> None:
        self._file = file
        self._loaded: dict[str, dict[str, Any]] = {}

    def answer(self, message: dict[str, Any], version: str) -> Any:
        """The result for a request, None where a daemon has to be asked.

        `version` is the one agreed on at the handshake, "" before it and in the newer era.
        """
        params = message.get("params", {})
        method = message["method"]
        if not is_object(params) or "cursor" in params:
            return None
        if method == "initialize":
            is_whole = is_object(params.get("capabilities")) and is_object(params.get("clientInfo"))
            return self._handshake(params.get("protocolVersion")) if is_whole else None
        if method == "ping" and version:
            return {}
        meta = params.get("_meta")
        asked = meta.get(META_VERSION) if is_object(meta) else None
        if asked is not None and not isinstance(asked, str):
            return None
        return self._known().get(asked or version, {}).get(method)

    def _handshake(self, asked: Any) -> Any:
        answers = {v: a["initialize"] for v, a in self._known().items() if "initialize" in a}
        if not answers:
            return None
        newest = max(answers)  # the versions are dates
        agreed = asked if isinstance(asked, str) and asked in answers else newest
        return {**answers[agreed], "protocolVersion": agreed}

    def _known(self) -> dict[str, dict[str, Any]]:
        """The answers by protocol version; none where the file is gone."""
        if not self._loaded:
            try:
                with open(self._file, "rb") as file:
                    groups = json.load(file)
            except OSError:
                return {}
            self._loaded = {v: group[ANSWERS] for group in groups for v in group[VERSIONS]}
        return self._loaded


def version_of(result: Any) -> str:
    """The protocol version that a handshake agreed on."""
    version = result.get("protocolVersion") if is_object(result) else None
    return version if isinstance(version, str) else ""


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)
