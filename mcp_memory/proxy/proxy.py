"""The stdio proxy: lines from the client to the daemon and back, whatever becomes of the daemon."""

from __future__ import annotations

import select
import time

from mcp_memory.ipc import liveness, protocol
from mcp_memory.ipc.address import Address
from mcp_memory.ipc.client import warn
from mcp_memory.ipc.liveness import LIMIT_S, Silence, Unanswered
from mcp_memory.proxy.connect import DaemonConnector, Unreachable, whoami
from mcp_memory.proxy.pipes import READ_BYTES, Pipes, standard
from mcp_memory.system import environment
from mcp_memory.system.framing import Lines, TooLong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_memory.ipc.address import Socket
    from mcp_memory.proxy.session import Session

POLL_S, WATCH_S = 0.01, 1.0
END_TIMEOUT_S = 15.0
"""How long the last answers may take once the client has closed its end."""
LIVELY_S = 10.0
"""A daemon that lived that long is replaced at once; others when they are needed."""
PENDING_BYTES_MAX = 1024 * 1024


def run(home: str = "") -> int:
    """Serve the client on stdin and stdout until it is gone; returns the exit code."""
    try:
        folder = environment.home_dir(home)
    except ValueError as error:
        warn(str(error))
        return 2
    try:
        return StdioProxy(standard(), folder).serve()
    except KeyboardInterrupt:
        return 130


class StdioProxy:
    """One client, and the daemon it is connected to at the moment, if any."""

    def __init__(self, client: Pipes, home: str) -> None:
        self._client = client
        address = Address(home)
        self._reach = DaemonConnector(address, whoami(home, environment.ours()))
        self._silence = Silence(address)
        self._daemon: Socket | None = None
        self._session: Session | None = None
        self._wanted = True
        self._met_at = 0.0
        self._ends_at = 0.0
        self._half_closed = False
        self._is_alone = False
        self._client_lines, self._daemon_lines = Lines(), Lines()
        self._to_client, self._to_daemon = bytearray(), bytearray()

    def serve(self) -> int:
        """Until the client is gone, or has all its answers after it closed its end.

        Returns the exit code: 1 when something that was asked could not be answered in time.
        """
        try:
            while not self._is_over():
                if self._daemon is None and (self._wanted or self._is_watching):
                    self._seek()
                ready = self._ready()
                self._pass_on(*ready)
                if self._daemon is not None and (self._session is not None or not any(ready)):
                    self._mind_silence()
                    self._renew()
        finally:
            if self._daemon is not None:
                self._daemon.close()
        if not self._told.is_waiting or self._is_alone:
            return 0
        self._say(self._told.give_up("the client has closed its end, and no answer came in time"))
        self._flush_client()
        return 1

    @property
    def _told(self) -> Session:
        """What was said so far. Made late: the first line is passed on before JSON is loaded."""
        if self._session is None:
            from mcp_memory.proxy.session import Session
            from mcp_memory.proxy.snapshot import Snapshot

            self._session = Session(Snapshot())
        return self._session

    @property
    def _is_watching(self) -> bool:
        """Whether the client waits for notices: of a daemon that somebody else will start."""
        return not self._ends_at and self._session is not None and self._session.is_asking

    def _is_over(self) -> bool:
        if not self._ends_at:
            return False
        is_idle = self._daemon is None and not self._told.is_waiting
        return time.monotonic() > self._ends_at or (is_idle and not self._to_client)

    # --- the daemon -------------------------------------------------------------------------

    def _seek(self) -> None:
        try:
            self._daemon = self._reach.once(may_start=self._wanted)
        except Unreachable as error:
            self._give_up(str(error))
            return
        if self._daemon is None:
            self._hold_on()
        else:
            self._met_at, self._daemon_lines, self._half_closed = time.monotonic(), Lines(), False
            if self._ends_at:
                self._ends_at = self._met_at + END_TIMEOUT_S
            if self._session is not None:
                for line in self._session.replay():
                    self._to_daemon += line + b"\n"
            self._flush_daemon()

    def _hold_on(self) -> None:
        """Tell, at times, that the daemon is waited for."""
        told = self._reach.news()
        if told:
            warn(told)
            self._say(self._told.hold_on(told))

    def _mind_silence(self) -> None:
        """Tell, at times, that a daemon which was asked says nothing; leave one that is silent."""
        is_full = len(self._to_client) >= PENDING_BYTES_MAX  # then the daemon is not listened to
        if not self._told.is_waiting or is_full or self._ends_at:
            self._silence.end()
            return
        try:
            self._silence.look()
        except Unanswered as error:
            self._lose(protocol.STOPPED)
            self._give_up(str(error))
            return
        if self._silence.asks():
            self._to_daemon += protocol.alive()
            self._flush_daemon()
        if told := self._silence.news():
            warn(told)
            self._say(self._told.hold_on(told))

    def _renew(self) -> None:
        """Ask the daemon again to watch what it could not when it came."""
        for line in self._told.renew() if self._daemon is not None else ():
            self._to_daemon += line + b"\n"
            self._flush_daemon()

    def _give_up(self, reason: str) -> None:
        """Answer everything that was asked; the next request seeks a daemon again."""
        warn(reason)
        self._wanted = False
        self._say(self._told.give_up(reason))

    def _lose(self, goodbye: str = "") -> None:
        """The daemon is gone, or about to; the next one is sought now or when it is needed."""
        assert self._daemon is not None
        self._daemon.close()
        self._daemon = None
        self._to_daemon.clear()
        self._say(self._told.lost())
        if goodbye == protocol.REPLACED:
            self._reach.leave_it_to_others()
        lived_s = time.monotonic() - self._met_at
        is_lively = goodbye != protocol.STOPPED and lived_s > LIVELY_S
        self._wanted = self._told.is_waiting or (is_lively and not self._ends_at)

    # --- the loop -------------------------------------------------------------------------

    def _ready(self) -> tuple[bool, bool, bool, bool]:
        """Wait until something can be done: read from or write to the client, the daemon."""
        sources: list[int] = []
        sinks: list[int] = []
        daemon = -2 if self._daemon is None else self._daemon.fileno()
        is_crowded = self._daemon is None and self._session is not None and self._session.is_crowded
        if not self._ends_at and len(self._to_daemon) < PENDING_BYTES_MAX and not is_crowded:
            sources.append(self._client.source)
        if self._daemon is not None and len(self._to_client) < PENDING_BYTES_MAX:
            sources.append(daemon)
        if self._daemon is not None and self._to_daemon:
            sinks.append(daemon)
        if self._to_client and self._client.sink >= 0:
            sinks.append(self._client.sink)
        if self._client.sink < 0 and self._to_client:
            self._flush_client()  # nothing wakes a loop for a sink that cannot be waited for
        if not sources and not sinks:  # which Windows takes for an error
            time.sleep(self._patience_s() or 0.0)
            return False, False, False, False
        can_read, can_write, _ = select.select(sources, sinks, [], self._patience_s())
        client_writes = self._client.sink in can_write or self._client.sink < 0
        return (
            self._client.source in can_read,
            client_writes,
            daemon in can_read,
            daemon in can_write,
        )

    def _patience_s(self) -> float | None:
        if self._daemon is None and (self._wanted or self._is_watching):
            return POLL_S if self._wanted else WATCH_S
        if self._ends_at:
            return max(0.0, self._ends_at - time.monotonic())
        if self._session is None:
            return WATCH_S
        if self._daemon is None:
            return None
        renews_in_s = self._session.renews_in_s
        if not self._session.is_waiting:
            return renews_in_s
        return liveness.LOOK_S if renews_in_s is None else min(liveness.LOOK_S, renews_in_s)

    def _pass_on(
        self, from_client: bool, to_client: bool, from_daemon: bool, to_daemon: bool
    ) -> None:
        self._reach.reap()
        if from_client:
            self._hear_client(self._client.read())
        if to_client and self._to_client:
            self._flush_client()
        if to_daemon:
            self._flush_daemon()
        if from_daemon and self._daemon is not None:
            self._hear_daemon()

    def _hear_client(self, chunk: bytes) -> None:
        lines = self._client_lines.feed(chunk or b"\n")  # the last line may have no end
        if not chunk:
            timeout_s = END_TIMEOUT_S if self._daemon is not None else LIMIT_S
            self._ends_at = time.monotonic() + timeout_s
        for line in lines:
            if isinstance(line, TooLong):
                self._say([self._told.refuse(line)])
            elif self._daemon is None:
                answer = self._told.take_offline(line)
                self._wanted = self._wanted or answer is None
                self._say([answer] if answer else [])
            else:
                self._to_daemon += line + b"\n"
                self._flush_daemon()
                if not self._told.is_waiting:
                    self._silence.end()
                self._told.note_client(line)
        if not chunk:
            self._flush_daemon()

    def _hear_daemon(self) -> None:
        assert self._daemon is not None
        try:
            chunk = self._daemon.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._lose()
            return
        self._silence.sign()
        for line in self._daemon_lines.feed(chunk):
            said = protocol.parse_answer(line)
            if said is not None and said[1] == protocol.ALIVE:
                continue
            if said is not None:
                self._lose(said[2])
                return
            self._silence.end()
            if self._told.note_daemon(line):
                self._say([line])
            self._say(self._told.missed())

    def _say(self, lines: list[bytes]) -> None:
        for line in lines:
            self._to_client += line + b"\n"

    def _flush_client(self) -> None:
        try:
            del self._to_client[: self._client.write(self._to_client)]
        except OSError:  # nobody is there to tell
            self._ends_at, self._is_alone = time.monotonic() - 1, True
            self._to_client.clear()

    def _flush_daemon(self) -> None:
        """Send what can be sent now; once all is, and the client has closed, say so."""
        if self._daemon is None:
            return
        try:
            while self._to_daemon:
                del self._to_daemon[: self._daemon.send(self._to_daemon[:READ_BYTES])]
            if self._ends_at and not self._half_closed:
                self._half_closed = True
                self._daemon.shutdown(1)
        except BlockingIOError:
            return
        except OSError:
            self._to_daemon.clear()  # what it said last is still to be read
