"""Where the files of an embedding model are, whether they are whole, and how to load them.

Nothing here reaches the network but `fetch`, which only a command calls.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mcp_memory.embedding import model_folder
from mcp_memory.errors import ModelUnavailable, SettingsInvalid
from mcp_memory.storage.contract import VectorSpace
from mcp_memory.system.environment import keep_quiet

if TYPE_CHECKING:
    from fastembed import TextEmbedding

BUNDLED = "all-MiniLM-L6-v2-int8"
"""Name of the model that ships with the package, see its PROVENANCE.md."""
BUNDLED_FOLDER = Path(__file__).parent / "bundled" / BUNDLED
BUNDLED_DIGESTS = {
    "model.onnx": "cf19b0207b3a925afa505aa0f22012512b1790e3a634aede6ab8d8dc92a3b2e9",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
BUNDLED_SPACE = VectorSpace(name=BUNDLED, dimensions=384, digest=BUNDLED_DIGESTS["model.onnx"])
_BUNDLED_IN_FASTEMBED = "sentence-transformers/all-MiniLM-L6-v2"


MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
"""The model to advise where memories or questions are in several languages."""
_ENGLISH_ALONE = re.compile(r"(?:^|[-_/.])en(?:$|[-_/.])", re.IGNORECASE)


def reads_english_alone(name: str) -> bool:
    """Whether a model is known to tell apart the texts of one language only."""
    return name == BUNDLED or bool(_ENGLISH_ALONE.search(name))


class CrossEncoder(Protocol):
    """A model that reads a query together with a text."""

    def rerank(self, query: str, documents: Iterable[str]) -> Iterable[float]:
        """How well each text answers, as logits, in their order."""
        ...


def load_bundled(folder: Path, threads: int) -> TextEmbedding:
    """The bundled model from `folder`. Raises ModelUnavailable when a file is not as shipped."""
    verify(folder)
    text_embedding = _fastembed()
    return text_embedding(
        _BUNDLED_IN_FASTEMBED,
        cache_dir=str(folder),  # else a folder is made where temporary files go
        specific_model_path=str(folder),
        threads=threads,
    )


def _fastembed() -> type[TextEmbedding]:
    """The class that loads models; its libraries report nothing to anybody."""
    keep_quiet()
    from fastembed import TextEmbedding  # costs 0.5 s

    return TextEmbedding


def verify(folder: Path) -> None:
    """Compare the bundled files with their digests. Raises ModelUnavailable."""
    for name, expected in BUNDLED_DIGESTS.items():
        file = folder / name
        try:
            found = digest(file)
        except OSError as error:
            raise ModelUnavailable(
                f"the bundled embedding model cannot be read: {file} ({error.strerror}); "
                "reinstall mcp-memory"
            ) from error
        if found != expected:
            raise ModelUnavailable(
                f"the bundled embedding model is damaged: {file} has the sha256 {found[:12]}… "
                f"instead of {expected[:12]}…; reinstall mcp-memory"
            )


def load_cached(name: str, cache_dir: Path, threads: int) -> TextEmbedding:
    """Another fastembed model that was fetched before, or one in a folder of its own.

    Raises ModelUnavailable where it is not there.
    """
    if model_folder.is_folder(name):
        keep_quiet()
        return model_folder.load(Path(name), threads)
    if _cached_file(name, cache_dir) is None:
        raise ModelUnavailable(
            f"the embedding model '{name}' is not in {cache_dir}; run: mcp-memory model use {name}"
        )
    text_embedding = _fastembed()
    return text_embedding(name, cache_dir=str(cache_dir), threads=threads, local_files_only=True)


def space_of(name: str, cache_dir: Path) -> VectorSpace:
    """What kind of vectors a fastembed model makes; the digest is "" before it was fetched.

    Raises SettingsInvalid for a name that fastembed does not know, ModelUnavailable for a
    folder that holds no model.
    """
    if model_folder.is_folder(name):
        folder = Path(name)
        file = model_folder.model_file(folder)
        return VectorSpace(
            name=folder.name, dimensions=model_folder.dimensions(folder), digest=digest(file)
        )
    file = _cached_file(name, cache_dir)
    return VectorSpace(
        name=name,
        dimensions=int(_described(name)["dim"]),
        digest=digest(file) if file else "",
    )


def kind_of(name: str) -> tuple[str, str]:
    """What fastembed has under a name, "model" or "reranker", and the name as it spells it.

    Raises SettingsInvalid for an unknown name.
    """
    rerankers = {r.lower(): r for r in _rerankers()}
    if name.lower() in rerankers:
        return "reranker", rerankers[name.lower()]
    return "model", str(_described(name)["model"])


def size_gb(name: str) -> float:
    """What a model or a reranker takes on the disk. Raises SettingsInvalid."""
    kind, spelt = kind_of(name)
    described = _rerankers()[spelt] if kind == "reranker" else _described(spelt)
    return float(described["size_in_GB"])


def fetch(name: str, cache_dir: Path) -> tuple[str, str]:
    """Download a fastembed model, with progress on stderr, and load it once to be sure.

    The setting that it is for, "model" or "reranker", and its name as fastembed spells it.
    Raises SettingsInvalid for an unknown name, ModelUnavailable when it did not work.
    """
    kind, spelt = kind_of(name)
    load = _cross_encoder() if kind == "reranker" else _fastembed()
    try:
        load(spelt, cache_dir=str(cache_dir))
    except Exception as error:  # any of a dozen libraries' errors, the network's included
        raise ModelUnavailable(
            f"the {kind} '{spelt}' could not be fetched into {cache_dir} "
            f"({first_line(error)}); check the network and the room on the disk, then run it again"
        ) from error
    return kind, spelt


def load_reranker(name: str, cache_dir: Path, threads: int) -> CrossEncoder:
    """A fastembed cross-encoder that was fetched before.

    Raises SettingsInvalid for an unknown name, ModelUnavailable if it was not fetched.
    """
    known = {r.lower(): description for r, description in _rerankers().items()}
    description = known.get(name.lower())
    if description is None:
        near = ", ".join(get_close_matches(name.lower(), known, n=3, cutoff=0.3)) or ", ".join(
            known
        )
        raise SettingsInvalid(
            f"reranker: got '{name}'; use one that fastembed knows, such as {near}"
        )
    if _file_of(description, cache_dir) is None:
        raise ModelUnavailable(
            f"the reranker '{name}' is not in {cache_dir}; run: mcp-memory model use {name}"
        )
    return _cross_encoder()(name, cache_dir=str(cache_dir), threads=threads, local_files_only=True)


def _rerankers() -> dict[str, dict[str, Any]]:
    return {str(m["model"]): m for m in _cross_encoder().list_supported_models()}


def _cross_encoder() -> Any:
    """fastembed's class; a type checker finds no types in that folder of it."""
    keep_quiet()
    return import_module("fastembed.rerank.cross_encoder").TextCrossEncoder


def digest(file: Path) -> str:
    """The sha256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one short line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no details were given"


def _cached_file(name: str, cache_dir: Path) -> Path | None:
    return _file_of(_described(name), cache_dir)


def _file_of(description: dict[str, Any], cache_dir: Path) -> Path | None:
    """A model's main file in the layout that Hugging Face's hub gives a cache."""
    folder = cache_dir / f"models--{(description['sources']['hf'] or '').replace('/', '--')}"
    return next(iter(sorted(folder.glob(f"snapshots/*/{description['model_file']}"))), None)


def _described(name: str) -> dict[str, Any]:
    text_embedding = _fastembed()
    models = {str(m["model"]).lower(): m for m in text_embedding.list_supported_models()}
    if name.lower() not in models:
        near = get_close_matches(name.lower(), models, n=3, cutoff=0.4)
        hint = ", ".join(str(models[n]["model"]) for n in near) or "a name from fastembed's list"
        raise SettingsInvalid(
            f"model: got '{name}'; use one that fastembed knows, such as {hint}, the "
            "absolute path of a folder with one, "
            "or leave it empty for the bundled model"
        )
    return models[name.lower()]
