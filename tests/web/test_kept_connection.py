"""A client that keeps its connection is answered at once."""

from __future__ import annotations

import time

import httpx2

from tests.web.harness import TIMEOUT_S, Served

AWAITED_S = 0.035
"""Less than a system waits, at least, before it acknowledges what asks for no answer."""


def test_no_part_of_an_answer_waits_for_the_client(server: Served) -> None:
    spent: list[float] = []
    with httpx2.Client(timeout=TIMEOUT_S) as http:
        for _ in range(20):
            began = time.perf_counter()
            assert http.get(f"{server.base}/health").status_code == 200
            spent.append(time.perf_counter() - began)
    assert min(spent[5:]) < AWAITED_S
