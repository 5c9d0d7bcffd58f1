"""What a store has acknowledged, told line by line, and whether a store keeps to it.

A worker tells one line of JSON at a time, {"<verb>": <what>}: "trying" before writes that
come together, "kept" once they were acknowledged, "erasing" and "erased" about an erase,
"setting" about a value. A reader of those lines knows what has to be there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mcp_memory.domain import text
from mcp_memory.domain.ids import new_id
from mcp_memory.domain.memory import Memory
from mcp_memory.storage.contract import Store
from tests.support.factories import ALICE, memory, open_store, put, where

SETTING = "secret"
_Revisions = dict[int, str]
Deed = Callable[[Store, Callable[[str], None]], None]
"""Something to ask of a store, that says what it tries and what was acknowledged."""


@dataclass(kw_only=True, slots=True)
class Promises:
    """What was said so far."""

    kept: dict[str, _Revisions] = field(default_factory=dict[str, _Revisions])
    trying: dict[str, _Revisions] = field(default_factory=dict[str, _Revisions])
    """What is being written, all of it or nothing."""
    erasing: list[str] = field(default_factory=list[str])
    """What was or is to be erased."""
    going: list[str] = field(default_factory=list[str])
    """What is being erased, all of it or nothing."""
    erased: list[str] = field(default_factory=list[str])
    setting: str = ""

    def hear(self, line: str) -> None:
        """Take in one line."""
        ((verb, what),) = json.loads(line).items()
        match verb:
            case "trying":
                self.trying = _by_id(what)
            case "kept":
                self.trying = {}
                for memory_id, revisions in _by_id(what).items():
                    self.kept.setdefault(memory_id, {}).update(revisions)
            case "erasing":
                self.erasing += what
                self.going = what
            case "erased":
                self.going = []
                self.erased += what
            case _:
                assert verb == "setting", line
                self.setting = what

    def packed(self) -> str:
        """All of it as one line, for another process; see `unpacked`."""
        return json.dumps(asdict(self))


def unpacked(line: str) -> Promises:
    """What `packed` made."""
    said = json.loads(line)
    for name in ("kept", "trying"):
        said[name] = {i: {int(n): t for n, t in r.items()} for i, r in said[name].items()}
    return Promises(**said)


def heard(lines: Iterable[str]) -> Promises:
    """What these lines promise."""
    promises = Promises()
    for line in lines:
        promises.hear(line)
    return promises


def told(verb: str, made: Iterable[Memory]) -> str:
    """The line that says this of revisions."""
    return json.dumps({verb: [[m.id, m.revision, m.content] for m in made]})


def broken(home: Path, promises: Promises, again: Deed | None = None) -> list[str]:
    """What the store in `home` does not keep to, each with its kind before a colon.

    The store is opened, looked through, tidied up, asked to do `again` what may have been
    interrupted, written to, opened once more, and looked through again.
    """
    try:
        store = open_store("embedded", home)
    except Exception as error:  # whatever it is, that store is shut to its owner
        return [f"refused: {error!r}"]
    found = unkept(store, promises)
    found += [f"bad: {f.name}, {f.detail}" for f in store.check() if not _is_fine(f.ok, f.name)]
    store.maintain()
    found += left_over(store, home, promises)
    if again:
        again(store, promises.hear)
    found += _unwritable(store)
    store.close()
    store = open_store("embedded", home)
    found += [f"again: {f.name}, {f.detail}" for f in store.check() if not f.ok]
    found += [*unkept(store, promises), *left_over(store, home, promises)]
    store.close()
    return found


def revisions_of(store: Store, memory_id: str) -> dict[int, str]:
    """The text of each revision; {} when there is no such memory."""
    found = store.history(memory_id, [ALICE])
    revisions = {one.memory.revision: one.memory.content for one in found}
    assert len(revisions) == len(found), f"{memory_id} has a revision twice"
    return revisions


def _is_fine(ok: bool, name: str) -> bool:
    return ok or name == "repair"  # which says what was put right; `_lost` says what was not


def unkept(store: Store, promises: Promises) -> list[str]:
    """What of the promises the open store does not keep."""
    return [*_lost(store, promises), *_returned(store, promises), *_halves(store, promises)]


def _lost(store: Store, promises: Promises) -> list[str]:
    lost: list[str] = []
    for memory_id, revisions in promises.kept.items():
        there = revisions_of(store, memory_id)
        may_be_gone = memory_id in promises.erasing and not there
        if not may_be_gone and not revisions.items() <= there.items():
            missing = sorted(revisions.items() - there.items())
            lost.append(f"{memory_id} {[(n, said[:20]) for n, said in missing]}")
    if promises.setting and store.setting(SETTING, "another") != promises.setting:
        lost.append("the setting")
    return [f"lost: {len(lost)} of {len(promises.kept)}, {', '.join(lost[:2])}"] if lost else []


def _returned(store: Store, promises: Promises) -> list[str]:
    return [f"back: {i}" for i in promises.erased if revisions_of(store, i)]


def _halves(store: Store, promises: Promises) -> list[str]:
    written = {
        (memory_id, n): revisions_of(store, memory_id).get(n) == said
        for memory_id, revisions in promises.trying.items()
        for n, said in revisions.items()
    }
    gone = {memory_id: not revisions_of(store, memory_id) for memory_id in promises.going}
    return [f"half: {of}" for of in (written, gone) if len(set(of.values())) > 1]


def left_over(store: Store, home: Path, promises: Promises) -> list[str]:
    """Texts of what was erased, acknowledged or not, in any byte of any file."""
    gone = [i for i in promises.erasing if i in promises.kept and not revisions_of(store, i)]
    words = {said.split()[0].encode() for i in gone for said in promises.kept[i].values()}
    files = [path for path in home.rglob("*") if path.is_file()] if words else []
    contents = {path: path.read_bytes() for path in files}
    return [
        f"left: {word.decode()} in {path.relative_to(home)}"
        for path, content in contents.items()
        for word in words
        if word in content
    ]


def _unwritable(store: Store) -> list[str]:
    made = memory(f"afterwards{new_id()} there is tea")
    try:
        put(store, made)
    except Exception as error:  # whatever it is, that store takes nothing in
        return [f"unwritable: {error!r}"]
    found = store.propose(where(), terms=text.terms(made.content)[:1], vector=None, limit=5)
    return (
        [] if made.id in _ids(found.candidates) else ["unwritable: what was written is not found"]
    )


def _ids(candidates: Iterable[Any]) -> set[str]:
    return {candidate.memory.id for candidate in candidates}


def _by_id(revisions: Iterable[tuple[str, int, str]]) -> dict[str, _Revisions]:
    found: dict[str, _Revisions] = {}
    for memory_id, number, said in revisions:
        found.setdefault(memory_id, {})[number] = said
    return found
