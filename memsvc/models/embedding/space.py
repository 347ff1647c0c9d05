"""Names a vector space after what decides it: the weights' bytes, and how they are used.

`all-MiniLM-L6-v2@53aa51172d14` is the folder's name and the first 12 digits of the weights'
sha256. The recipe (pooling, length limit, prompts) follows as `+` and 8 digits unless it is the
plain one: mean pooling, 256 tokens, no prompts. So the same folder gives one name through torch
and through ONNX, whose vectors agree to 1e-6, and one index serves both. Normalisation is not
part of the name, because every embedder of ours normalises.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from memsvc.errors import EmbedderError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20


class Recipe(NamedTuple):
    """How a sentence-transformers folder turns token vectors into one."""

    modules: tuple[str, ...]
    pooling: tuple[str, ...]
    max_tokens: int
    prompts: tuple[tuple[str, str], ...]


PLAIN = Recipe(modules=("Transformer", "Pooling"), pooling=("mean",), max_tokens=256, prompts=())


def checksum(path: Path) -> str:
    """The file's sha256, 64 hex digits. 90 MB take about 0.1 s."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def weights_of(folder: Path) -> list[Path]:
    """The weight files of a sentence-transformers folder, in a stable order.

    Raises:
        EmbedderError: the folder holds none.
    """
    for pattern in ("*.safetensors", "*.bin"):
        if found := sorted(path for path in folder.rglob(pattern) if "openvino" not in path.parts):
            return found
    raise EmbedderError(
        f"{folder} holds no model weights (*.safetensors or *.bin): "
        "pass the folder of a sentence-transformers model, the one with modules.json."
    )


def space_name(folder: Path, *, name: str | None = None) -> str:
    """The name of the folder's vector space; reads all of its weights.

    Raises:
        EmbedderError: no weights, or a description that cannot be read.
    """
    digests = [checksum(path) for path in weights_of(folder)]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return named(name or folder.name, whole, recipe_of(folder))


def named(name: str, weights: str, recipe: Recipe) -> str:
    """`name@weights`, with the recipe's digest when it is not the plain one."""
    suffix = "" if recipe == PLAIN else "+" + hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:8]
    return f"{name}@{weights[:12]}{suffix}"


def recipe_of(folder: Path) -> Recipe:
    """Reads the folder's JSON descriptions; loads no model.

    Raises:
        EmbedderError: `modules.json`, or a file that it names, is damaged.
    """
    modules = _json(folder / "modules.json", default=[])
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    pooling = next((folder / m["path"] for m, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), None)
    limits = _json(folder / "sentence_bert_config.json", default={})
    prompts = _json(folder / "config_sentence_transformers.json", default={}).get("prompts") or {}
    return Recipe(
        modules=tuple(kind for kind in kinds if kind != "Normalize") or PLAIN.modules,
        pooling=_pooling(_json(pooling / "config.json", default={})) if pooling else PLAIN.pooling,
        max_tokens=int(limits.get("max_seq_length") or 0),
        prompts=tuple(sorted((str(key), str(text)) for key, text in prompts.items() if text)),
    )


def _pooling(config: dict[str, Any]) -> tuple[str, ...]:
    """The pooling modes in use, from either way of writing them down."""
    if mode := config.get("pooling_mode"):
        return (mode,) if isinstance(mode, str) else tuple(mode)
    flags = [key for key, on in config.items() if key.startswith("pooling_mode_") and on]
    return tuple(flag.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for flag in flags)


def _json(path: Path, *, default: Any) -> Any:
    """The file's JSON, or `default` when there is no such file."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        raise EmbedderError(f"{path} cannot be read ({error}): install the model again.") from error
