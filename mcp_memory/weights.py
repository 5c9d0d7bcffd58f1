"""Where the files of an embedding model are, whether they are whole, and how to load them.

Nothing here reaches the network but `fetch`, which only a command calls.
"""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_memory.environment import keep_quiet
from mcp_memory.errors import ModelUnavailable, SettingsInvalid
from mcp_memory.storage.contract import VectorSpace

if TYPE_CHECKING:
    from fastembed import TextEmbedding

BUNDLED = "all-MiniLM-L6-v2-int8"
"""Name of the model that ships with the package, see its PROVENANCE.md."""
BUNDLED_FOLDER = Path(__file__).parent / "model_files" / BUNDLED
BUNDLED_DIGESTS = {
    "model.onnx": "cf19b0207b3a925afa505aa0f22012512b1790e3a634aede6ab8d8dc92a3b2e9",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
BUNDLED_SPACE = VectorSpace(name=BUNDLED, dimensions=384, digest=BUNDLED_DIGESTS["model.onnx"])
_BUNDLED_IN_FASTEMBED = "sentence-transformers/all-MiniLM-L6-v2"


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
    """Another fastembed model that was fetched before. Raises ModelUnavailable if it was not."""
    if _cached_file(name, cache_dir) is None:
        raise ModelUnavailable(
            f"the embedding model '{name}' is not in {cache_dir}; "
            f"run: mcp-memory model fetch {name}"
        )
    text_embedding = _fastembed()
    return text_embedding(name, cache_dir=str(cache_dir), threads=threads, local_files_only=True)


def space_of(name: str, cache_dir: Path) -> VectorSpace:
    """What kind of vectors a fastembed model makes; the digest is "" before it was fetched.

    Raises SettingsInvalid for a name that fastembed does not know.
    """
    file = _cached_file(name, cache_dir)
    return VectorSpace(
        name=name,
        dimensions=int(_described(name)["dim"]),
        digest=digest(file) if file else "",
    )


def fetch(name: str, cache_dir: Path) -> VectorSpace:
    """Download a fastembed model, with progress on stderr, and load it once to be sure.

    Raises SettingsInvalid for an unknown name, ModelUnavailable when it did not work.
    """
    _described(name)
    text_embedding = _fastembed()
    try:
        text_embedding(name, cache_dir=str(cache_dir))
    except Exception as error:  # any of a dozen libraries' errors, the network's included
        raise ModelUnavailable(
            f"the embedding model '{name}' could not be fetched into {cache_dir} "
            f"({first_line(error)}); check the network and the room on the disk, then run it again"
        ) from error
    return space_of(name, cache_dir)


def digest(file: Path) -> str:
    """The sha256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one short line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no details were given"


def _cached_file(name: str, cache_dir: Path) -> Path | None:
    """The model's main file in the layout that Hugging Face's hub gives a cache."""
    description = _described(name)
    folder = cache_dir / f"models--{(description['sources']['hf'] or '').replace('/', '--')}"
    return next(iter(sorted(folder.glob(f"snapshots/*/{description['model_file']}"))), None)


def _described(name: str) -> dict[str, Any]:
    text_embedding = _fastembed()
    models = {str(m["model"]).lower(): m for m in text_embedding.list_supported_models()}
    if name.lower() not in models:
        near = get_close_matches(name.lower(), models, n=3, cutoff=0.4)
        hint = ", ".join(str(models[n]["model"]) for n in near) or "a name from fastembed's list"
        raise SettingsInvalid(
            f"model: got '{name}'; use one that fastembed knows, such as {hint}, "
            "or leave it empty for the bundled model"
        )
    return models[name.lower()]
