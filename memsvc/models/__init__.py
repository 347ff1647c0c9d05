"""Everything that knows a model library: embedders, served language models, local ones.

Nothing leaves the machine unless a user says so, and each of these libraries tells its maker something until it is told
not to, from the moment it is imported:

- onnxruntime 1.31 looks up a server of its maker's, and writes an id of the device into the user's cache folder;
- huggingface_hub 2 says with each request which libraries and which coding agent it runs under, and asks for a list.

LiteLLM's is switched off in `language/border.py`.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memsvc.models.functions import FunctionEmbedder, FunctionModel

__all__ = ["FunctionEmbedder", "FunctionModel"]

for _name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "1")


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("memsvc.models.functions"), name)
    raise AttributeError(f"module 'memsvc.models' has no attribute {name!r}")
