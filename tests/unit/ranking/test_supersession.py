"""A later statement that ends an earlier one, in words of seven languages."""

from __future__ import annotations

import pytest

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller, Type
from mcp_memory.domain.requests import Draft, Query
from mcp_memory.ranking import may_conflict
from mcp_memory.ranking.supersession import lists
from mcp_memory.service import MemoryService
from tests.support.factories import START, Clock, memory


def conflict(earlier: str, later: str, **fields: object) -> bool:
    return may_conflict(memory(later, **fields), memory(earlier, **fields))


ENDED = [
    ("We deploy on Fridays.", "We never deploy on Fridays."),
    ("The keys are rotated weekly.", "The keys used to be rotated weekly; now it is monthly."),
    ("Dana works at Slack.", "Dana quit Slack."),
    ("The docs live in Confluence.", "The docs have been moved from Confluence to Notion."),
    ("Sam drives to work.", "Sam no longer drives to work."),
    ("Project Lynx builds with Maven.", "Lynx switched from Maven to Gradle."),
    ("Ines lives in Porto.", "Ines moved to Braga."),
    ("The parser is written in C.", "The parser was rewritten in Zig."),
    ("The bot answers in the evening.", "The bot doesn't answer in the evening."),
    ("Der Server steht in Wien.", "Der Server steht nicht mehr in Wien."),
    ("Karla raucht.", "Karla hat mit dem Rauchen aufgehört, sie raucht nicht mehr."),
    ("Wir nutzen Jira.", "Wir sind von Jira auf Linear umgestiegen."),
    ("Le projet utilise Redis.", "Le projet n'utilise plus Redis."),
    ("Paula habite à Lille.", "Paula a déménagé à Metz."),
    ("El proyecto usa Angular.", "El proyecto cambió de Angular a Svelte."),
    ("Marta come pescado.", "Marta ya no come pescado."),
    ("Команда работает в Jira.", "Команда перешла с Jira на YouTrack."),
    ("Лена ест рыбу.", "Лена больше не ест рыбу."),
    ("项目使用 PostgreSQL 数据库。", "项目已从 PostgreSQL 迁移到 MySQL。"),
    ("端口是 5432。", "端口是 5433。"),
    ("小张在腾讯工作。", "小张从腾讯辞职了。"),
    ("チームは Slack を使っている。", "チームは Slack をやめて Teams に移行した。"),
    ("母は肉を食べる。", "母は肉を食べない。"),
    ("Backups are not kept longer than 30 days.", "Backups are not kept longer than 60 days."),
    ("The server is not in Vienna but in Linz.", "The server is not in Vienna but in Graz."),
    ("Lena likes olives.", "Lena does not like olives."),
]

STANDING = [
    ("We deploy on Fridays.", "We deploy on Mondays too."),
    ("Dana's brother works at Slack.", "Dana quit Slack."),
    ("Sam drives to work.", "Sam's car has no roof rack."),
    ("The parser is written in C.", "The parser is not thread-safe."),
    ("The staging cluster has two nodes.", "The production cluster no longer has two nodes."),
    ("Marta likes fish.", "Marta never eats before eight."),
    ("Not only Ben but also Eva reviews.", "Ben and Eva review."),
    ("Der Server steht in Wien.", "Der Server hat keine Grafikkarte."),
    ("Le projet utilise Redis.", "Le projet utilise aussi Kafka."),
    ("La llave del coche está arriba.", "La llave de la moto ya no está arriba."),
    ("Команда работает в Jira.", "Команда также ведёт вики."),
    ("项目使用 PostgreSQL 数据库。", "项目也使用 Redis。"),
    ("小张在腾讯工作。", "小张的妹妹从腾讯辞职了。"),
    ("阳台上种了番茄。", "阳台上的番茄还没红。"),
    ("チームは Slack を使っている。", "チームは Zoom も使っている。"),
    ("Lena does not like olives.", "Lena likes grapes."),
    ("Lena likes grapes.", "Lena does not like olives."),
    ("We never deploy on Fridays.", "We never deploy on holidays."),
    ("Our team never deploys on Fridays.", "Our team deploys on holidays."),
    ("The shop is not open on Sundays.", "The shop is open on Mondays."),
    ("We don't support Python 3.8.", "We don't support Python 3.9."),
    ("The service runs without Redis.", "The service runs without Kafka."),
    ("Lena mag keine Oliven.", "Lena mag Trauben."),
    ("Wir deployen freitags nicht.", "Wir deployen feiertags nicht."),
    ("Lena n'aime pas les olives.", "Lena aime les raisins."),
    ("On ne déploie jamais le vendredi.", "On ne déploie jamais le samedi."),
    ("A Lena no le gustan las aceitunas.", "A Lena le gustan las uvas."),
    ("Nunca desplegamos los viernes.", "Nunca desplegamos los domingos."),
    ("Лена не любит оливки.", "Лена любит виноград."),
    ("Мы никогда не выкатываем по пятницам.", "Мы никогда не выкатываем по праздникам."),
    ("我们从不在周五部署。", "我们从不在假日部署。"),
    ("金曜日にはデプロイしない。", "祝日にはデプロイしない。"),
    ("Lena non mangia olive.", "Lena non mangia uva."),
    ("Lena eet geen olijven.", "Lena eet geen druiven."),
    ("Lena inte äter oliver.", "Lena inte äter druvor."),
    ("", "never"),
    ("Yes.", "No."),
]


@pytest.mark.parametrize(("earlier", "later"), ENDED)
def test_what_a_later_statement_ends_may_conflict_with_it(earlier: str, later: str) -> None:
    assert conflict(earlier, later)


@pytest.mark.parametrize(("earlier", "later"), STANDING)
def test_what_holds_beside_it_does_not(earlier: str, later: str) -> None:
    assert not conflict(earlier, later)


@pytest.mark.parametrize(("earlier", "later"), ENDED)
def test_what_happened_conflicts_with_nothing(earlier: str, later: str) -> None:
    assert not conflict(earlier, later, type=Type.EPISODE)


def test_that_it_has_moved_is_not_ended_by_saying_where_it_is() -> None:
    assert not conflict("The docs were moved from Wiki to Notion.", "The docs are in Notion.")


def test_a_page_of_text_ends_nothing_as_a_whole() -> None:
    page = "The team wrote a long report about its habits. " * 20
    assert not conflict("We deploy on Fridays.", f"We never deploy on Fridays. {page}")


@pytest.mark.parametrize(
    ("earlier", "later", "question"),
    [
        (
            "项目使用 PostgreSQL 数据库。",
            "项目已从 PostgreSQL 迁移到 MySQL。",
            "项目使用什么数据库？",
        ),
        ("We deploy on Fridays.", "We never deploy on Fridays.", "do we deploy on Fridays?"),
        (
            "The API keys are rotated weekly.",
            "The API keys used to be rotated weekly.",
            "how often are the API keys rotated?",
        ),
        ("Dana works at Slack.", "Dana quit Slack.", "where does Dana work?"),
        ("Wir nutzen Jira.", "Wir sind von Jira auf Linear umgestiegen.", "nutzen wir Jira?"),
        ("Лена ест рыбу.", "Лена больше не ест рыбу.", "ест ли Лена рыбу?"),
    ],
)
def test_the_later_one_comes_first_and_the_earlier_is_marked(
    service: MemoryService, alice: Caller, clock: Clock, earlier: str, later: str, question: str
) -> None:
    service.remember(alice, [Draft(content=earlier), Draft(content="The fridge is full.")])
    clock.tick()
    (result,) = service.remember(alice, [Draft(content=later)])
    assert [(s.content, s.may_conflict) for s in result.similar] == [(earlier, True)]
    answer = service.recall(alice, Query(query=question))
    found = [m.memory.content for m in answer.memories]
    assert found[:2] == [later, earlier]
    assert ending(result.id) in answer.memories[1].why
    assert answer.context.count("possibly outdated") == 1


@pytest.mark.parametrize(
    ("earlier", "later", "question"),
    [
        ("Lena does not like olives.", "Lena likes grapes.", "what does Lena not like?"),
        (
            "We never deploy on Fridays.",
            "We never deploy on holidays.",
            "when do we not deploy?",
        ),
        ("Lena mag keine Oliven.", "Lena mag Trauben.", "was mag Lena nicht?"),
        ("Nunca desplegamos los viernes.", "Nunca desplegamos los domingos.", "desplegamos?"),
    ],
)
def test_of_what_a_denial_lists_nothing_is_outdated(
    service: MemoryService, alice: Caller, clock: Clock, earlier: str, later: str, question: str
) -> None:
    service.remember(alice, [Draft(content=earlier)])
    clock.tick()
    service.remember(alice, [Draft(content=later)])
    answer = service.recall(alice, Query(query=question))
    assert earlier in [m.memory.content for m in answer.memories]
    assert "possibly outdated" not in answer.context


def test_in_one_call_the_later_one_is_told_of_the_earlier(
    service: MemoryService, alice: Caller
) -> None:
    drafts = [Draft(content="小张在腾讯工作。"), Draft(content="小张从腾讯辞职了。")]
    first, second = service.remember(alice, drafts)
    assert [(s.id, s.may_conflict) for s in second.similar] == [(first.id, True)]


def test_what_was_so_earlier_is_no_news_when_told_later(
    service: MemoryService, alice: Caller, clock: Clock
) -> None:
    service.remember(alice, [Draft(content="Dana quit Slack.")])
    clock.tick()
    then = START.replace(year=2020).isoformat()
    service.remember(alice, [Draft(content="Dana works at Slack.", valid_from=then)])
    answer = service.recall(alice, Query(query="where does Dana work?"))
    assert [m.memory.content for m in answer.memories] == [
        "Dana quit Slack.",
        "Dana works at Slack.",
    ]
    assert "possibly outdated" in answer.memories[1].why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lord Byron died in Missolonghi.", "Lord Byron died in Santa Monica."),
        ("John Keats died in the city of Leipzig.", "John Keats died in the city of Rome."),
        ("Don't Be Cruel was sung by Elvis Presley.", "Don't Be Cruel was sung by Cher."),
        ("No Country was filmed in Texas.", "No Country was filmed in Utah."),
        ("The pass expired in March.", "The pass expired in April."),
    ],
)
def test_what_ended_and_what_is_called_by_a_denial_is_no_list(one: str, other: str) -> None:
    assert not lists(one, other)
    assert not lists(other, one)
