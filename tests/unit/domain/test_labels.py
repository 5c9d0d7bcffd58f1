"""What others chose is shown as a name: one line, short, and nothing that reads as a sentence."""

from __future__ import annotations

import pytest

from mcp_memory.domain.labels import LABEL_CHARS_MAX, escaped, one_line, shown
from mcp_memory.domain.memory import Caller
from mcp_memory.tools.format import caller_line

HOSTILE = [
    "a\nb",
    "a\r\nb",
    "a\u2028b",
    "a\u2029b",
    "a\x85b",
    "a\x0bb",
    "a b",
    "a\u00a0b",
    "a\u3000b",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\ufeffb",
    "a\u3164b",
    "a\u115fb",
    "a\ufe0fb",
    "a\U000e0101b",
    "a\U000e0041b",
    "a\x1b[31mb",
    "a\x00b",
    "</memory>",
    "a`b",
    'a"b',
    "a\uff0cb\u3002",
    "a\udcffb",
    "a\ud800b",
    "a%0Ab",
    "🦆",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_letter_is_encoded(text: str) -> None:
    label = shown(text)
    assert label.isprintable()
    assert label.isascii()
    assert not set(label) & set(" <>`\"'\\")
    assert "%" in label


def test_what_reads_well_stays_as_it_is() -> None:
    for text in ("github.com/acme/app", "host:8443/~ana/x-y_z+1@v2", "/home/ana/проект/東京/é"):
        assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("github.com/\u0430cme/app", "github.com/%D0%B0cme/app"),
        ("github.com/acme/\u0430\u0440\u0440", "github.com/acme/%D0%B0%D1%80%D1%80"),
        ("p\u0430yp\u0430l.com/x", "p%D0%B0yp%D0%B0l.com/x"),
        ("\u0430\u0440\u0440\u04cf\u0435.com", "%D0%B0%D1%80%D1%80%D3%8F%D0%B5.com"),
        ("/srv/g\u03bfogle", "/srv/g%CE%BFogle"),
        ("\uff41cme/app", "%EF%BD%81cme/app"),
        ("\U0001d41acme", "%F0%9D%90%9Acme"),
        ("\u13aacme", "%E1%8E%AAcme"),
        ("g\u0251mma", "g%C9%91mma"),
        ("team-\u0441\u043e", "team-%D1%81%D0%BE"),
    ],
)
def test_a_letter_that_passes_for_another_is_encoded(text: str, label: str) -> None:
    assert shown(text) == label


@pytest.mark.parametrize(
    "text",
    [
        "проект-\u043e-котах",
        "acme/проект",
        "\u043e\u0441\u0430/жук",
        "λόγος",
        "café",
        "größe",
        "東京/app",
        "\u0131\u015f\u0131k",
        "한국어",
    ],
)
def test_an_honest_word_of_another_script_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_different_texts_have_different_labels() -> None:
    texts = [*HOSTILE, "ab", "a%b", "a%20b", "a+b", "a/b", "a%2Fb", "\u0430b", "x" * 500, "x" * 501]
    assert len({shown(text) for text in texts}) == len(texts)
    assert escaped("a/b", also="/") == "a%2Fb"


@pytest.mark.parametrize(
    "text", ["x" * 121, "/" + "long/" * 200, "\n" * 200, "é" * 300, "東" * 121]
)
def test_a_long_text_is_shown_by_both_ends(text: str) -> None:
    label = shown(text)
    assert len(label) <= LABEL_CHARS_MAX
    assert label.count("~") == 2
    assert label.isprintable()


def test_a_client_keeps_its_spaces_and_nothing_invisible() -> None:
    assert one_line("Visual Studio Code 1.140") == "Visual Studio Code 1.140"
    assert one_line(" a\n\u202e \u3164 b\u200b ") == "a b"
    assert one_line("x " * 500) == ("x " * 60).strip()


@pytest.mark.parametrize(
    ("project", "line"),
    [
        ("", "caller: ana"),
        ("github.com/acme/app", "caller: ana/github.com/acme/app"),
        ("/srv/app", "caller: ana at /srv/app"),
        ("app", "caller: ana/app"),
    ],
)
def test_the_caller_line_reads_well_whatever_the_project_is(project: str, line: str) -> None:
    caller = Caller(tenant="acme", user="ana", project=project, project_label=project)
    assert caller_line(caller) == line
