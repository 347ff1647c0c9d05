"""What a plan file, or the command line, says of a run with policies, and the plan and parts that follow from it."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr

from memsvc import Settings, wiring
from memsvc.asking.prepare import TOP_K
from memsvc.errors import InvalidInput, SettingsError
from memsvc.settings import HOW_TO_SET
from memsvc_evals.answers.audit import read_audit
from memsvc_evals.answers.plan import JUDGE_PROMPTS, Parts, Plan, Selection
from memsvc_retrievers.choices import Style

if TYPE_CHECKING:
    from memsvc_evals.datasets.values import Dataset
    from memsvc_retrievers.language import LanguageModel

Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Declaration:
    """Every option of a run with policies; a plan file has them as its keys.

    `policies` answer, each once; without one nothing is asked of a model. `model` answers (None: MEMSVC_MODEL), as the
    memory that sees `top_k` memories and the prompt of `style` let it. `judge` judges (None: nobody does), under each
    of `judge_prompts`, and is served at `judge_url` (None: where the model is; its key is MEMSVC_JUDGE_KEY). Of the
    data set the first `limit` questions of these `conversations` and `categories` are asked (None: all), `runs` times,
    `parallel` of them side by side (None: MEMSVC_MODEL_CONCURRENCY); what is drawn follows from `seed`. `facts` are
    worked out of the messages first. `audited_key` is a corrected answer key, by which is scored as well.
    """

    policies: tuple[str, ...] = ()
    model: str | None = None
    judge: str | None = None
    judge_url: str | None = None
    judge_prompts: tuple[str, ...] = JUDGE_PROMPTS
    style: Style = "short"
    top_k: Count = TOP_K
    runs: Count = 1
    seed: int = 0
    limit: Count | None = None
    conversations: tuple[str, ...] | None = None
    categories: tuple[int, ...] | None = None
    facts: bool = False
    audited_key: Path | None = None
    parallel: Count | None = None

    @property
    def answers(self) -> bool:
        """Whether questions are to be answered, or only their evidence looked up.

        Raises:
            InvalidInput: there is no policy, and something that only bears on answers.
        """
        given = [one.name for one in fields(self) if getattr(self, one.name) != one.default]
        if given and not self.policies:
            raise InvalidInput(f"{given[0]} came without a policy; name one by --policy or in the plan")
        return bool(self.policies)

    def plan(self) -> Plan:
        """What is run."""
        selection = Selection(self.limit, self.conversations, self.categories)
        return Plan(
            self.policies, selection, self.judge_prompts, self.style, self.top_k, self.runs, self.seed, self.facts
        )

    def parts(self, dataset: "Dataset", database: str | None) -> Parts:
        """What it is run with; `database` is where the memories are, if not in the run directory.

        Raises:
            SettingsError: no language model is named.
            DatasetError: the audited key is of no use.
        """
        settings = Settings.load(extraction="off", reflection="off", model=self.model)
        model = wiring.build_language_model(settings)
        if model is None:
            raise SettingsError(f"a policy came, and no language model answers; name one with --model, or {HOW_TO_SET}")
        return Parts(
            model,
            settings,
            judge=self._judge(settings, model),
            key=None if self.audited_key is None else read_audit(self.audited_key, dataset),
            database=database,
            parallel=self.parallel or settings.model_concurrency,
        )

    def _judge(self, settings: Settings, model: "LanguageModel") -> "LanguageModel | None":
        """The judge; the model itself where it is to judge its own answers, and not loaded twice."""
        key = os.environ.get("MEMSVC_JUDGE_KEY")
        if self.judge is None or (self.judge == model.name and self.judge_url is None and key is None):
            return None if self.judge is None else model
        changed: dict[str, Any] = {}
        if self.judge_url is not None:
            changed |= {"model_url": self.judge_url, "model_key": None}
        if key is not None:
            changed["model_key"] = SecretStr(key)
        return wiring.build_language_model(settings.model_copy(update=changed), self.judge)
