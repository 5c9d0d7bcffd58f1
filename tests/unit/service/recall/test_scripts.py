"""Scripts whose words the model does not know: found by their characters, or not at all."""

from __future__ import annotations

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.service import MemoryService
from tests.support.watchdog import WAIT_S

THAI = ("แมวของฉันชอบนอนบนโซฟา", "ประชุมทีมทุกวันจันทร์ตอนเก้าโมง", "ฐานข้อมูลใช้พอร์ตห้าพัน")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("The cat sleeps on the sofa.", True),
        ("Die Katze schläft auf dem Sofa.", True),
        ("Кошка спит на диване.", True),
        (THAI[0], False),
        ("", True),
    ],
)
def test_the_model_says_what_it_cannot_read(embedder: Embedder, text: str, known: bool) -> None:
    assert embedder.ready(WAIT_S)
    assert embedder.knows(text) is known


def test_what_the_model_cannot_read_is_neither_similar_nor_a_match(
    service: MemoryService, alice: Caller
) -> None:
    results = service.remember(alice, [Draft(content=content) for content in THAI])
    (later,) = service.remember(alice, [Draft(content="กาแฟเย็นไม่ใส่น้ำตาล")])
    assert [r.status for r in (*results, later)] == ["stored"] * 4
    assert [r.similar for r in (*results, later)] == [()] * 4
    assert service.recall(alice, Query(query="รหัสผ่านไวไฟคืออะไร")).abstained
    found = service.recall(alice, Query(query="แมวนอนที่ไหน")).memories
    assert [m.memory.content for m in found] == [THAI[0]]


@pytest.mark.parametrize("unit", ["QUJD", "ฐานข้อมูล"])
def test_a_text_the_model_cannot_read_counts_by_its_bytes(
    service: MemoryService, alice: Caller, unit: str
) -> None:
    service.remember(alice, [Draft(content=f"the blob is {unit * 800}")])
    answer = service.recall(alice, Query(query="the blob", max_tokens=200))
    assert len(answer.context.encode()) < 200 * 8
