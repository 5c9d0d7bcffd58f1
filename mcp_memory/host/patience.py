"""How long a host is waited for: as long as it gives signs of life, up to a limit.

A host that starts on a busy machine, or that was suspended, is not dead. It is waited for
while it says that it is starting, and for a good while when it says nothing at all.
"""

from __future__ import annotations

import time

from mcp_memory import file_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_memory.host.address import Address

    Clock = Callable[[], float]

SILENT_S = 45.0
"""How long a host may give no sign of life."""
LIMIT_S = 180.0
"""How long one may take altogether that gives them."""
TELL_S, TELL_AGAIN_S = 5.0, 30.0
"""After how long it is told that somebody waits, and how often afterwards."""


class Unanswered(Exception):
    """The host did not answer while there was patience; the text says what to do."""


class Patience:
    """What is left of it, by a clock that counts seconds and never goes back."""

    def __init__(self, address: Address, clock: Clock = time.monotonic) -> None:
        self._address = address
        self._clock = clock
        self._since = self._sign_at = clock()
        self._tell_at = self._since + TELL_S

    def sign(self) -> None:
        """The host lives: it was started, or has said something."""
        self._sign_at = self._clock()

    def check(self) -> None:
        """Raise Unanswered when there is none left."""
        now = self._clock()
        if now - self._since > LIMIT_S:
            raise Unanswered(
                f"{self._host()} is still starting after {LIMIT_S:g} s, for this machine is busy;"
                " call again in a while"
            )
        if now - self._sign_at > SILENT_S:
            raise Unanswered(
                f"{self._host()} does not answer: it gave no sign of life for {SILENT_S:g} s."
                " Call again in a while; if that does not help, mcp-memory host stop ends it, by"
                f" which nothing acknowledged is lost. Its log is {self._address.log}"
            )

    def news(self) -> str:
        """What to tell whoever waits, at times; "" for nothing."""
        now = self._clock()
        if now < self._tell_at:
            return ""
        self._tell_at = now + TELL_AGAIN_S
        return f"waiting for {self._host()}: {now - self._since:.0f} s so far"

    def _host(self) -> str:
        pid = file_lock.note(self._address.lock)
        return f"the host (process {pid})" if pid else "the host of this store"
