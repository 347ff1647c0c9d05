"""Which harnesses there are shims for, and the lines that put memsvc into each."""

from __future__ import annotations

from dataclasses import dataclass

from memsvc.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Step:
    """A change in the harness's checkout: `lines` go into `file`, at the place that `where` names."""

    file: str
    where: str
    lines: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """A shim: `path` is what is imported, as `module:name`, and `command` runs the harness with it."""

    name: str
    harness: str
    purpose: str
    calls: str
    path: str
    steps: tuple[Step, ...]
    command: str


ADAPTERS = (
    Adapter(
        name="omnimemeval",
        harness="https://github.com/MemTensor/OmniMemEval",
        purpose="compares memory systems on LoCoMo, LongMemEval, BEAM, PersonaMem and HaluMem",
        calls="add, search, delete",
        path="memsvc_evals.adapters.omnimemeval:MemsvcClient",
        steps=(
            Step(
                "scripts/client_factory/memsvc_client.py",
                "a new file",
                'from memsvc_evals.adapters.omnimemeval import MemsvcClient\n\n__all__ = ["MemsvcClient"]',
            ),
            Step(
                "scripts/client_factory/registry.py",
                "into _LIB_CLIENT_REGISTRY",
                '"memsvc": ("memsvc_client", "MemsvcClient"),',
            ),
            Step(
                "scripts/locomo/locomo_search.py",
                "into _search_dispatch: both speakers' stores hold the same, so one look-up does",
                '"memsvc": shared_conv_search,',
            ),
            Step(
                "scripts/utils/search_helpers.py",
                "into DEFAULT_SEARCH_DISPATCH",
                '"memsvc": generic_text_search,',
            ),
            Step(".env.memsvc", "a new file, beside the harness's own settings", "MEMSVC_DATABASE=omnimemeval.db"),
        ),
        command="./scripts/run_locomo_eval.sh --lib memsvc --env .env.memsvc",
    ),
    Adapter(
        name="agent-memory-benchmark",
        harness="https://github.com/vectorize-io/agent-memory-benchmark",
        purpose="compares memory systems on LoCoMo, LongMemEval, PersonaMem, BEAM and others",
        calls="ingest, retrieve",
        path="memsvc_evals.adapters.agent_memory_benchmark:MemsvcBackend",
        steps=(
            Step(
                "src/memory_bench/memory/memsvc_provider.py",
                "a new file; hits: the harness's k counts documents, memsvc's hits are messages",
                "from memsvc_evals.adapters.agent_memory_benchmark import MemsvcBackend\n\n"
                "from .base import MemoryProvider\n\n\n"
                "class MemsvcMemoryProvider(MemsvcBackend, MemoryProvider):\n"
                "    hits = 30",
            ),
            Step(
                "src/memory_bench/memory/__init__.py",
                "at the end",
                'from .memsvc_provider import MemsvcMemoryProvider\n\nREGISTRY["memsvc"] = MemsvcMemoryProvider',
            ),
        ),
        command="uv run amb run --dataset locomo --split locomo10 --memory memsvc",
    ),
)


def adapter(name: str) -> Adapter:
    """The shim of that name.

    Raises:
        InvalidInput: there is none.
    """
    for one in ADAPTERS:
        if one.name == name:
            return one
    raise InvalidInput(f"there is no adapter {name!r}; there are {', '.join(one.name for one in ADAPTERS)}")
