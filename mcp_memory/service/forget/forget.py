"""forget: hide by id at once; anything wider, or for good, only after a preview."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mcp_memory import ranking
from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Caller, ChangeKind, Memory, Status
from mcp_memory.domain.permissions import Permission, require
from mcp_memory.domain.requests import EVERYTHING, ForgetRequest, Query
from mcp_memory.domain.results import EraseReceipt, ForgetResult
from mcp_memory.domain.text import clean
from mcp_memory.domain.times import local
from mcp_memory.errors import ConfirmationInvalid, InvalidInput
from mcp_memory.ranking import Scored
from mcp_memory.service import policy as limits
from mcp_memory.service.core import (
    ANY_STATUS,
    IN_FORCE,
    Core,
    actor,
    check_team,
    may_change,
    successor,
)
from mcp_memory.service.forget import quotes
from mcp_memory.service.periods.arguments import Edge, past
from mcp_memory.service.query.match_all import asks_for_everything
from mcp_memory.service.query.name_words import Text
from mcp_memory.service.query.names import names_in
from mcp_memory.service.query.query import question_of
from mcp_memory.service.recall.recall import filter_of
from mcp_memory.service.recall.search import search
from mcp_memory.service.validation import line
from mcp_memory.service.validation import question as question_text
from mcp_memory.storage.contract import Filter, Write

_PAGE = 500
_SET_MAX = 10_000
_SHOWN_MAX = 20
_QUERIED_MAX = 500


def forget(core: Core, caller: Caller, selection: ForgetRequest) -> ForgetResult:
    """Forget what is selected, or show what would be.

    By ids and without erase it is done at once and can be undone. Otherwise the first
    call returns a preview with a `confirm` token bound to exactly that set; the same call
    with the token does it. Raises NotFound, InvalidInput, ConfirmationInvalid.
    """
    reason = line("reason", selection.reason, limits.REASON_CHARS_MAX)
    selection = _as_meant(selection)
    by_ids = _check(selection)
    if selection.erase:
        require(caller.permissions, Permission.ERASE, "erase")
    core.store.catch_up()  # or what is meant would not all be found

    def select() -> list[Memory]:
        if not by_ids:
            return _matching(core, caller, selection)
        named = core.named(caller, "ids", selection.ids)
        check_team(caller, named)
        return named

    needs_token = (selection.erase or not by_ids) and not selection.confirmed
    token = _Token(core, caller, selection.erase)
    if needs_token and not selection.confirm:
        found = select()
        return _preview(found, selection, token.make(found) if found else "")

    def change() -> ForgetResult:
        found = select()
        if needs_token:
            token.check(selection.confirm, found)
        if selection.erase:
            return _done(found, selection, _erase(core, caller, found))
        _hide(core, caller, found, reason)
        return _done(found, selection, None)

    # A set that is not named must not grow or shrink between the look at it and the deed.
    return core.settle(change, alone=selection.erase or not by_ids)


def _erase(core: Core, caller: Caller, found: Sequence[Memory]) -> EraseReceipt | None:
    if not found:
        return None
    quoting = quotes.quoting(core, caller, found)  # nobody writes in between
    with core.traces.erasing(found):
        receipt = core.store.erase([memory.id for memory in found], actor(caller))
    return quotes.told(receipt, quoting)


def _as_meant(selection: ForgetRequest) -> ForgetRequest:
    """A query for everything selects nothing by itself: the filters beside it have to."""
    return replace(selection, query="") if asks_for_everything(selection.query) else selection


def _check(selection: ForgetRequest) -> bool:
    """Whether the selection is by ids; ids and filters together are refused."""
    texts = (selection.query, selection.key, selection.before, *selection.tags)
    wider = bool(selection.types) or any(map(clean, texts))  # a blank one is no filter
    if selection.ids and wider:
        raise InvalidInput("ids", f"{len(selection.ids)} ids", "give ids or filters, not both")
    if not selection.ids and not wider:
        raise InvalidInput(
            "ids",
            "nothing",
            f"say what to forget: ids, or query, key, types, tags or before; {EVERYTHING}",
        )
    for given in filter(asks_for_everything, selection.ids):
        raise InvalidInput("ids", given, f"this is no id; {EVERYTHING}")
    if len(selection.ids) > limits.IDS_MAX:
        raise InvalidInput("ids", f"{len(selection.ids)} ids", f"expected at most {limits.IDS_MAX}")
    return bool(selection.ids)


def _matching(core: Core, caller: Caller, selection: ForgetRequest) -> list[Memory]:
    """Every memory that matches, not a page of them; for erase, hidden ones as well.

    Those of the team are left out where the caller may not change them.
    """
    given = Query(key=selection.key, types=selection.types, tags=selection.tags)
    where = filter_of(core, caller, given)
    where = replace(
        where,
        partitions=tuple(p for p in where.partitions if may_change(caller, p.scope)),
        statuses=ANY_STATUS if selection.erase else IN_FORCE,
        until=past("before", selection.before, local(core.clock(), caller.zone), Edge.START),
    )
    query = question_text("query", selection.query)
    if query:
        question = question_of(query, local(core.clock(), caller.zone))
        scored = search(core, where, question, _QUERIED_MAX, in_context=False).ranked
        found = _meant(scored, question.text)
        _refuse_too_many(found, _QUERIED_MAX)
        return found
    return _all(core, where)


def _meant(scored: Sequence[Scored], asked: str) -> list[Memory]:
    """What clearly matches; of a query that names somebody or something, what names the same,
    and all of that where it says nothing else.
    """
    texts = {item.memory.id: _texts(item.memory) for item in scored}
    named = names_in(asked, [text for each in texts.values() for text in each])
    meant = scored if named is not None and named.says_only else ranking.clear(scored)
    memories = [item.memory for item in meant]
    return [m for m in memories if named.is_in(texts[m.id])] if named else memories


def _texts(memory: Memory) -> list[Text]:
    """Where a memory may name somebody or something."""
    key = memory.key.replace("_", " ").replace("-", " ")
    return [Text(said) for said in (memory.content, memory.key, key, *memory.tags) if said]


def _all(core: Core, where: Filter) -> list[Memory]:
    found: list[Memory] = []
    after = ""
    while page := core.store.select(where, limit=_PAGE, after=after):
        found += page
        after = page[-1].id
        _refuse_too_many(found, _SET_MAX)
    return found


def _refuse_too_many(found: Sequence[Memory], most: int) -> None:
    """Never a part of what was meant: more than can be done at once is refused."""
    if len(found) >= most:
        raise InvalidInput(
            "forget", f"{most} memories or more", "narrow it with key, types, tags or before"
        )


def _preview(found: Sequence[Memory], selection: ForgetRequest, token: str) -> ForgetResult:
    return ForgetResult(
        done=False,
        would_erase=selection.erase,
        memories=tuple(found[:_SHOWN_MAX]),
        total=len(found),
        confirm=token,
    )


def _done(
    found: Sequence[Memory], selection: ForgetRequest, receipt: EraseReceipt | None
) -> ForgetResult:
    return ForgetResult(
        done=True,
        erased=receipt is not None,
        memories=() if selection.erase else tuple(found[:_SHOWN_MAX]),
        total=len(found),
        receipt=receipt,
        touched=tuple((memory.id, memory.partition) for memory in found),
    )


def _hide(core: Core, caller: Caller, found: Sequence[Memory], reason: str) -> None:
    writes = [
        Write(
            verb=ChangeKind.FORGET,
            memory=successor(memory, core.clock(), status=Status.FORGOTTEN),
            actor=actor(caller),
            reason=reason,
        )
        for memory in found
        if memory.status is not Status.FORGOTTEN
    ]
    if writes:
        core.write(caller, new_id(), writes)


class _Token:
    """A confirm token: when it ends, and a MAC over caller, deed and the exact set."""

    def __init__(self, core: Core, caller: Caller, erase: bool) -> None:
        self._core = core
        self._bound = [caller.tenant, caller.user, "erase" if erase else "forget"]

    def make(self, found: Sequence[Memory]) -> str:
        """A token for this set, good for the policy's confirm window."""
        end = self._core.clock() + self._core.policy.confirm_window
        return f"{int(end.timestamp()):x}-{self._mac(int(end.timestamp()), found)}"

    def check(self, token: str, found: Sequence[Memory]) -> None:
        """Raises ConfirmationInvalid unless the token was made for this set and still holds."""
        try:
            end = int(token.partition("-")[0], 16)
            ended = datetime.fromtimestamp(end, UTC) < self._core.clock()
        except (ValueError, OverflowError, OSError):
            end, ended = 0, True
        if not hmac.compare_digest(token.encode(), f"{end:x}-{self._mac(end, found)}".encode()):
            raise ConfirmationInvalid(
                "confirm: this token is not for exactly these memories (they may have changed"
                " since the preview); call again without confirm to see them, then confirm"
            )
        if ended:
            raise ConfirmationInvalid(
                "confirm: this token is too old; call again without confirm for a new one"
            )

    def _mac(self, end: int, found: Sequence[Memory]) -> str:
        key = self._core.store.setting("confirm_key", secrets.token_hex(32))
        exact = sorted((memory.id, memory.revision) for memory in found)
        body = json.dumps([self._bound, end, exact])
        return hmac.new(bytes.fromhex(key), body.encode(), hashlib.sha256).hexdigest()[:24]
