"""`mcp-memory model`: which models there are, and the way to another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mcp_memory import config_file, environment, file_lock, front, weights
from mcp_memory.embedding import Embedder
from mcp_memory.environment import PREFIX
from mcp_memory.errors import ModelUnavailable, SettingsInvalid
from mcp_memory.host.address import Address
from mcp_memory.model_folder import dimensions, is_folder, model_file
from mcp_memory.settings import CONFIG_FILE, Settings

LANGUAGES = {
    weights.MULTILINGUAL: "about 50 languages",
    "sentence-transformers/paraphrase-multilingual-mpnet-base-v2": "about 50 languages",
    "jinaai/jina-embeddings-v2-base-de": "German and English",
    "jinaai/jina-embeddings-v2-base-es": "Spanish and English",
    "jinaai/jina-embeddings-v2-base-zh": "Chinese and English",
    "BAAI/bge-small-en-v1.5": "English",
    "BAAI/bge-base-en-v1.5": "English",
}
"""Embedding models that are known to be good, and what they read."""
RERANKERS = {
    "Xenova/ms-marco-MiniLM-L-6-v2": "English",
    "BAAI/bge-reranker-v2-m3-int8": "about 100 languages",
}
BUNDLED_NAMES = ("bundled", weights.BUNDLED.lower())


def listed(settings: Settings) -> Iterator[str]:
    """The bundled model and a few known good ones, each with its size and languages."""
    used = (settings.model or weights.BUNDLED, settings.reranker)
    yield _line(weights.BUNDLED, "in the package", "English", used)
    if is_folder(settings.model):
        yield _line(settings.model, "a folder", "", used)
    for heading, chosen in (("", LANGUAGES), ("rerankers, for a second look:", RERANKERS)):
        if heading:
            yield heading
        for name, languages in chosen.items():
            yield _line(name, f"{weights.size_gb(name):.2f} GB", languages, used)
    yield "to use one run: mcp-memory model use NAME, or the folder of a model of your own"


def use(settings: Settings, name: str) -> Iterator[str]:
    """Fetch a model or a reranker, write the setting, and end the host so that the next has it.

    Raises SettingsInvalid, or ModelUnavailable; the model there was is then used as before.
    """
    if name.lower() in BUNDLED_NAMES:
        kind, value = "model", ""
    elif (folder := Path(name).expanduser()).is_dir() or folder.is_absolute() or name[:1] in ".~":
        kind, value = "model", str(folder.resolve())
        _try_folder(Path(value))
    else:
        known = weights.kind_of(name)  # an unknown name is told before anything is begun
        yield f"fetching the {known[0]} {known[1]} ({weights.size_gb(name):.2f} GB)"
        kind, value = weights.fetch(name, settings.models_dir)
    config_file.write(settings.home / CONFIG_FILE, kind, value)
    yield f"{kind} = {value or weights.BUNDLED} is set in {settings.home / CONFIG_FILE}"
    yield from _overridden(kind, value)
    yield from _taken_up(settings, kind)
    if kind == "model":
        yield _becomes_of_vectors(settings, value)


def _line(name: str, size: str, languages: str, used: tuple[str, ...]) -> str:
    mark = "in use" if name in used else ""
    return "\t".join([name, size, languages, mark]).rstrip()


def _try_folder(folder: Path) -> None:
    """Have the model make a vector. Raises ModelUnavailable, SettingsInvalid."""
    if not folder.is_dir():
        raise SettingsInvalid(f"model: there is no folder {folder}")
    model_file(folder)
    expected = dimensions(folder)
    embedder = Embedder(str(folder))
    (windows,) = embedder.embed(["Does it work?"])
    if windows.shape[1] != expected:
        raise ModelUnavailable(
            f"the model in {folder} makes vectors of {windows.shape[1]} numbers, but hidden_size in"
            f" its config.json is {expected}; mend config.json"
        )


def _overridden(kind: str, value: str) -> Iterator[str]:
    variable = PREFIX + kind.upper()
    other = environment.whole().get(variable, "").strip()
    if other and other != value:
        yield (
            f"but {variable}={other} is set, and a variable wins over the file: remove it here and"
            " in the configuration of each client"
        )


def _taken_up(settings: Settings, kind: str) -> Iterator[str]:
    """End the host that has the store, if there is one; what happens next."""
    if file_lock.is_held(Address(str(settings.home)).lock):
        serves = [line for line in front.status(settings, None) if line.startswith("serves\t")]
        if serves:  # others depend on it: whoever runs it says when
            url = serves[0].partition("\t")[2]
            yield f"the host serves {url}; start it again to have the new {kind}"
        else:
            yield front.stop(settings)


def _becomes_of_vectors(settings: Settings, model: str) -> str:
    """What the next client finds of the vectors that there are."""
    from mcp_memory.storage.embedded.witness import Witness  # slow to import

    if not Witness(settings.home).number:
        return "nothing is remembered yet, so that no vector has to be made anew"
    if model == settings.model:
        return "it was set before too: the vectors that it made are kept"
    return (
        "the vectors are made anew behind the next client; until then memories are found by"
        " their words, and recall says how many wait"
    )
