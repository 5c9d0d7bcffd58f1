"""What another memory's reasons still quote of an erased one is named in the receipt."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_memory.domain.ids import ending
from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import Draft, ForgetRequest, Patch
from mcp_memory.domain.results import EraseReceipt
from mcp_memory.service import MemoryService
from mcp_memory.tools import forget as tool

SECRET = "The vault code is walrus-88z1234, and Anna Schmidt keeps it behind the green radiator."
KEY = "vault_code"


def keep(service: MemoryService, caller: Caller, content: str, **fields: Any) -> str:
    (result,) = service.remember(caller, [Draft(content=content, **fields)])
    return result.id


def change(service: MemoryService, caller: Caller, memory_id: str, reason: str) -> None:
    """Change a memory's importance, for this reason."""
    before = service.get(caller, memory_id).importance
    patch = Patch(importance=0.9 if before < 0.9 else 0.1, reason=reason)
    service.update(caller, memory_id, patch)


def erase(service: MemoryService, caller: Caller, *ids: str) -> EraseReceipt:
    preview = service.forget(caller, ForgetRequest(ids=ids, erase=True))
    done = service.forget(caller, ForgetRequest(ids=ids, erase=True, confirm=preview.confirm))
    assert done.receipt is not None
    return done.receipt


def quoted(
    service: MemoryService, caller: Caller, reason: str, content: str = SECRET, key: str = ""
) -> bool:
    """Whether the receipt of a memory's erasure names the one that gave this reason."""
    secret = keep(service, caller, content, key=key)
    other = keep(service, caller, "Lunch is at noon.")
    change(service, caller, other, reason.format(id=secret, end=ending(secret)))
    receipt = erase(service, caller, secret)
    assert (receipt.quoted, receipt.quoted_by) in ((0, ()), (1, (other,)))
    return receipt.quoted == 1


@pytest.mark.parametrize(
    "reason",
    [
        SECRET,
        f"they wrote: “{SECRET.upper()}”",
        "moved, since Anna Schmidt keeps it behind the green radiator",
        "the note is behind the green   radiator now",
        "behind_the_green_radiator",
        "ask anna schmidt",
        "88Z1234 was a typo",
        "as in {id}",
        "as in memory://memories/{id}/history",
        "see #{end}, please",
        "see {end}",
        "instead of vault_code",
        "instead of the Vault Code",
        "instead of vaultcode",
    ],
)
def test_a_reason_that_quotes_what_was_erased_is_named(
    service: MemoryService, alice: Caller, reason: str
) -> None:
    assert quoted(service, alice, reason, key=KEY)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Tea", "she drinks tea now"),
        ("He is on the list for it", "because he is on the list for it, they said"),
        ("Сейф открывается кодом моржа за зелёной батареей", "код моржа за зелёной батареей"),
        ("Der Tresor steht hinter dem grünen Heizkörper", "er stand hinter dem grünen Heizkörper"),
        ("保险箱的密码写在绿色散热器后面", "因为写在绿色散热器后面"),
        ("Call +49 170 1234567 at night", "the number 1234567 was wrong"),
        ("Write to anna.schmidt@example.org", "bounced from anna.schmidt@example.org"),
        ("The ﬁrst safe-deposit box", "about the first safe deposit box"),
    ],
)
def test_in_any_language_and_spelling(
    service: MemoryService, alice: Caller, content: str, reason: str
) -> None:
    assert quoted(service, alice, reason, content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SECRET, "the user said so"),
        (SECRET, "it is the code, and the vault is not it"),
        (SECRET, "a green one"),
        (SECRET, "radiator green the behind it keeps Schmidt"),
        (SECRET, "see 1234abcd and 01a212f9-3178-7ea3-9b2c-00005e5e5e5e"),
        ("The user said that they want it in the morning", "the user said that they want tea"),
        ("The user wants to change the old name", "the user wants to change the old value"),
        ("As of 2026 we meet at 10:30 on 30.11.2026", "as of 2026 we eat at 10:30"),
        ("The user prefers dark mode", "the user prefers it in the morning"),
        ("Она сказала, что это не так", "что это не так, он уже сказал"),
        ("我们的会议在三楼", "我们的意思"),
        ("Yes", "yes, it was wrong"),
        ("Lunch is late", "is late"),
        ("!?", "?!"),
    ],
)
def test_words_that_everybody_uses_quote_nothing(
    service: MemoryService, alice: Caller, content: str, reason: str
) -> None:
    assert not quoted(service, alice, reason, content)


@pytest.mark.parametrize("key", ["name", "user name", "it", "C++", "project"])
def test_a_key_that_is_a_word_of_every_day_quotes_nothing(
    service: MemoryService, alice: Caller, key: str
) -> None:
    reason = f"the {key} of the project was wrong, the user said"
    assert not quoted(service, alice, reason, "Ada Lovelace", key)


def test_what_an_earlier_revision_said_is_looked_for_too(
    service: MemoryService, alice: Caller
) -> None:
    secret, other = keep(service, alice, SECRET), keep(service, alice, "Lunch is at noon.")
    service.update(alice, secret, Patch(content="It is gone."))
    change(service, alice, other, "behind the green radiator")
    change(service, alice, other, "a second change, for nothing")
    assert erase(service, alice, secret).quoted_by == (other,)


def test_a_reason_to_forget_counts_as_one_to_change(service: MemoryService, alice: Caller) -> None:
    secret, other = keep(service, alice, SECRET), keep(service, alice, "Lunch is at noon.")
    service.forget(alice, ForgetRequest(ids=(other,), reason=f"the same as {ending(secret)}"))
    assert erase(service, alice, secret).quoted_by == (other,)


def test_reasons_that_go_as_well_and_those_we_wrote_are_not_named(
    service: MemoryService, alice: Caller
) -> None:
    old = keep(service, alice, "The vault opens with a key.")
    (secret,) = service.remember(alice, [Draft(content=SECRET, supersedes=(old,))])
    assert service.history(alice, old)[-1].change.reason == f"superseded by {secret.id}"
    other = keep(service, alice, "Lunch is at noon.")
    change(service, alice, secret.id, SECRET)
    change(service, alice, other, SECRET)
    receipt = erase(service, alice, secret.id, other)
    assert (receipt.memories, receipt.quoted, receipt.quoted_by) == (2, 0, ())


def test_reasons_that_the_caller_cannot_see_are_never_named(
    service: MemoryService, alice: Caller, alice_elsewhere: Caller, bob: Caller, stranger: Caller
) -> None:
    secret = keep(service, alice, SECRET, scope="tenant")
    for caller, scope in (
        (bob, "user"),
        (stranger, "user"),
        (stranger, "tenant"),
        (alice_elsewhere, "project"),
    ):
        other = keep(service, caller, f"Lunch is at noon, {scope}.", scope=scope)
        change(service, caller, other, f"{SECRET} {secret}")
    receipt = erase(service, alice, secret)
    assert (receipt.memories, receipt.quoted, receipt.quoted_by) == (1, 0, ())


def test_reasons_of_a_memory_that_was_moved_out_of_sight_are_not_named(
    service: MemoryService, alice: Caller, alice_elsewhere: Caller
) -> None:
    secret = keep(service, alice, SECRET, scope="user")
    other = keep(service, alice, "Lunch is at noon.", scope="user")
    change(service, alice, other, SECRET)
    service.update(alice, other, Patch(scope="project"))
    assert erase(service, alice_elsewhere, secret).quoted == 0


def test_what_the_caller_cannot_see_of_the_erased_memory_is_not_compared(
    service: MemoryService, alice: Caller, alice_elsewhere: Caller
) -> None:
    secret = keep(service, alice, "The quelbrant vault hides zyxomatic marbles.", scope="project")
    service.update(alice, secret, Patch(content="The box is empty.", scope="user"))
    other = keep(service, alice_elsewhere, "Lunch is at noon.")
    change(service, alice_elsewhere, other, "quelbrant vault hides zyxomatic marbles?")
    assert erase(service, alice_elsewhere, secret).quoted == 0


def test_many_are_counted_and_the_latest_few_named(service: MemoryService, alice: Caller) -> None:
    secret = keep(service, alice, SECRET)
    others = [keep(service, alice, f"Locker {n} is painted.") for n in range(25)]
    for other in others:
        change(service, alice, other, "behind the green radiator")
    change(service, alice, others[0], "behind the green radiator, again")
    preview = service.forget(alice, ForgetRequest(ids=(secret,), erase=True))
    done = service.forget(alice, ForgetRequest(ids=(secret,), erase=True, confirm=preview.confirm))
    assert done.receipt is not None
    assert done.receipt.quoted == 25
    assert done.receipt.quoted_by == (others[0], *reversed(others[6:]))
    answer = tool.answer(alice, done)
    assert "25 other memories quote it in a reason" in answer.text
    assert f"{ending(others[6])}, 5 more. To remove it, erase them too" in answer.text


def test_erasing_those_that_are_named_leaves_none(service: MemoryService, alice: Caller) -> None:
    secret, other = keep(service, alice, SECRET), keep(service, alice, "Lunch is at noon.")
    again = keep(service, alice, "Supper is at nine.")
    change(service, alice, other, SECRET)
    change(service, alice, again, f"what {ending(other)} said of the walrus-88z1234")
    assert erase(service, alice, secret).quoted_by == (again, other)
    assert erase(service, alice, other).quoted_by == (again,)
    assert erase(service, alice, again).quoted_by == ()
