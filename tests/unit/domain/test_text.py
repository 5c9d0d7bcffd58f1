"""Cleaning and search terms, in many languages."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.domain import text


def wide(ascii_: str) -> str:
    """The full-width forms of these characters."""
    return "".join(chr(ord(c) + 0xFEE0) for c in ascii_)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("  tea \n", "tea"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\tb", "a\tb"),
        ("a\x07b\x1bc\x9dd", "a b c d"),
        ("cafe\u0301", "café"),
        ("ig\u200bnore\u2060 this\ufeff", "ignore this"),
        ("abc\u202egnp.exe\u202c", "abcgnp.exe"),
        ("soft\u00adhyphen", "softhyphen"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("x\U000e0100y\ufe00z", "xyz"),
        ("", ""),
        ("\u200b", ""),
    ],
)
def test_cleaning_removes_what_a_reader_cannot_see(given_: str, expected: str) -> None:
    assert text.clean(given_) == expected


@pytest.mark.parametrize(
    "kept",
    ["👩\u200d💻", "❤\ufe0f", "نمی\u200cشود", "क्\u200dष", "naïve", "日本語", "€ — „x“"],
)
def test_cleaning_keeps_what_languages_and_emoji_need(kept: str) -> None:
    assert text.clean(kept) == unicodedata.normalize("NFC", kept)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        ("... !? 🎉", []),
        ("Tea, green TEA", ["tea", "green", "tea"]),
        ("meetings met the meeting", ["meet", "meet", "the", "meet"]),
        ("don't Anna's", ["don", "anna"]),
        ("don\u2019t", ["don"]),
        ("Élodie naïve", ["elodi", "naiv"]),
        ("Müllauto", ["mullauto"]),
        ("ФОТО в Москве", ["фото", "в", "москве"]),
        ("ΣΊΣΥΦΟΣ", ["σισυφοσ"]),
        ("שָׁלוֹם", ["שלום"]),
        ("الشَّايُ", ["الشاي"]),
        ("I write C++ and C#", ["i", "write", "c++", "c", "and", "c#", "c"]),
        (f"{wide('full')}\u3000{wide('width')}", ["full", "width"]),
        ("绿茶", ["绿茶"]),
        ("茶", ["茶"]),
        ("我喝绿", ["我喝", "喝绿", "我喝绿"]),
    ],
)
def test_terms_fold_case_accents_and_endings(content: str, expected: list[str]) -> None:
    assert text.terms(content) == expected


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("src/app/main.py", ["src", "app", "main", "py"]),
        ("foo_bar", ["foo", "bar"]),
        ("ABC-1234", ["abc", "1234"]),
        ("anna@example.org", ["anna", "org"]),
        ("2026-03-01", ["2026", "03", "01"]),
        ("v1.2.3", ["v1", "2", "3"]),
        ("std::vector", ["std", "vector"]),
    ],
)
def test_an_identifier_gives_itself_and_its_parts(identifier: str, parts: list[str]) -> None:
    found = text.terms(f"see {identifier} now")
    assert set(parts) <= set(found)
    assert set(text.terms(identifier)) <= set(found)


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("我每天早上喝绿茶", "绿茶"),
        ("私は京都に住んでいます", "京都"),
        ("コーヒーが好きです", "コーヒー"),
        ("ฉันชอบดื่มชาเขียว", "ชาเขียว"),
        ("ខ្ញុំចូលចិត្តតែ", "ចូលចិត្ត"),
        ("ကျွန်တော်လက်ဖက်ရည်ကြိုက်တယ်", "လက်ဖက်ရည်"),
        ("मुझे चाय पसंद है", "चाय"),
        ("எனக்கு தேநீர் பிடிக்கும்", "தேநீர்"),
        ("Tôi thích trà xanh", "TRA XANH"),
        ("Ik heb de vergaderingen", "VERGADERINGEN"),
        ("version 2の更新は東京で", "東京"),
        ("GPT-4を使う", "gpt"),
    ],
)
def test_every_term_of_a_phrase_is_among_those_of_a_text_that_holds_it(
    content: str, query: str
) -> None:
    asked = text.query_terms(query)
    assert asked
    assert set(asked) <= set(text.terms(content))


def test_indic_vowel_signs_stay_within_their_word() -> None:
    assert text.terms("हिन्दी में") == [
        unicodedata.normalize("NFC", "हिन्दी"),
        unicodedata.normalize("NFC", "में"),
    ]


def test_function_words_are_left_out_of_a_query() -> None:
    assert text.query_terms("What is the name of my dog?") == ["name", "dog"]


def test_a_query_of_function_words_alone_keeps_them() -> None:
    assert text.query_terms("who am i") == ["who", "am", "i"]


def test_function_words_of_other_languages_are_kept() -> None:
    assert text.query_terms("der Hund") == ["der", "hund"]


def test_query_terms_are_distinct_and_at_most_sixty_four() -> None:
    assert text.query_terms("tea Tea TEAS") == ["tea"]
    assert len(text.query_terms(" ".join(f"word{n}" for n in range(500)))) == 64


def test_the_terms_of_a_text_are_bounded() -> None:
    assert len(text.terms("word " * (text.TERMS_MAX + 9))) == text.TERMS_MAX
    assert len(text.terms("茶" * text.TERMS_MAX)) == text.TERMS_MAX


def test_a_term_is_never_long() -> None:
    long = "x" * 5000
    for content in (long, f"{long}++", "a-" * 3000 + "b", f"1{long}", f"{long}/{long}", "é" * 99):
        assert max(map(len, text.terms(content))) <= 64


@given(st.text())
def test_any_text_can_be_cleaned_once_and_for_all(content: str) -> None:
    cleaned = text.clean(content)
    assert text.clean(cleaned) == cleaned


@given(st.text())
def test_what_is_kept_of_a_text_is_all_of_it_once_and_for_all(content: str) -> None:
    kept, changes = text.kept(content)
    assert text.kept(kept) == (kept, "")
    assert (kept == content) == (not changes)


@given(st.text())
def test_any_text_has_terms_without_spaces_and_within_bounds(content: str) -> None:
    for term in text.terms(content):
        assert term
        assert len(term) <= 64
        assert not any(c.isspace() for c in term)


@given(st.text(), st.text(), st.text())
def test_a_text_between_lines_keeps_all_its_terms(before: str, content: str, after: str) -> None:
    surrounded = text.terms(f"{before}\n{content}\n{after}")
    assert set(text.terms(content)) <= set(surrounded)
