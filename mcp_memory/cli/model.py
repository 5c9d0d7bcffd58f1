"""`mcp-memory model`: which models there are, and the way to another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mcp_memory.cli import remote
from mcp_memory.config import writer
from mcp_memory.config.settings import CONFIG_FILE, Settings
from mcp_memory.embedding import loader
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.embedding.model_folder import dimensions, is_folder, model_file
from mcp_memory.errors import ModelUnavailable, SettingsInvalid
from mcp_memory.ipc.address import Address
from mcp_memory.system import environment, file_lock
from mcp_memory.system.environment import PREFIX

LANGUAGES = {
    loader.MULTILINGUAL: "about 50 languages",
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
BUNDLED_NAMES = ("bundled", loader.BUNDLED.lower())


def listed(settings: Settings) -> Iterator[str]:
    """The bundled model and a few known good ones, each with its size and languages."""
    used = (settings.model or loader.BUNDLED, settings.reranker)
    yield _line(loader.BUNDLED, "in the package", "English", used)
    if is_folder(settings.model):
        yield _line(settings.model, "a folder", "", used)
    for heading, chosen in (("", LANGUAGES), ("rerankers, for a second look:", RERANKERS)):
        if heading:
            yield heading
        for name, languages in chosen.items():
            yield _line(name, f"{loader.size_gb(name):.2f} GB", languages, used)
    yield "to use one run: mcp-memory model use NAME, or the folder of a model of your own"


def use(settings: Settings, name: str) -> Iterator[str]:
    """Fetch a model or a reranker, write the setting, and end the daemon so that the next has it.

    Raises SettingsInvalid, or ModelUnavailable; the model there was is then used as before.
    """
    if name.lower() in BUNDLED_NAMES:
        kind, value = "model", ""
    elif (folder := Path(name).expanduser()).is_dir() or folder.is_absolute() or name[:1] in ".~":
        kind, value = "model", str(folder.resolve())
        _try_folder(Path(value))
    else:
        known = loader.kind_of(name)  # an unknown name is told before anything is begun
        yield f"fetching the {known[0]} {known[1]} ({loader.size_gb(name):.2f} GB)"
        kind, value = loader.fetch(name, settings.models_dir)
    writer.write(settings.home / CONFIG_FILE, kind, value)
    yield f"{kind} = {value or loader.BUNDLED} is set in {settings.home / CONFIG_FILE}"
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
    """End the daemon that has the store, if there is one; what happens next."""
    if file_lock.is_held(Address(str(settings.home)).lock):
        serves = [line for line in remote.status(settings, None) if line.startswith("serves\t")]
        if serves:  # others depend on it: whoever runs it says when
            url = serves[0].partition("\t")[2]
            yield f"the daemon serves {url}; start it again to have the new {kind}"
        else:
            yield remote.stop(settings)


def _becomes_of_vectors(settings: Settings, model: str) -> str:
    """What the next client finds of the vectors that there are."""
    from mcp_memory.storage.embedded.shared.watermark import WatermarkFile  # slow to import

    if not WatermarkFile(settings.home).number:
        return "nothing is remembered yet, so that no vector has to be made anew"
    if model == settings.model:
        return "it was set before too: the vectors that it made are kept"
    return (
        "the vectors are made anew behind the next client; until then memories are found by"
        " their words, and recall says how many wait"
    )
