"""Statements and questions to measure with, made from our own words; always the same ones.

Words are drawn by the law of Zipf and Mandelbrot (the n-th of a list with weight
1 / (n + 5)), so that a few are in very many statements and most are in few, as in real
notes. Names of people and projects are made of syllables: there are a thousand.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

WORDS_MIN, WORDS_MODE, WORDS_MAX = 8, 16, 60
_SHIFT = 5
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_MONTHS = "January February March April May June July August September October November December"
_ROLES = (
    "customer team manager designer accountant supplier lawyer neighbour teacher doctor"
    " landlord reviewer tester analyst intern director plumber coach editor translator"
)
_THINGS = (
    "release meeting report budget invoice contract database backup kitchen garden bicycle"
    " interview holiday dentist server deployment migration dashboard newsletter workshop"
    " recipe playlist warranty insurance passport visa apartment mortgage pipeline scheduler"
    " cache queue payment refund catalogue photograph marathon concert library museum glossary"
    " thermostat battery microphone telescope aquarium violin greenhouse lighthouse ferry"
    " vaccine pension archive firewall certificate keyboard printer sensor robot drone sail"
    " orchard beehive sourdough chessboard sculpture tapestry documentary podcast screenplay"
)
_QUALITIES = (
    "weekly final internal new old shared quarterly annual draft public private urgent small"
    " temporary second external regional monthly broken seasonal digital handwritten portable"
    " electric wooden experimental automatic redundant vegetarian bilingual encrypted"
)
_PLACES = (
    "the office|Berlin|the warehouse|Lisbon|the main hall|Nairobi|the basement|Osaka|the annex"
    "|Toronto|the staging cluster|Valparaiso|the lakeside house|Tallinn|the archive room|Cork"
)
_ACTS = (
    "review move rewrite cancel approve repair paint sell publish translate measure postpone"
    " archive replace rehearse compress refactor photograph inspect refund water rent digitise"
)
_CAUSES = (
    "it was too slow|the price went up|two people were ill|the old one failed twice"
    "|nobody had read it|the supplier asked for it|it clashed with the holidays"
    "|the numbers did not add up|it kept waking the baby|the licence had run out"
    "|the test machine overheated|winter came early|the deposit had not arrived"
)
_CLAUSES = (
    "{person} decided on {day} to {act} the {quality} {thing} of {project}",
    "{person} prefers the {quality} {thing} over the {thing2}",
    "the {thing} of {project} costs {number} euros and is due on {date}",
    "{project} keeps its {quality} {thing} in {place}",
    "{person} asked the {role} to {act} the {thing} before {date}",
    "the {role} of {project} is {person}, reachable at extension {number}",
    "{project} moved from version {version} to {version2} because {cause}",
    "on {day} {person} and {person2} will {act} the {quality} {thing} in {place}",
    "never {act} the {thing} of {project} without telling {person}",
    "{person} is allergic to {thing} dust and sits far from the {thing2}",
    "ticket {code} says that the {quality} {thing} fails after {number} hours",
    "the {role} wants to {act} the {thing} every {day} at {hour}:30",
    "since {date} the {quality} {thing} belongs to {person} because {cause}",
    "{person} learned to {act} a {thing} in {place} when working for {project}",
)
_QUESTIONS = (
    "what did {person} decide about the {thing} of {project}",
    "who is the {role} of {project}",
    "when is the {thing} of {project} due",
    "why did {project} move to another version",
    "where does {project} keep the {quality} {thing}",
    "what does {person} prefer over the {thing}",
    "which day does {person} {act} the {quality} {thing}",
    "what was ticket {code} about",
    "how much does the {quality} {thing} cost",
    "{person} {thing} {place}",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Zipf:
    """Words with the running sums of their weights."""

    words: tuple[str, ...]
    sums: tuple[float, ...]

    def draw(self, dice: Random) -> str:
        return dice.choices(self.words, cum_weights=self.sums)[0]


def statement(topic: int, detail: int) -> str:
    """A statement of 8 to 60 words. Those of one topic differ in names, dates and numbers only.

    Statements of one topic stand for what real stores hold much of: the same kind of note
    about another person, project or day. Equal arguments give equal texts.
    """
    skeleton = Random(f"topic {topic}")
    dice = Random(f"detail {detail}")
    goal = skeleton.triangular(WORDS_MIN, WORDS_MAX, WORDS_MODE)
    clauses: list[str] = []
    words = 0
    while words < goal and not (clauses and words + WORDS_MIN > WORDS_MAX):
        clause = skeleton.choice(_CLAUSES).format_map(_Slots(skeleton, dice))
        clauses.append(clause[0].upper() + clause[1:])
        words += len(clause.split())
    return " ".join(". ".join(clauses).split()[:WORDS_MAX]) + "."


def statements(count: int, topics: int) -> Iterator[tuple[int, str]]:
    """`count` different statements, in turn of `topics` topics, each after its detail."""
    seen: set[str] = set()
    for detail in itertools.count():
        if len(seen) == count:
            return
        text = statement(detail % topics, detail)
        if text not in seen:
            seen.add(text)
            yield detail, text


def question(number: int) -> str:
    """A question of 3 to 12 words about what the statements speak of."""
    dice = Random(f"question {number}")
    return dice.choice(_QUESTIONS).format_map(_Slots(dice, dice)) + "?"


class _Slots(dict[str, str]):
    """Fills the blanks: things from the skeleton's dice, names and numbers from the detail's."""

    def __init__(self, skeleton: Random, detail: Random) -> None:
        super().__init__()
        self._skeleton = skeleton
        self._detail = detail

    def __missing__(self, blank: str) -> str:
        name = blank.rstrip("2")
        if name in _lists():
            dice = self._detail if name in ("person", "project") else self._skeleton
            return _lists()[name].draw(dice)
        return _number(name, self._detail)


def _number(name: str, dice: Random) -> str:
    match name:
        case "number":
            return str(dice.randint(2, 9999))
        case "hour":
            return str(dice.randint(7, 22))
        case "version":
            return f"{dice.randint(0, 9)}.{dice.randint(0, 30)}.{dice.randint(0, 9)}"
        case "code":
            return f"{dice.choice('ABCDEFGH')}{dice.choice('KLMNOP')}-{dice.randint(100, 99_999)}"
        case "date":
            return (
                f"{dice.randint(1, 28)} {dice.choice(_MONTHS.split())} {dice.randint(2019, 2026)}"
            )
        case _:
            return dice.choice(_DAYS.split())


@cache
def _lists() -> dict[str, _Zipf]:
    """The word lists by the name of the blank that they fill."""
    return {
        "person": _zipf(_names("An Be Ca Do El Fi Gu Ha Io Ju Ka Lu", "ra li mo ne va ti do sha")),
        "project": _zipf(_names("Ar Bor Cal Dor Fen Gal Hex Kir Lum Nor", "ta vi lo mun dex ris")),
        "role": _zipf(_ROLES.split()),
        "thing": _zipf(_THINGS.split()),
        "quality": _zipf(_QUALITIES.split()),
        "place": _zipf(_PLACES.split("|")),
        "act": _zipf(_ACTS.split()),
        "cause": _zipf(_CAUSES.split("|")),
    }


def _names(heads: str, tails: str) -> list[str]:
    """Every head with two tails, in an order that tells nothing of the alphabet."""
    ends = tails.split()
    names = ["".join(parts) for parts in itertools.product(heads.split(), ends, [*ends, "n", "s"])]
    Random("names").shuffle(names)
    return names


def _zipf(words: Sequence[str]) -> _Zipf:
    weights = itertools.accumulate(1 / (rank + _SHIFT) for rank in range(1, len(words) + 1))
    return _Zipf(words=tuple(words), sums=tuple(weights))
