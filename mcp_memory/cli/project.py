"""Which project a folder is, and under which names it is joined, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_memory.errors import InvalidInput
from mcp_memory.identity import project_aliases
from mcp_memory.identity.resolver import local_signals, project_of, resolve

if TYPE_CHECKING:
    from mcp_memory.config.settings import Settings


def tell(settings: Settings) -> Iterator[str]:
    """The project of the working directory, its other names, and all that have several."""
    caller = resolve(local_signals(settings))
    if caller.project:
        yield f"{caller.project_label} (decided by: {caller.sources['project']})"
    else:
        yield f"no project: {settings.working_dir} lies in no repository"
    yield from caller.notes
    others = [names for names in _listed(settings) if caller.project_label not in names]
    if others:
        yield "other repositories that are known under several names:"
        yield from (" = ".join(names) for names in others)


def split(settings: Settings, name: str) -> str:
    """Part the repository here from one of its other names. Raises InvalidInput."""
    signals = local_signals(settings)
    caller, found = resolve(signals), project_of(signals)
    owner = f"{caller.tenant}/{caller.user}"
    if found is None or not project_aliases.split(settings.home, owner, found, name):
        where = found.label if found else str(settings.working_dir)
        raise InvalidInput("name", name, f"{where} has no such other name; see: mcp-memory project")
    return (
        f"{found.label} is no longer joined with {name}: what is remembered there is not seen here"
        " any more, after half a minute at most. Nothing of it is lost"
    )


def joined(settings: Settings) -> list[str]:
    """Each repository of this user that is joined under several names, for the doctor."""
    return [" = ".join(names) for names in _listed(settings)]


def _listed(settings: Settings) -> list[list[str]]:
    caller = resolve(local_signals(settings))
    return project_aliases.listed(settings.home, f"{caller.tenant}/{caller.user}")
