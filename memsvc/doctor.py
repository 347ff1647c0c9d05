"""`memsvc doctor`: whether each part works on this machine, and what to do where it does not."""

from __future__ import annotations

import importlib.util
import shutil
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

import memsvc
from memsvc import wiring
from memsvc.errors import DatabaseMissing, DatabaseUnreadable, MemsvcError
from memsvc.models.embedding import minilm
from memsvc.models.embedding.checked import CheckedEmbedder
from memsvc.settings import HOW_TO_SET
from memsvc_retrievers.language import Prompt
from memsvc_store.sql.database import TEMPORARY, Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memsvc.settings import Settings
    from memsvc_retrievers.choices import ModelRole
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder

Status = Literal["ok", "off", "failed"]

PATIENCE = 15.0
"""Seconds that a served model gets to answer; a small one that is loaded takes one or two."""

_SHOWN = 5
"""Namespaces that are named; a key to all may see thousands."""


@dataclass(frozen=True, slots=True)
class Check:
    """One part: whether it works (`off`: it is not set up, and need not be), what was found, and what to do."""

    part: str
    status: Status
    found: str
    advice: str = ""


class _Sum(BaseModel):
    """What the tiny call asks for."""

    model_config = ConfigDict(extra="ignore")

    sum: int


def examine(
    settings: Settings, *, embedder: Embedder | None = None, language_model: LanguageModel | None = None
) -> Iterator[Check]:
    """The checks, one by one as they are done: service (if one is set), database, embedder, model (and
    those of roles, by their names), gpu."""
    if settings.url is not None:
        yield _checked("service", lambda: _service(settings))
    yield _checked("database", lambda: _database(settings))
    yield _checked("embedder", lambda: _embedder(embedder or wiring.build_embedder(settings)))
    impatient = _impatient(settings)
    yield _checked("model", lambda: _model(language_model or wiring.build_language_model(impatient)))
    for role in settings.models.named():
        yield _checked(role, partial(_of_role, impatient, role))
    yield _checked("gpu", _gpu)


def _impatient(settings: Settings) -> Settings:
    """With one try, of no more than `PATIENCE`: who asks what is wrong is not to wait for it."""
    return settings.model_copy(update={"model_retries": 0, "model_timeout": min(PATIENCE, settings.model_timeout)})


def _checked(part: str, check: Callable[[], Check]) -> Check:
    """What is wrong says itself what to do: every error of ours does."""
    try:
        return check()
    except MemsvcError as error:
        found, _, advice = str(error).partition("; ")
        return Check(part, "failed", found, advice)


def _service(settings: Settings) -> Check:
    """Reached, of which version, and what the key sees there: all that commands need which name no database."""
    from memsvc.client.probing import probe

    probed = probe(settings, PATIENCE)
    key = "without a key" if settings.api_key is None else "the key is accepted"
    names, more = ", ".join(probed.namespaces[:_SHOWN]), len(probed.namespaces) - _SHOWN
    sees = f"sees {names}{f' and {more} more' if more > 0 else ''}" if names else "sees no namespace with memories yet"
    own = memsvc.__version__
    advice = "" if probed.version == own else f"this is {own}: use the same version on both sides"
    return Check("service", "ok", f"{probed.url}, memsvc {probed.version}; {key}, {sees}", advice)


def _database(settings: Settings) -> Check:
    target = settings.database
    if target == TEMPORARY:
        return Check("database", "ok", "in memory, gone when it is closed")
    try:
        database = Database(target, create=False)
    except DatabaseMissing:
        return Check("database", "off", f"{target} is not there yet", "the first write makes it")
    try:
        with database.write():
            pass  # whether this user may write, and no one else holds it
        problems = database.integrity_problems()
        if problems:
            raise DatabaseUnreadable(f"{problems[0]}; restore a backup, or see `memsvc verify`")
        return Check("database", "ok", f"{database.name}, sound and writable")
    finally:
        database.close()


def _embedder(embedder: Embedder) -> Check:
    started = time.perf_counter()
    checked = CheckedEmbedder(embedder)
    checked.embed(["I moved to Oslo last week."])
    loaded = time.perf_counter()
    checked.embed(["Where does Ann live?"], purpose="query")
    took = 1000 * (time.perf_counter() - loaded)
    speed = f"ready in {loaded - started:.1f} s, a question takes {took:.0f} ms"
    found = f"{embedder.model}, {embedder.dimension} dimensions; {speed}"
    if embedder.model == minilm.INT8_MODEL:
        off = minilm.drift(checked.embed(minilm.SENTENCES))
        if off > minilm.TOLERANCE:
            found = f"{found}; on this processor its cosines are off by {off:.3f}, and look-ups rank differently"
            return Check("embedder", "failed", found, "reinstall onnxruntime, or set MEMSVC_EMBEDDER=minilm-fp32")
    return Check("embedder", "ok", found)


def _model(model: LanguageModel | None) -> Check:
    if model is None:
        return Check("model", "off", "none is set: `ask` gives what was said and does not reason", HOW_TO_SET)
    prompt = Prompt('You add numbers. Reply with JSON: {"sum": <number>}.', "What is 2 + 3?", "doctor", max_tokens=256)
    [completion] = model.complete_many([prompt], schema=_Sum)
    total, call = completion.value(_Sum).sum, completion.call
    constraint = getattr(model, "constraint", None)
    how = f", structured replies by {constraint}" if constraint else ""
    right = "" if total == 5 else f"; it takes 2 + 3 for {total}"
    tokens = f"{call.prompt_tokens} + {call.completion_tokens} tokens"
    advice = f"{call.repairs} replies could not be read at first: a larger model is steadier" if call.repairs else ""
    return Check("model", "ok", f"{model.name} replied in {call.seconds:.1f} s ({tokens}{how}){right}", advice)


def _of_role(settings: Settings, role: ModelRole) -> Check:
    """A model of its own for some of the work; that the rest needs one as well is its own check."""
    return replace(_model(wiring.build_role_model(settings, role)), part=role)


def _gpu() -> Check:
    card = shutil.which("nvidia-smi") is not None
    if importlib.util.find_spec("torch") is None:
        advice = "pip install 'memsvc[gpu,torch]' to use it" if card else ""
        return Check("gpu", "off", "torch is not installed: models in this process run on onnxruntime", advice)
    import torch

    if torch.cuda.is_available():
        free, total = (size / 2**30 for size in torch.cuda.mem_get_info())
        found = f"{torch.cuda.get_device_name()}, {free:.0f} of {total:.0f} GiB free, torch {torch.__version__}"
        return Check("gpu", "ok", found)
    if card:
        advice = "install a CUDA build of torch (pip install --force-reinstall torch)"
        return Check("gpu", "failed", f"there is a card, and torch {torch.__version__} cannot use it", advice)
    return Check("gpu", "off", f"no CUDA device: models in this process run on the CPU (torch {torch.__version__})")
