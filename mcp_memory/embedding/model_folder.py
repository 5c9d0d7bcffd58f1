"""An embedding model in a folder of the user's own, as sentence-transformers lays it out.

What is needed: the model as ONNX, tokenizer.json, tokenizer_config.json,
special_tokens_map.json, and config.json, whose `hidden_size` tells the dimensions without
loading anything. 1_Pooling/config.json says how vectors are pooled; without it, by the mean.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_memory.errors import ModelUnavailable

if TYPE_CHECKING:
    from fastembed import TextEmbedding

FILES = ("config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")
MODEL_FILES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")
_POOLING = "1_Pooling/config.json"
_DIMENSIONS_MAX = 8192


def is_folder(name: str) -> bool:
    """Whether a model is named by the folder that it is in: an absolute path."""
    return Path(name).is_absolute()


def model_file(folder: Path) -> Path:
    """The file of the model itself. Raises ModelUnavailable for a folder that holds none."""
    if not folder.is_dir():
        raise ModelUnavailable(f"the model's folder '{folder.name}' is not there")
    missing = [name for name in FILES if not (folder / name).is_file()]
    found = [folder / name for name in MODEL_FILES if (folder / name).is_file()]
    if not found:
        missing.append(MODEL_FILES[0])
    if missing:
        named = " and no ".join(missing)
        raise ModelUnavailable(
            f"the folder '{folder.name}' is no embedding model: it has no {named}"
        )
    return found[0]


def dimensions(folder: Path) -> int:
    """How many numbers a vector has, as config.json says. Raises ModelUnavailable."""
    size = _json(folder / "config.json").get("hidden_size")
    if not isinstance(size, int) or not 1 <= size <= _DIMENSIONS_MAX:
        raise ModelUnavailable(
            f"config.json in the folder '{folder.name}': hidden_size is {size!r}; it must say how"
            f" many numbers a vector of this model has, 1 to {_DIMENSIONS_MAX}"
        )
    return size


def load(folder: Path, threads: int) -> TextEmbedding:
    """The model. Raises ModelUnavailable."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    file = model_file(folder)
    name = f"folder:{folder}"
    # Once in a process: the class keeps a list of all that it was told of.
    if name.lower() not in {str(m["model"]).lower() for m in TextEmbedding.list_supported_models()}:
        TextEmbedding.add_custom_model(
            model=name,
            pooling=PoolingType.CLS if _is_cls(folder) else PoolingType.MEAN,
            normalization=True,
            sources=ModelSource(hf="local/folder"),  # never asked: the folder is given
            dim=dimensions(folder),
            model_file=str(file.relative_to(folder)),
        )
    return TextEmbedding(
        name, cache_dir=str(folder), specific_model_path=str(folder), threads=threads
    )


def _is_cls(folder: Path) -> bool:
    pooling = folder / _POOLING
    return pooling.is_file() and bool(_json(pooling).get("pooling_mode_cls_token"))


def _json(file: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{file.name} of the model cannot be read ({error})") from error
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
