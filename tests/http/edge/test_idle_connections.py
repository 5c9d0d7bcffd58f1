"""Connections that are open and say nothing: how many of one address there may be."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from mcp_memory.http.header_timeout import QUIET_EACH, peer_of
from tests.support.http_server import served
from tests.support.raw_http import LIST, json_headers, line, request


def test_of_too_many_silent_connections_of_one_address_the_oldest_end(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server, ExitStack() as opened:
        said = request(server, LIST)
        talker = opened.enter_context(line(server))
        talker.send(said)
        assert talker.read().status == 200
        silent = [opened.enter_context(line(server)) for _ in range(QUIET_EACH + 3)]
        for ended in (talker, *silent[:2]):
            assert ended.rest() == b""
        silent[-1].send(said)
        assert silent[-1].read().status == 200, "who comes now is served"
        silent[3].send(said)
        assert silent[3].read().status == 200, "and whoever is within the bound"


def test_a_connection_that_is_at_work_is_not_a_silent_one(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server, ExitStack() as opened:
        length = ("Content-Length", str(len(LIST)))
        headers = json_headers(("Expect", "100-continue"), length)
        at_work = opened.enter_context(line(server))
        at_work.send(request(server, headers=headers))
        assert at_work.head().status == 100, "the server has the head, and waits for the body"
        for _ in range(QUIET_EACH + 3):
            opened.enter_context(line(server))
        at_work.send(LIST)
        assert at_work.read().status == 200


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::1", "127.0.0.1", False),
        ("", "", True),
        ("unix", "192.0.2.1", False),
    ],
)
def test_who_has_a_network_of_addresses_counts_once(one: str, other: str, is_same: bool) -> None:
    assert (peer_of(one) == peer_of(other)) == is_same
