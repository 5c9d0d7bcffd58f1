"""The bundled model itself: vectors, windows, failures, and no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mcp_memory.embedding.embedder import OVERLAP_PIECES, WINDOW_PIECES, Embedder
from mcp_memory.embedding.loader import BUNDLED_FOLDER, BUNDLED_SPACE, digest
from mcp_memory.errors import ModelUnavailable, SettingsInvalid
from tests.support.watchdog import WAIT_S

NEEDLE = "The safe in the cellar opens with the year of the flood."
FILLER = "We talked about the weather, the train and what to cook on Sunday evening. "

OFFLINE = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("the network was asked for")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from mcp_memory.embedding.embedder import Embedder
assert Embedder().embed(["hello"])[0].shape == (1, 384)
"""


def test_texts_with_the_same_meaning_are_closer_than_others(embedder: Embedder) -> None:
    stored, other = embedder.embed(
        ["Please do not schedule meetings after 5pm my time", "The cat sleeps on the sofa"]
    )
    query = embedder.embed_query("what was the scheduling constraint again?")
    assert stored[0] @ query > 0.2 > other[0] @ query + 0.1


def test_vectors_are_float32_of_unit_length_and_one_row_a_window(embedder: Embedder) -> None:
    for rows in embedder.embed(["short", "", "長い一日だった。", FILLER * 60]):
        assert rows.dtype == np.float32
        assert rows.shape[1] == embedder.space.dimensions == 384
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_nothing_past_the_limit_of_the_model_is_invisible(embedder: Embedder) -> None:
    text = FILLER * 30 + NEEDLE + " " + FILLER * 10
    assert embedder.count_tokens(FILLER * 30) > 256  # all that the model itself would read
    (rows,) = embedder.embed([text])
    similar = rows @ embedder.embed_query("in which year was the flood that opens the safe?")
    assert similar.max() > similar[0] + 0.1
    assert similar.argmax() not in (0, len(rows) - 1)


def test_windows_overlap_and_cover_the_whole_text(embedder: Embedder) -> None:
    pieces = embedder.count_tokens(FILLER * 60)
    (rows,) = embedder.embed([FILLER * 60])
    step = WINDOW_PIECES - 2 - OVERLAP_PIECES
    assert len(rows) == -(-(pieces - OVERLAP_PIECES) // step)


def test_a_text_gets_the_same_vector_alone_and_in_company(embedder: Embedder) -> None:
    texts = ["one", FILLER * 20, NEEDLE, "日本語のメモ", "2026-11-22 16:30"]
    together = embedder.embed(texts)
    for text, rows in zip(texts, together, strict=True):
        assert np.array_equal(rows, embedder.embed([text])[0])


def test_many_threads_get_the_vectors_that_one_gets(embedder: Embedder) -> None:
    texts = [f"note {n}: {FILLER}" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(embedder.embed_query, texts))
    for text, vector in zip(texts, threaded, strict=True):
        assert np.array_equal(vector, embedder.embed_query(text))


def test_a_question_is_found_before_and_after_a_pasted_page(embedder: Embedder) -> None:
    question = "how do I open the safe in the cellar?"
    needle, filler = (rows[0] for rows in embedder.embed([NEEDLE, FILLER]))
    for text in (question + FILLER * 40, FILLER * 40 + question):
        query = embedder.embed_query(text)
        assert query.shape == (384,)
        assert np.isclose(np.linalg.norm(query), 1, atol=1e-5)
        assert needle @ query > 0.3
    assert filler @ embedder.embed_query(FILLER * 40) > 0.8


def test_tokens_are_estimated_until_the_model_is_loaded_and_counted_after() -> None:
    fresh = Embedder()
    assert fresh.count_tokens("twelve bytes") == 3
    assert fresh.count_tokens("") == 0
    assert fresh.ready(WAIT_S)
    assert fresh.count_tokens("twelve bytes") == 2
    assert fresh.count_tokens(NEEDLE * 100) > 1000


def test_the_bundled_model_is_known_before_it_is_loaded() -> None:
    fresh = Embedder()
    assert fresh.space == BUNDLED_SPACE
    assert not fresh.ready()
    assert fresh.failure == ""
    assert digest(BUNDLED_FOLDER / "model.onnx") == fresh.space.digest


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_model_file_is_named_and_never_used(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED_FOLDER, folder)
    damaged = bytearray((folder / name).read_bytes())
    damaged[1000] ^= 1
    (folder / name).write_bytes(damaged)
    broken = Embedder(folder=folder)
    assert not broken.ready(WAIT_S)
    with pytest.raises(ModelUnavailable, match=rf"damaged: .*{name}.*reinstall mcp-memory"):
        broken.embed(["hello"])
    assert name in broken.failure


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    broken = Embedder(folder=tmp_path)
    with pytest.raises(ModelUnavailable, match=r"cannot be read: .*model\.onnx.*reinstall"):
        broken.embed_query("hello")


def test_a_model_that_was_not_fetched_says_how_to_fetch_it(tmp_path: Path) -> None:
    other = Embedder("BAAI/bge-small-en-v1.5", cache_dir=tmp_path)
    assert (other.space.dimensions, other.space.digest) == (384, "")
    with pytest.raises(ModelUnavailable, match="run: mcp-memory model use BAAI/bge-small-en"):
        other.embed(["hello"])
    assert list(tmp_path.iterdir()) == []


def test_a_fetched_model_is_loaded_from_the_cache(tmp_path: Path, embedder: Embedder) -> None:
    cached = tmp_path / "models--Qdrant--all-MiniLM-L6-v2-onnx"
    shutil.copytree(BUNDLED_FOLDER, cached / "snapshots" / "5eed")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("5eed")
    other = Embedder("sentence-transformers/all-MiniLM-L6-v2", cache_dir=tmp_path)
    assert other.space.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert other.space.digest == BUNDLED_SPACE.digest
    assert np.array_equal(other.embed_query("hello"), embedder.embed_query("hello"))


def test_an_unknown_model_is_refused_with_names_that_are_near(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"got 'bge-small-en'; use one .* BAAI/bge-small-en"):
        _ = Embedder("bge-small-en", cache_dir=tmp_path).space


def test_no_network_is_ever_asked_for() -> None:
    subprocess.run([sys.executable, "-c", OFFLINE], check=True, timeout=WAIT_S)


def test_loading_the_model_leaves_nothing_outside_the_store(tmp_path: Path) -> None:
    code = "from mcp_memory.embedding.embedder import Embedder; Embedder().embed_query('hello')"
    env = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    env = {name: value for name, value in env.items() if not name.startswith(("ORT_", "XDG_"))}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=WAIT_S)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
