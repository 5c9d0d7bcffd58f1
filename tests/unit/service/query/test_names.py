"""A near name is not the name: whom or what a query names, and what it takes."""

from __future__ import annotations

import pytest

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest
from mcp_memory.service import MemoryService
from mcp_memory.service.query.name_words import Text
from mcp_memory.service.query.names import names_in

KNOWN = [
    Text(said)
    for said in (
        "The Orion budget is 2M.",
        "Wrote old notes about tasks.",
        "The CI is slow.",
        "张伟喜欢茶",
        "タナカ・ケンは先生です",
    )
]


@pytest.mark.parametrize(
    ("query", "named", "says_only"),
    [
        ("Anna Schmidt", "Anna Schmidt", True),
        ("everything about Anna Schmidt", "Anna Schmidt", True),
        ("Forget Anna Schmidt", "Anna Schmidt", True),
        ("Vergiss alles über Anna Schmidt", "Anna Schmidt", True),
        ("Notizen über Anna Schmidt", "Anna Schmidt", True),
        ("Termine mit Anna Schmidt", "Anna Schmidt", False),
        ("забудь всё про Анна Шмидт", "Анна Шмидт", True),
        ("Anna Schmidt and Bob Jones", "Anna Schmidt or Bob Jones", True),
        ("Anna Schmidt's phone number", "Anna Schmidt", False),
        ("Anna\u2019s phone number", "Anna", False),
        ("Meetings with Bob in Paris", "Bob and Paris", False),
        ("Ludwig van Beethoven", "Ludwig van Beethoven", True),
        ("Project Orion", "Project Orion", True),
        ("Orion budget", "Orion", False),
        ("Orion 2", "Orion 2", True),
        ("everything about v2", "v2", True),
        ("the v2 API in Python 3.12", "v2 and Python 3.12", False),
        ("the note on `src/app.py`", "src/app.py", True),
        ('everything that says "dark mode"', "dark mode", True),
        ("what is said of MAX_SIZE and userId", "MAX_SIZE or userId", True),
        ("port 5432", "5432", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("C++", "C++", True),
        ("the CI setup", "CI", False),
        ("张伟", "张伟", True),
        ("关于张伟的所有记忆", "张伟", True),
        ("タナカ・ケンについて", "タナカ・ケン", True),
    ],
)
def test_a_query_names_somebody_or_something(query: str, named: str, says_only: bool) -> None:
    found = names_in(query, KNOWN)
    assert found is not None
    assert (str(found), found.says_only) == (named, says_only)


@pytest.mark.parametrize(
    "query",
    [
        "shared with the team",
        "Old notes",
        "Meetings of last week",
        "DELETE ALL NOTES",
        "what I said on Monday about tea",
        "the ETL and/or what follows, e.g. exports",
        "the 3rd of 12 tasks in 2026",
        "我喜欢喝什么饮料",
        "咖啡",
        "",
    ],
)
def test_a_query_without_a_name_names_nothing(query: str) -> None:
    assert names_in(query, KNOWN) is None


@pytest.mark.parametrize(
    ("query", "taken", "left"),
    [
        (
            "Anna Schmidt",
            ["Anna Schmidt likes tea.", "Schmidt, Anna: room 12.", "Anna M. Schmidt sings."],
            ["Anna Smith likes tea.", "Anna Smith, then Bob Schmidt.", "Anna Schmidt-Meier sings."],
        ),
        (
            "Project Orion",
            ["Project Orion ships in May.", "We like the Orion project."],
            ["Project Orion-2 ships in June.", "Project Orion 2 is late.", "Project Vega is late."],
        ),
        ("Orion", ["Orion's budget is 2M."], ["Orion-2 is new.", "The Orions are stars."]),
        ("v2", ["The API is at v2.", "Use v2: it works."], ["The API was at v2.1.", "v20 is far."]),
        ("Ann", ["Ann sings.", "ann is here."], ["Anna sings.", "Annie sings.", "Joann sings."]),
        ("Mark", ["We asked Mark."], ["We mark the docs.", "The marks are good."]),
        ("src/app.py", ["See src/app.py first."], ["See src/app.pyi.", "See lib/src/app.py."]),
        ("C++", ["She likes C++ most."], ["She likes C most.", "She likes C# most."]),
        (
            '"tea time"',
            ["It is tea time now."],
            ["It is time for tea.", "It is teatime.", "It is time: tea time-out."],
        ),
        ('"no no"', ["Said no no to it."], ["It was a no", "No, not no."]),
        ("#4711", ["Invoice 4711 is paid."], ["Invoice 47110 is paid.", "Invoice 4712 is due."]),
        ("Müller", ["Müller rief an."], ["Muller rief an.", "Müllers riefen an."]),
        ("Windows 11", ["Runs on Windows 11."], ["Runs on Windows 10.", "Runs on Windows."]),
        ("张伟", ["张伟喜欢茶。"], ["李伟喜欢茶。"]),
        ("Анна Шмидт", ["Анна Шмидт любит чай."], ["Анна Шмит любит чай."]),
        (
            "jonas weber",
            ["Jonas Weber lives in Graz.", "Tea is what Jonas Weber drinks."],
            [
                "Jonas Webber plays chess.",
                "Jonas Weber-Klein moved.",
                "Mr Weber sails.",
                "A weber.",
            ],
        ),
        (
            "forget everything about anna schmidt",
            ["Anna Schmidt likes tea."],
            ["Anna Smith likes tea.", "Anna Schmidt-Meier sings."],
        ),
        ("orion", ["The Orion team meets."], ["Orion-2 is new.", "The Orions are stars."]),
        ("анна шмидт", ["Анна Шмидт любит чай."], ["Анна Шмит любит чай."]),
        ("vitamin c", ["Take Vitamin C daily."], ["Vitamin D is sold out.", "Take C3 daily."]),
        (
            "C",
            ["C is used here.", "She likes C/C++."],
            ["C++ is banned.", "C# is new.", "CC me."],
        ),
        ("R", ["R is for statistics."], ["R2 is a robot.", "R&D is slow.", "An R-tree is fast."]),
        ("Go", ["We write it in Go."], ["Google hosts it.", "Go-kart races.", "We go home."]),
        ("go", ["We write it in Go."], ["Google hosts it.", "Go-kart races.", "Gopher holes."]),
        ("everything about C", ["We write it in C."], ["We write it in C++.", "Plan B works."]),
        (
            "李伟",
            ["李伟喜欢喝茶。", "李伟明天来。", "我见了李伟"],
            ["李伟明喜欢咖啡。", "李小伟来了"],
        ),
        ("关于李伟的所有记忆", ["李伟平时跑步"], ["李伟强喜欢足球"]),
        ("王芳", ["王芳是医生", "同事王芳"], ["王芳华是老师", "王芬是医生"]),
        ("星火", ["星火项目延期了"], ["星火二号延期了", "星火2上线了"]),
        ("田中", ["田中さんは先生です", "田中太郎は先生です"], ["中田さんは先生です"]),
    ],
)
def test_only_what_names_that_one_is_taken(
    service: MemoryService, alice: Caller, query: str, taken: list[str], left: list[str]
) -> None:
    service.remember(alice, [Draft(content=content) for content in [*left, *taken]])
    preview = service.forget(alice, ForgetRequest(query=query))
    assert sorted(memory.content for memory in preview.memories) == sorted(taken)
    done = service.forget(alice, ForgetRequest(query=query, confirm=preview.confirm))
    assert (done.done, done.total) == (True, len(taken))
    assert sorted(memory.content for memory in service.recent(alice)) == sorted(left)


def test_all_that_names_somebody_is_taken_whatever_else_it_says(
    service: MemoryService, alice: Caller
) -> None:
    said = [f"On day {n} the crew of ship {n} met Anna Schmidt at pier {n}." for n in range(30)]
    service.remember(alice, [Draft(content=content) for content in said])
    service.remember(alice, [Draft(content="blue", key="anna schmidt's colour")])
    service.remember(alice, [Draft(content="Likes boats.", tags=("Anna Schmidt",))])
    preview = service.forget(alice, ForgetRequest(query="everything about Anna Schmidt"))
    assert preview.total == len(said) + 2


def test_of_one_who_is_named_only_what_is_asked_for_is_taken(
    service: MemoryService, alice: Caller
) -> None:
    phone = "The phone number of Anna Schmidt is 555-1234."
    others = ["Anna Schmidt grows roses.", "The phone number of Anna Smith is 555-9876."]
    service.remember(alice, [Draft(content=content) for content in [phone, *others]])
    preview = service.forget(alice, ForgetRequest(query="Anna Schmidt's phone number"))
    assert phone in [memory.content for memory in preview.memories]
    assert others[1] not in [memory.content for memory in preview.memories]


def test_who_is_not_named_anywhere_takes_nothing_with_him(
    service: MemoryService, alice: Caller
) -> None:
    service.remember(alice, [Draft(content="Anna Smith likes tea.")])
    preview = service.forget(alice, ForgetRequest(query="Anna Schmidt", erase=True))
    assert (preview.total, preview.confirm) == (0, "")


def test_a_query_without_a_name_takes_what_it_means(service: MemoryService, alice: Caller) -> None:
    service.remember(
        alice,
        [Draft(content="Her dog is called Rex."), Draft(content="The build uses Bazel.")],
    )
    preview = service.forget(alice, ForgetRequest(query="the dog"))
    assert [memory.content for memory in preview.memories] == ["Her dog is called Rex."]
