"""Makes `local/<folder or hub name>` a model name that LiteLLM knows.

    register()
    await litellm.acompletion(model="local/Qwen/Qwen2.5-7B-Instruct", messages=[...])     # the hub
    await litellm.acompletion(model="local//models/qwen", messages=[...], device="cuda")  # a folder

Requests that are sent together run as one batch, so send a whole batch at once and let nothing limit it.
"""

from __future__ import annotations

from importlib.util import find_spec

from memsvc.models.local.shapes import PROVIDER
from memsvc_store.errors import MissingDependency

NEEDED = ("litellm", "torch", "transformers", "llguidance")


def register() -> None:
    """Tells LiteLLM about the provider; a second time changes nothing. No model is loaded, and no torch.

    Raises:
        MissingDependency: a package that local models need is not installed.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise MissingDependency(f"Local models need {', '.join(missing)}: pip install 'memsvc[local]'.")
    from memsvc.models.language.border import load

    litellm = load()
    # Only now: its import needs LiteLLM, which `load` imports without looking at the network.
    from memsvc.models.local.handler import LocalModels

    if all(known["provider"] != PROVIDER for known in litellm.custom_provider_map):
        # A new list: the one that is there may be shared.
        litellm.custom_provider_map = [
            *litellm.custom_provider_map,
            {"provider": PROVIDER, "custom_handler": LocalModels()},
        ]
