"""When two statements say the same."""

from __future__ import annotations

import pytest

from mcp_memory.likeness import same_statement


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The user prefers dark mode.", "User prefers dark mode"),
        ("The team meets every Monday morning", "The team meets each Monday morning"),
        ("The user loves hiking in the mountains", "The user really loves hiking in mountains"),
        ("Do not call after 5pm", "Don't call after 5pm"),
        ("Café opens at nine", "café opens at nine."),
    ],
)
def test_the_same_words_but_for_fillers_and_endings_are_one_statement(one: str, other: str) -> None:
    assert same_statement(one, other)
    assert same_statement(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The review is on 3 May", "The review is on 4 May"),
        ("Anna likes tea", "Maria likes tea"),
        ("The user likes meetings", "The user does not like meetings"),
        ("Alice manages Bob", "Bob manages Alice"),
        ("Moved from Berlin to Paris", "Moved from Paris to Berlin"),
        ("The user prefers tabs over spaces", "The user prefers spaces over tabs"),
        (
            "Runs on the red cluster of the billing team",
            "Runs on the blue cluster of the billing team",
        ),
        ("The script is src/app.py", "The script is src/ops.py"),
        ("Pays 5% commission", "Pays 5 commission"),
        ("She uses C++", "She uses C"),
        ("She lives in Rome", "She lived in Rome"),
        ("Can deploy on Fridays", "Cannot deploy on Fridays"),
        ("We should use Postgres", "We will use Postgres"),
        ("Coffee with milk", "Coffee with oat milk"),
        ("Opens the US office", "Opens the us office"),
        ("Rotate key A1b2", "Rotate key a1B2"),
    ],
)
def test_a_difference_that_matters_makes_two_statements(one: str, other: str) -> None:
    assert not same_statement(one, other)
    assert not same_statement(other, one)
