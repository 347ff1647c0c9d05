"""Loads a model by folder or hub name onto a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc.models import hub, quiet
from memsvc.models.local.shapes import ModelUnusable
from memsvc_store.errors import MissingDependency

if TYPE_CHECKING:
    from memsvc.models.local.engine import Engine


def load(name: str, *, device: str | None = None) -> Engine:
    """The `Engine` of a model: bfloat16 on a GPU, float32 on the CPU.

    Args:
        name: a folder, or a hub name. The hub's own variables hold (`HF_HUB_OFFLINE`, `HF_HOME`, `HF_TOKEN`).
        device: torch's name of a device; CUDA where there is one, else the CPU, when None.

    Raises:
        MissingDependency: torch or transformers is not installed.
        ModelUnusable: no such folder, no such name on the hub or in its cache, or it cannot be loaded on this device.
    """
    if (Path(name).is_absolute() or Path(name).is_dir()) and not (Path(name) / "config.json").is_file():
        raise ModelUnusable(f"There is no model in the folder {name!r}: give one with a config.json, or a hub name.")
    try:
        with quiet.no_warnings():
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingDependency(
            f"A local model needs torch and transformers (missing: {error.name}): pip install 'memsvc[local]'."
        ) from error

    from memsvc.models.local.engine import Engine

    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.float32 if where.startswith("cpu") else torch.bfloat16

    def read(local: bool) -> tuple[Any, Any]:
        return (
            AutoTokenizer.from_pretrained(name, local_files_only=local),
            AutoModelForCausalLM.from_pretrained(name, dtype=dtype, local_files_only=local),
        )

    try:
        with quiet.loading():
            tokenizer, model = hub.loaded(name, read)
            model = model.to(where).eval()
    except hub.NoSuchModel as error:
        raise ModelUnusable(f"There is no model {name!r}: {error}; check MEMSVC_MODEL or the path.") from None
    except OSError as error:  # how transformers says that files are missing
        raise ModelUnusable(
            f"The model {name!r} was not found ({error}): check the name or path, and that the model hub can be "
            "reached or the model was downloaded before."
        ) from error
    except Exception as error:
        raise ModelUnusable(
            f"The model {name!r} cannot be loaded on {where} ({type(error).__name__}: {error}): check that the device "
            "exists and has room, and that this is a causal language model in transformers' format."
        ) from error
    return Engine(model, tokenizer, name=name)
