"""The log tells where something went wrong, and nothing of what anybody remembers."""

from __future__ import annotations

import io
import logging

import pytest

from mcp_memory.config.logging import FORMAT, NOISY_LOGGERS, RedactingFormatter, configure

SECRET = "the vault code is walrus-88z12"


def logged(error: BaseException) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(FORMAT))
    record = logging.LogRecord(
        "x", logging.ERROR, __file__, 1, "it failed", None, (type(error), error, None)
    )
    handler.handle(record)
    return stream.getvalue()


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:  # what is raised here is what was given
        return caught


def test_an_error_is_named_with_its_place_and_without_its_text() -> None:
    text = logged(raised(ValueError(SECRET), raised(KeyError(SECRET))))
    assert "walrus" not in text
    assert text.index("builtins.KeyError") < text.index("builtins.ValueError")
    assert "in raised" in text


def test_every_error_of_a_group_is_named() -> None:
    group = BaseExceptionGroup(SECRET, [raised(TypeError(SECRET)), raised(OSError(28, "no room"))])
    text = logged(raised(group))
    assert "walrus" not in text
    assert "builtins.TypeError" in text
    assert "builtins.OSError: no room" in text


def test_libraries_do_not_log_messages_even_when_we_debug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    before = root.level
    try:
        configure("debug", [logging.NullHandler()])
        assert logging.getLogger("mcp_memory.http").isEnabledFor(logging.DEBUG)
        assert not any(logging.getLogger(n).isEnabledFor(logging.DEBUG) for n in NOISY_LOGGERS)
    finally:
        root.setLevel(before)
        for name in NOISY_LOGGERS:
            logging.getLogger(name).setLevel(logging.NOTSET)
