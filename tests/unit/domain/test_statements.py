"""When two texts say the same, and when two keys name the same slot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.domain.statements import FORM, fingerprint, same_statement, slot_of, statement


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The user prefers dark mode.", "the user prefers dark mode"),
        ("The user prefers  dark mode", "The user prefers dark mode"),
        ("We deploy on Fridays.", "we deploy on fridays"),
        ("The build uses Bazel", "the build uses bazel."),
        ("The API runs on port 8080.", "the API runs on port 8080"),
        ("When I deploy, I wait.", "when i deploy, i wait"),
        ("She said no. Then she left.", "she said no. then she left"),
        ("Café opens at nine", "cafe\u0301 opens at nine."),
        ("Straße ist gesperrt.", "straße ist gesperrt"),
        ("Мы выпускаем по пятницам.", "мы выпускаем по пятницам"),
        ("Tea\u00a0is good", "Tea is good"),
        ("お茶が好きです。", "お茶が好きです"),
        ("我喜欢茶。", "我喜欢茶"),
        ("मुझे चाय पसंद है।", "मुझे चाय पसंद है"),
        ("The meeting is at 9:30 am, on 2026-03-01.", "the meeting is at 9:30 am, on 2026-03-01"),
        ("It was -18 °C outside.", "It was -18 °C outside"),
        ("The script is src/app.py.", "the script is src/app.py"),
        ("Run `make test` first.", "Run `make test` first"),
        ('The field is "null".', 'the field is "null"'),
        ("a:\r\n  b", "a:\n  b"),
        ("\n\n  b: 1\n", "  b: 1"),
        (" Prefers tea. ", "Prefers tea"),
    ],
)
def test_what_differs_in_capitals_spaces_and_a_full_stop_of_prose_says_the_same(
    one: str, other: str
) -> None:
    assert same_statement(one, other)
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # signs, positions, brackets, quotes, dots, exponents, indentation
        ("-18 °C", "18 °C"),
        ("It is -18 °C outside", "It is 18 °C outside"),
        ("-6 dB", "6 dB"),
        ("The offset is +2 hours", "The offset is 2 hours"),
        ("Keep ~5 copies of it", "Keep 5 copies of it"),
        ("10⁶ rows", "106 rows"),
        ("1½", "11\u20442"),
        ("x₁₂", "x12"),
        ("an area of 20 m²", "an area of 20 m2"),
        ("\uff21lice likes tea", "Alice likes tea"),
        ("def f():\n    a()\n    b()", "def f():\n    a()\nb()"),
        ("    return x", "return x"),
        ("a:\n  b: 1", "a:\n b: 1"),
        ("a\tb", "a b"),
        ("- tea\n- milk", "- tea - milk"),
        ("(wins - losses) / games", "wins - (losses / games)"),
        ("wins - losses", "losses - wins"),
        ("Takes [a, b] of it", "Takes (a, b) of it"),
        ('"null"', "null"),
        ('The value is "null"', "The value is null"),
        ("The value is 'yes'", "The value is `yes`"),
        (".gitignore", "gitignore"),
        ("It is listed in .gitignore", "It is listed in gitignore"),
        ("5!", "5."),
        ("The answer is 5!", "The answer is 5."),
        ("Is it tea?", "Is it tea"),
        ("No more tea!", "No more tea."),
        ("Wait for it...", "Wait for it."),
        ("git add .", "git add"),
        ("Copy it to src/.", "Copy it to src/"),
        ("ls -A shows all", "ls -a shows all"),
        ("grep 'a  b' in it", "grep 'a b' in it"),
        # capitals that tell
        ("use Foo not foo", "use foo not Foo"),
        ("use Foo not foo", "use foo not foo"),
        ("Call `Foo` for it", "Call `foo` for it"),
        ("The limit is MAX_SIZE", "The limit is max_size"),
        ("The field is userId", "The field is userid"),
        ("Opens the US office", "Opens the us office"),
        ("Rotate key A1b2", "Rotate key a1B2"),
        ("The token is QUJDZA", "The token is qujdza"),
        ("Open src/App in it", "Open src/app in it"),
        ("See https://a.b/Tea first", "See https://a.b/tea first"),
        ("It has 5 Mb left", "It has 5 mb left"),
        ("It has 5 Mb left", "It has 5 MB left"),
        ("It needs 5 mW at most", "It needs 5 MW at most"),
        ("The pH is low", "The PH is low"),
        ("The password is Swordfish", "The password is swordfish"),
        ("The passphrase is correct  horse", "The passphrase is correct horse"),
        ("Das Passwort ist Forelle", "Das Passwort ist forelle"),
        ("Swordfish", "swordfish"),
        ("She teaches Polish.", "She teaches polish."),
        ("We meet in Teams.", "We meet in teams."),
        ("Ich habe Sie gesehen", "Ich habe sie gesehen"),
        ("Take vitamin C daily", "Take vitamin c daily"),
        # words
        ("The review is on 3 May", "The review is on 4 May"),
        ("The user loves hiking in mountains", "The user really loves hiking in mountains"),
        ("Likes a team meeting", "Likes team meetings"),
        ("Moved from Berlin to Paris", "Moved from Paris to Berlin"),
        ("He is on", "He is not on"),
        ("Open résumé now", "Open resume now"),
        ("Die Maße der Kiste", "Die Masse der Kiste"),
        ("我 喜欢茶", "我喜欢茶"),
        ("She uses C++", "She uses C"),
    ],
)
def test_a_difference_that_may_matter_makes_two_statements(one: str, other: str) -> None:
    assert not same_statement(one, other)
    assert fingerprint(one) != fingerprint(other)


@given(st.text())
def test_a_statement_says_what_it_says_once_and_for_all(content: str) -> None:
    assert same_statement(content, statement(content))


@given(st.text(), st.text())
def test_nothing_but_capitals_blanks_and_stops_is_ever_left_out(one: str, other: str) -> None:
    if same_statement(one, other):
        assert letters(one) == letters(other)


def letters(content: str) -> str:
    """What is left of a text without what may differ."""
    bare = "".join(statement(content).lower().split())
    return bare.rstrip(".\u3002\u0964\u06d4")


def test_a_fingerprint_is_thirty_two_characters_and_names_its_rule() -> None:
    made = fingerprint("tea")
    assert (len(made), made.startswith(FORM)) == (32, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Swordfish", "swordfish"), ("User likes tea.", "user likes tea"), ("5", "5.")],
)
def test_the_value_of_a_key_is_compared_as_it_stands(one: str, other: str) -> None:
    assert fingerprint(one, "drink") != fingerprint(other, "drink")
    assert fingerprint(one, "drink") == fingerprint(f"{one}\n", "Drink")
    assert fingerprint(one, "drink") != fingerprint(one)


@pytest.mark.parametrize(
    "spellings",
    [
        ("timezone", "Timezone", "time_zone", "time-zone", "time zone", "Time Zone", "TIME_ZONE"),
        ("favouriteEditor", "favourite editor", "favourite-editor", "FAVOURITE_EDITOR"),
        ("Größe", "gro\u0308ße", "GRÖẞE"),
        ("часовой пояс", "Часовой_пояс", "часовой-пояс"),
        ("時間 帯", "時間帯"),
        ("time\u2011zone", "time\u2013zone", "time\u00a0zone", "__time__zone__"),
        ("user.time_zone", "User.TimeZone"),
        ("floor 2", "floor2", "Floor_2"),
        ("release 1-2", "release_1_2"),
    ],
)
def test_a_key_is_one_slot_however_it_is_spelt(spellings: tuple[str, ...]) -> None:
    assert len({slot_of(spelt) for spelt in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("a.b", "ab"),
        ("user/name", "username"),
        ("db:port", "dbport"),
        ("release-1-2", "release-12"),
        ("x₁", "x1"),
        ("Größe", "Grosse"),
        ("Maße", "Masse"),
        ("时区", "時区"),
        ("port1", "port2"),
        ("-", "_"),
        ("key", ""),
    ],
)
def test_keys_that_differ_in_anything_else_are_two_slots(one: str, other: str) -> None:
    assert slot_of(one) != slot_of(other)
