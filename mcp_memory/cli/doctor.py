"""What `mcp-memory doctor` looks at: the installation, the model and the store."""

from __future__ import annotations

import platform
import re
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from mcp_memory import __version__
from mcp_memory.cli import project, remote
from mcp_memory.config.settings import Settings
from mcp_memory.embedding import loader
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.errors import McpMemoryError, SettingsInvalid, StoreLocked
from mcp_memory.identity.resolver import absence, local_signals, resolve
from mcp_memory.storage.contract import CheckResult, VectorSpace
from mcp_memory.system import home_folder

PYTHON_MIN = (3, 11)
MODEL_TIMEOUT_S = 120.0
DISTRIBUTION = "mcp-memory-layer"
_NAMESAKE = "mcp-memory"
"""A package of other authors on PyPI, with the import name and the command of this one."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def examine(settings: Settings) -> Iterator[CheckResult]:
    """Every finding, as soon as it is known."""
    yield from _installation()
    yield from _doubts(settings)
    fault, _, advice = home_folder.fault(str(settings.home)).partition("; ")
    yield CheckResult(name="home", ok=not fault, detail=fault or str(settings.home), advice=advice)
    yield from _projects(settings)
    embedder = Embedder(settings.model, cache_dir=settings.models_dir)
    try:
        space = embedder.space
    except McpMemoryError as error:
        yield CheckResult(name="model", ok=False, detail=str(error))
        return  # a store cannot be opened without knowing whose vectors it holds
    yield _model(embedder, space)
    if settings.reranker:
        yield _reranker(settings)
    yield from _http(settings)
    if not fault:
        yield from _store(settings, space)


def unusable(error: SettingsInvalid) -> Iterator[CheckResult]:
    """What can be found where the settings cannot be used."""
    yield from _installation()
    advice = "until then nothing is served"
    yield CheckResult(name="settings", ok=False, detail=str(error), advice=advice)


def _installation() -> Iterator[CheckResult]:
    yield CheckResult(
        name="mcp-memory", ok=True, detail=f"{__version__} in {Path(__file__).parents[1]}"
    )
    yield _python()
    yield _packages()
    yield from _namesake()


def _projects(settings: Settings) -> Iterator[CheckResult]:
    """A project that is not here, and repositories that see what they knew by other addresses."""
    try:
        absent = absence(local_signals(settings))
        joined = project.joined(settings)
    except McpMemoryError as error:
        yield CheckResult(name="settings", ok=False, detail=str(error), advice="correct it")
        return
    if absent:
        yield CheckResult(name="project", ok=True, detail=absent)
    for names in joined:
        told = f"{names} are one repository, joined; to part them run there: mcp-memory project"
        yield CheckResult(name="project", ok=True, detail=told)


def _doubts(settings: Settings) -> Iterator[CheckResult]:
    """What is set in the environment and does nothing."""
    for doubt in settings.doubts:
        advice = "correct or remove the variable where the client is configured"
        ok = not doubt.is_grave
        yield CheckResult(name="settings", ok=ok, detail=doubt.text, advice="" if ok else advice)


def _http(settings: Settings) -> Iterator[CheckResult]:
    """By what callers over HTTP are known, where that was set up."""
    from mcp_memory.auth import (
        jwks,
        token_file,  # slow to import
    )

    file = token_file.TokenFile(token_file.path_of(settings))
    if settings.http.tokens or file.is_there:
        try:
            detail = f"{len(file.listed())} in {file.path}"
            yield CheckResult(name="tokens", ok=True, detail=detail)
        except McpMemoryError as error:
            advice = "until then nobody with a token is served"
            yield CheckResult(name="tokens", ok=False, detail=str(error), advice=advice)
    if settings.http.jwt_issuer:
        try:
            jwks.keys_of(settings.http).get("")
            yield CheckResult(name="JWT keys", ok=True, detail=settings.http.jwt_keys)
        except (McpMemoryError, jwks.Unavailable) as error:
            advice = "until then nobody with a JWT is served"
            yield CheckResult(name="JWT keys", ok=False, detail=str(error), advice=advice)


def _python() -> CheckResult:
    return CheckResult(
        name="python",
        ok=sys.version_info >= PYTHON_MIN,
        detail=f"{platform.python_version()} on {platform.platform()}, {sys.executable}",
        advice="" if sys.version_info >= PYTHON_MIN else "install Python 3.11 or newer",
    )


def _packages() -> CheckResult:
    """Each package that mcp-memory needs, with its version."""
    try:
        needed = [_named(r) for r in metadata.requires(DISTRIBUTION) or () if _is_needed(r)]
    except metadata.PackageNotFoundError:
        return CheckResult(
            name="packages",
            ok=True,
            detail="not checked: mcp-memory runs from a folder of sources and is not installed",
        )
    found, missing = list[str](), list[str]()
    for name in sorted(needed):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    return CheckResult(
        name="packages",
        ok=not missing,
        detail=", ".join(found) + "".join(f"; {name} is missing" for name in missing),
        advice=f"run: {sys.executable} -m pip install --upgrade {DISTRIBUTION}" if missing else "",
    )


def _namesake() -> Iterator[CheckResult]:
    """The other package of the same import name, where it shares this environment."""
    try:
        version = metadata.version(_NAMESAKE)
    except metadata.PackageNotFoundError:
        return
    pip = f"{sys.executable} -m pip"
    yield CheckResult(
        name="other package",
        ok=False,
        detail=f"{_NAMESAKE} {version} is installed here too: a package of other authors that"
        " brings the same command and import name, so either may overwrite the other's files",
        advice=f"run: {pip} uninstall {_NAMESAKE} && {pip} install --force-reinstall"
        f" {DISTRIBUTION}",
    )


def _is_needed(requirement: str) -> bool:
    """Whether it is one of this system, and no extra."""
    marker = requirement.partition(";")[2]
    return "extra ==" not in marker and ("win32" not in marker or sys.platform == "win32")


def _named(requirement: str) -> str:
    match = _NAME.match(requirement)
    return match.group() if match else requirement


def _reranker(settings: Settings) -> CheckResult:
    try:
        loader.load_reranker(settings.reranker, settings.models_dir, threads=1)
    except McpMemoryError as error:
        advice = "until then recall answers without a second look"
        return CheckResult(name="reranker", ok=False, detail=str(error), advice=advice)
    return CheckResult(name="reranker", ok=True, detail=settings.reranker)


def _model(embedder: Embedder, space: VectorSpace) -> CheckResult:
    began = time.perf_counter()
    loaded = embedder.ready(MODEL_TIMEOUT_S)
    took_s = time.perf_counter() - began
    if loaded:
        detail = (
            f"{space.name}, {space.dimensions} dimensions, sha256 {space.digest[:12]}…, "
            f"loaded in {took_s:.1f} s"
        )
        return CheckResult(name="model", ok=True, detail=detail)
    failure = embedder.failure or f"the model was not loaded after {took_s:.0f} s; try again"
    return CheckResult(
        name="model",
        ok=False,
        detail=failure,
        advice="until then memories are stored, and found by their words only",
    )


def _store(settings: Settings, space: VectorSpace) -> Iterator[CheckResult]:
    """The check of the store, by the daemon that has it or by opening it."""
    try:
        found = remote.findings(settings)
        if found is not None:
            yield CheckResult(name="daemon", ok=True, detail=next(_daemon(settings), "running"))
            yield from found
            return
        yield CheckResult(name="daemon", ok=True, detail="not running; the next client starts one")
        from mcp_memory.service.adoption import told
        from mcp_memory.storage.embedded import open_embedded  # slow to import

        store = open_embedded(settings.home, space)
    except remote.DaemonSilent as error:
        yield CheckResult(
            name="daemon", ok=False, detail=str(error), advice="then run doctor again"
        )
    except StoreLocked as error:
        # As it should be while a server without a daemon is at work, and no reason to stop it.
        yield CheckResult(name="store", ok=True, detail=f"not checked: {error}")
    except (McpMemoryError, OSError, ImportError) as error:
        yield CheckResult(name="store", ok=False, detail=f"cannot be opened: {error}")
    else:
        try:
            yield from store.check()
            said = told(store.held(), resolve(local_signals(settings)))
            if said:
                yield CheckResult(name="user", ok=True, detail=said)
        finally:
            store.close()


def _daemon(settings: Settings) -> Iterator[str]:
    said = dict(line.split("\t", 1) for line in remote.status(settings, None))
    yield f"process {said['process']}, version {said['version']}, {said['clients']} clients"
