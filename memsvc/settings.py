"""Settings: one frozen object, read once from the environment (`MEMSVC_*`) and a TOML file.

The environment wins over the file, and arguments win over both. The file is `memsvc.toml` in the
working directory, or the one that `MEMSVC_CONFIG` names.
"""

from __future__ import annotations

import math
from pathlib import Path  # noqa: TC003 pydantic reads it
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from memsvc import sources
from memsvc.times import zone
from memsvc_retrievers.choices import FLOOR, MODEL_ROLES, POLICIES, Deliberation, ModelRole, Policy, Scan, Style
from memsvc_store import EXACT_LIMIT, SHARD_BYTES, SNAPSHOT_ROWS

HOW_TO_SET = (
    "set MEMSVC_MODEL, such as ollama/<name>, hosted_vllm/<name> with MEMSVC_MODEL_URL, or local/<path>, "
    "and see with `memsvc doctor` whether it answers"
)
"""How to get a language model: the end of every message that misses one."""

MOST_HOURS = 100 * 365.25 * 24
"""A century. The sum of a time and a window has to be a time."""

RATE, BURST = 100.0, 200
"""Requests a second that one key gets for as long as it likes, and at once after a rest."""

BODY_BYTES = 16 << 20
"""The longest body: a thousand messages of the longest kind would be 100 MB, and are better sent as an import."""

_SCAN = Scan()


def default_database() -> Path:
    """Where memories are kept when nothing else is said: the user's own data folder."""
    return user_data_path("memsvc") / "memory.db"


def _bound(cap: float | None) -> float | None:
    """None where there is none: the environment and a file can say `inf`."""
    return None if cap == math.inf else cap


def _zoned(name: str) -> str:
    """The name of a time zone that there is."""
    zone(name)
    return name


class ServedModel(BaseModel):
    """A language model, and where it is served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="As LiteLLM names it")
    url: str | None = Field(default=None, description="Where it is served; by default its provider's own address")
    key: SecretStr | None = Field(
        default=None, description="The key for it; by default what its provider's variable holds"
    )


RoleModel = ServedModel | Annotated[str, Field(min_length=1)] | None


class RoleModels(BaseModel):
    """Language models of their own for some of the work; what has none is done by `model`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draft: RoleModel = Field(default=None, description="The fast answer")
    answer: RoleModel = Field(default=None, description="The answer after deliberation")
    gate: RoleModel = Field(default=None, description="Judges the fast answer")
    deliberate: RoleModel = Field(default=None, description="Reads the log again")
    extract: RoleModel = Field(default=None, description="Works facts out")
    reflect: RoleModel = Field(default=None, description="Sums episodes up")

    def of(self, role: ModelRole) -> ServedModel | None:
        """The model of a role; None where it has none of its own."""
        found: RoleModel = getattr(self, role)
        return ServedModel(name=found) if isinstance(found, str) else found

    def named(self) -> dict[ModelRole, ServedModel]:
        """The models that are set."""
        return {role: one for role in MODEL_ROLES if (one := self.of(role)) is not None}


class Settings(BaseSettings):
    """Everything that can be set, with its default."""

    model_config = SettingsConfigDict(
        env_prefix="MEMSVC_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True,
        protected_namespaces=(),
    )  # fmt: skip

    database: str = Field(
        default_factory=lambda: str(default_database()),
        description="A SQLite file, or a SQLAlchemy URL such as postgresql+psycopg://...",
    )
    embedder: str = Field(
        "minilm",
        min_length=1,
        description="'minilm' (all-MiniLM-L6-v2 with int8 weights), 'minilm-fp32' (its official weights, "
        "extra `torch`), or any sentence-transformers name or path",
    )
    device: str | None = Field(
        None,
        description="Where models in this process run: cpu, cuda, mps; None: the CPU for minilm, else as torch finds; "
        "on a device minilm has its official weights",
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("memsvc"), description="Exported models; safe to delete"
    )
    timezone: Annotated[str, AfterValidator(_zoned)] = Field(
        "UTC",
        description="The zone, such as Asia/Shanghai, in which `today`, a date or a time without an offset is meant, "
        "unless a call names its own; messages said now are filed under its day",
    )
    max_text_chars: int = Field(100_000, ge=1, description="The longest message that is accepted")
    max_trajectory_chars: int = Field(
        1_000_000, ge=1, description="The longest trajectory of an episode that is accepted; a list as JSON"
    )
    exact_limit: int = Field(EXACT_LIMIT, ge=1, description="Memories of a namespace up to which look-ups are exact")
    shard_bytes: int = Field(SHARD_BYTES, ge=1 << 20, description="Memory for the projections of all namespaces")
    snapshot_rows: int = Field(SNAPSHOT_ROWS, ge=1, description="Memories from which a namespace gets a snapshot")

    model: str | None = Field(
        None,
        min_length=1,
        description="The language model of `ask`, as LiteLLM names it: ollama/<name>, hosted_vllm/<name>, "
        "openai/<name>, or local/<hub id or path> in this process; None: `ask` quotes",
    )
    model_url: str | None = Field(None, description="Where the model is served, such as http://localhost:8000/v1")
    model_key: SecretStr | None = Field(None, description="The key of the model's server, if it wants one")
    models: RoleModels = Field(
        default_factory=RoleModels,
        description=f"Other models for some of the work: {', '.join(MODEL_ROLES)}; each a name, or a table of name, "
        "url and key. The environment has MEMSVC_MODELS__GATE, MEMSVC_MODELS__GATE__NAME and so on",
    )
    model_timeout: float = Field(120.0, gt=0, description="Seconds that one request to a served model may take")
    model_retries: int = Field(3, ge=0, description="How often a request that failed is repeated")
    model_concurrency: int = Field(
        4, ge=1, description="Requests under way at once; a model in this process takes its batches whole"
    )
    model_context: int = Field(
        16_384,
        ge=1,
        description="Tokens that a prompt and its reply may take: what is read is cut to fit. Ollama is told to run "
        "with so many, since it cuts longer prompts off in silence",
    )
    model_tokens_per_day: int | None = Field(
        None,
        ge=1,
        description="Tokens that language models may take in a day (UTC), for all processes on the database together; "
        "None: no bound",
    )
    gate: Policy = Field("quality", description=f"Who decides whether the fast answer will do: {', '.join(POLICIES)}")
    deliberation: Deliberation = Field(
        "auto",
        description="What follows where it will not: scan, hypergraph, or auto (scan while the log fits `scan_tokens`)",
    )
    min_relevance: float = Field(
        FLOOR, ge=0, le=1, description="The least relevance of what `ask` and the tools of MCP take from memory"
    )
    answer_style: Style = Field(
        "short", description="How answers are worded: short (five or six words), or reasoned (sentences with grounds)"
    )
    scan_tokens: int = Field(_SCAN.tokens, ge=1, description="Tokens of the log that one deliberation reads at most")
    chunk_messages: int = Field(_SCAN.chunk, ge=1, description="Messages that are read in one call")
    context_messages: int = Field(_SCAN.context, ge=0, description="Messages before them that are shown for context")

    extraction: Literal["off", "background"] = Field(
        "off", description="background: what is added is worked through for facts, which needs a model"
    )
    extract_messages: int = Field(2, ge=1, description="Messages that one extraction call works through")

    alpha: float = Field(0.3, gt=0, le=1, description="How far one reward moves a Q-value towards itself")
    reflection: Literal["off", "background"] = Field(
        "background",
        description="background: a language model, where one is set, writes the experience of new episodes",
    )
    intent_similarity: float | None = Field(
        None, gt=0, le=1, description="Cosine from which the intents of episodes share a node; None: equal ones only"
    )
    episode_weight: float = Field(
        0.5, ge=0, le=1, description="Utility's part in ranking episodes (MemRL's lambda); 0: similarity alone"
    )
    search_weight: float = Field(
        0.0, ge=0, lt=1, description="Utility's part in ranking conversation memories; 0: similarity alone"
    )
    feedback_cap: Annotated[Annotated[float, Field(gt=0)] | None, AfterValidator(_bound)] = Field(
        0.5,
        description="How far the balance of one source's steps, up less down, may take one memory's Q-value within "
        "the window; inf: no bound",
    )
    feedback_window: float = Field(24.0, gt=0, le=MOST_HOURS, description="The window, in hours; a century at most")
    hot_memories: int | None = Field(
        None,
        ge=1,
        description="Messages and facts of a namespace that stay in the fast index; the rest turn cold. None: all",
    )

    echo_minutes: float = Field(
        30.0,
        ge=0,
        le=60 * MOST_HOURS,
        description="How long a look-up for a session is remembered, so that its texts are known for echoes; 0: not",
    )
    batch_window_ms: float = Field(
        2.0, ge=0, le=1_000, description="Milliseconds that the service's embedder waits for callers under way; 0: none"
    )
    batch_size: int = Field(32, ge=1, description="Texts that it embeds in one call of several callers; 1: no batching")

    server_host: str = Field("127.0.0.1", min_length=1, description="Where `memsvc serve` listens; 0.0.0.0: everywhere")
    server_port: int = Field(8321, ge=0, le=65_535, description="Its port; 0: any that is free")
    body_limit: int = Field(BODY_BYTES, ge=1, description="Bytes of a request's body at most; an import may be longer")
    rate_limit: float = Field(RATE, gt=0, description="Requests a second that one key gets for as long as it likes")
    rate_burst: int = Field(BURST, ge=1, description="Requests that it gets at once after a rest")
    shutdown_grace: float = Field(
        10.0, ge=0, description="Seconds that answers under way get when it is told to stop; writes always finish"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What its log holds at least")
    log_contents: bool = Field(
        False, description="Let the log hold the messages of errors, which may quote what users wrote"
    )

    namespace: str = Field("default", min_length=1, description="The namespace of commands that name none")
    url: str | None = Field(
        None, description="The service that `Client` and the command line talk to, such as http://127.0.0.1:8321"
    )
    api_key: SecretStr | None = Field(None, description="The key for it, as `memsvc keys create` printed it")

    @classmethod
    def load(cls, **overrides: Any) -> Settings:
        """Read the environment and the file; `overrides` that are None count as not given.

        Raises:
            SettingsError: a value that cannot be read, an unknown key in the file, a broken file, or one in the working
                directory that says where a secret of the environment is to be sent.
        """
        given = {key: value for key, value in overrides.items() if value is not None}
        with sources.readable(cls):
            settings = cls(**given)
            sources.check_secrets(cls, given.keys())
        return settings

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Arguments, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, sources.config_file())
