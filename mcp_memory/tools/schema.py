"""What a tool takes: one declaration gives both its JSON Schema and its reader.

See `kinds` for what a reader forgives about a value. About names it forgives their spelling
(`maxTokens`), the synonyms that are declared, and one object where a list of them belongs.
Everything else is refused by the name that was used.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from mcp_memory.errors import InvalidInput
from mcp_memory.tools.argument_types import Kind
from mcp_memory.tools.coercion import check, guess, joined, parsed

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HEAD = re.compile(r"\w+")
_OF_THE_CALLER = frozenset(
    (
        *("user", "user_id", "user_name", "username", "owner", "owner_id", "customer_id"),
        *("tenant", "tenant_id", "tenant_name", "org", "org_id", "organization"),
        *("organization_id", "organisation", "account", "account_id", "namespace", "app_id"),
        *("project", "project_id", "project_name", "workspace", "workspace_id"),
        *("agent", "agent_id", "agent_name", "session", "session_id", "conversation_id"),
        *("thread_id", "run_id"),
    )
)
_CALLER = (
    "leave this out: whose memories are used follows from who is calling, and no argument"
    " can name anyone else"
)


class Given(dict[str, Any]):
    """The arguments that were given and understood, by their own names.

    `called` has the names that the caller used, `path` is where they stood; `error` says why
    an object in a list cannot be taken.
    """

    def __init__(self, path: str = "", error: InvalidInput | None = None) -> None:
        super().__init__()
        self.path = path
        self.error = error
        self.called: dict[str, str] = {}

    @contextmanager
    def naming_errors(self) -> Generator[None]:
        """What is raised about an argument within names it as the caller called it."""
        try:
            yield
        except InvalidInput as error:
            raise InvalidInput(self.renamed(error.field), error.value, error.expected) from error

    def renamed(self, field: str) -> str:
        """A field by its own name, as the caller called it, with its path."""
        field = _HEAD.sub(lambda head: self.called.get(head[0], head[0]), field, count=1)
        return f"{self.path}.{field}" if self.path else field


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """One named argument. `also` are other names for it, which are not listed."""

    name: str
    kind: Kind
    description: str = ""
    default: Any = None
    required: bool = False
    also: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        described = {"description": self.description} if self.description else {}
        default = {} if self.default is None else {"default": self.default}
        return {**self.kind.schema(), **described, **default}


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """The arguments of a tool, or the members of one object in a list.

    `form` shows how to write them, for errors about what is missing or unknown. `instead` says
    of some that there are not what to give in their place.
    """

    members: tuple[Argument, ...]
    form: str = ""
    instead: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def schema(self) -> dict[str, Any]:
        """A plain object schema."""
        required = [member.name for member in self.members if member.required]
        properties = {member.name: member.schema() for member in self.members}
        return {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
        }

    def read(self, value: Any, path: str = "") -> Given:
        """What was given, by name. Raises InvalidInput for the first that does not fit."""
        if not isinstance(value, Mapping):
            raise InvalidInput(path or "arguments", value, "expected an object" + self._shown())
        given, found = self._gathered(cast("Mapping[str, Any]", value), path), Given(path)
        for name, item in given.items():
            where = joined(path, name)
            member = self._member(name, item, where)
            read = None if item is None else member.kind.read(item, where)
            if read is None:
                continue
            if member.name in found:
                raise InvalidInput(where, item, f"this is another name of {member.name}; give one")
            found[member.name] = read
            found.called[member.name] = joined("", name)
        missing = next((m for m in self.members if m.required and m.name not in found), None)
        if missing is not None:
            where = joined(path, missing.name)
            raise InvalidInput(where, None, "this argument is needed" + self._shown())
        return found

    def named(self, name: str) -> Argument | None:
        """The argument that a name means, however it is spelt; None for an unknown one."""
        plain = _plain(name)
        for member in self.members:
            if plain == member.name or plain in member.also:
                return member
        return None

    def _member(self, name: str, item: Any, where: str) -> Argument:
        """The argument that a name means. Raises InvalidInput, also for what no store can hold."""
        member = self.named(name)
        if member is None or not isinstance(member.kind, Objects):
            check(item, where)  # of objects in a list each is looked at by itself
        if member is None:
            raise InvalidInput(where, item, self._unknown(name))
        return member

    def _gathered(self, given: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """The arguments, where the members of one object may stand for the list of it."""
        own = {name: item for name, item in given.items() if self.named(name)}
        rest = {name: item for name, item in given.items() if name not in own}
        for member in self.members:
            kind = member.kind
            if (
                isinstance(kind, Objects)
                and kind.fits(rest)
                and not any(self.named(name) is member for name in own)
            ):
                return {**own, member.name: [kind.read_one(rest, path)]}
        return given

    def _unknown(self, name: str) -> str:
        if _plain(name) in _OF_THE_CALLER:
            return _CALLER
        if _plain(name) in self.instead:
            return f"there is no such argument; {self.instead[_plain(name)]}"
        known = [member.name for member in self.members]
        if name == "arguments":  # what was given in place of them all
            form = self.form or f'{{"{known[0]}": ...}}'
            return f"expected an object such as {form}; there are {', '.join(known)}"
        said = f"there is no such argument{guess(name, known)}; there are {', '.join(known)}"
        return said + self._shown()

    def _shown(self) -> str:
        return f"; write {self.form}" if self.form else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Objects:
    """A list of at most `most` objects; a text stands for one whose member `main` it is."""

    arguments: Arguments
    main: str
    most: int

    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        return {"type": "array", "items": self.arguments.schema()}

    def fits(self, given: Mapping[str, Any]) -> bool:
        """Whether these are the members of one object."""
        return any(self.arguments.named(name) for name in given)

    def read(self, value: Any, path: str) -> list[Given]:
        """The members of each object, or why they cannot be taken. Raises InvalidInput."""
        found = parsed(value, path)
        if isinstance(value, (str, dict)) and not isinstance(found, list):
            found = [cast("Any", value)] if value else []
        if not isinstance(found, list):
            told = f"expected a list such as [{self.arguments.form}]"
            raise InvalidInput(path, cast("Any", value), told)
        items = cast("list[Any]", found)
        if len(items) > self.most:
            told = f"{len(items)} items"
            raise InvalidInput(path, told, f"expected 1 to {self.most} in one call")
        return [self.read_one(item, f"{path}[{i}]") for i, item in enumerate(items)]

    def read_one(self, item: Any, path: str) -> Given:
        """The members of one object; what is wrong with it is its `error`."""
        if isinstance(item, Given):
            return item
        try:
            found = parsed(item, path)
            if not isinstance(found, Mapping):
                check(found, path)
            if isinstance(item, str) and not (
                isinstance(found, dict) and self.fits(cast("dict[str, Any]", found))
            ):
                found = {self.main: item}
            return self.arguments.read(found, path)
        except InvalidInput as error:
            return Given(path, error)


def _plain(name: str) -> str:
    """A name in our spelling: lower case, its words joined by low lines."""
    return _CAMEL.sub("_", name[:64]).lower().replace("-", "_")
