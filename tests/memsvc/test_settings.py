"""Settings: where they come from, which wins, and what a bad one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsvc import Client, Memory, Settings
from memsvc.errors import InvalidInput, MissingDependency, SettingsError
from memsvc.settings import MOST_HOURS
from memsvc.testing import HashEmbedder
from memsvc.wiring import build_embedder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEMSVC_{name.upper()}", raising=False)
    monkeypatch.delenv("MEMSVC_CONFIG", raising=False)
    return tmp_path


def test_defaults_need_nothing() -> None:
    settings = Settings.load()
    assert settings.embedder == "minilm"
    assert settings.database.endswith("memory.db")


def test_arguments_win_over_the_environment_and_that_over_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "memsvc.toml").write_text('database = "file.db"\nsnapshot_rows = 7\nmax_text_chars = 8\n')
    monkeypatch.setenv("MEMSVC_SNAPSHOT_ROWS", "9")
    monkeypatch.setenv("MEMSVC_MAX_TEXT_CHARS", "10")
    settings = Settings.load(max_text_chars=11, database=None)
    assert (settings.database, settings.snapshot_rows, settings.max_text_chars) == ("file.db", 9, 11)


def test_the_file_can_be_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "mine.toml").write_text('embedder = "some/model"\n')
    monkeypatch.setenv("MEMSVC_CONFIG", str(elsewhere / "mine.toml"))
    assert Settings.load().embedder == "some/model"
    monkeypatch.setenv("MEMSVC_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"MEMSVC_CONFIG names 'nowhere\.toml'"):
        Settings.load()


@pytest.mark.parametrize(("address", "secret"), [("url", "api_key"), ("model_url", "model_key")])
def test_a_folder_does_not_say_where_a_key_goes(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, address: str, secret: str
) -> None:
    where, key = "http://127.0.0.1:9", f"MEMSVC_{secret.upper()}"
    (elsewhere / "memsvc.toml").write_text(f'{address} = "{where}"\n')
    assert getattr(Settings.load(), address) == where
    monkeypatch.setenv(key, "msk_a_b")
    with pytest.raises(SettingsError, match=f"working directory names '{address}', and {key} of the environment"):
        Settings.load()
    assert getattr(Settings.load(**{address: "http://localhost"}), address) == "http://localhost"
    assert getattr(Settings.load(**{secret: "given"}), address) == where
    monkeypatch.setenv("MEMSVC_CONFIG", "memsvc.toml")
    assert getattr(Settings.load(), address) == where
    monkeypatch.delenv("MEMSVC_CONFIG")
    monkeypatch.setenv(f"MEMSVC_{address.upper()}", "http://localhost")
    assert getattr(Settings.load(), address) == "http://localhost"


def test_a_client_keeps_the_key_too(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "memsvc.toml").write_text('url = "http://127.0.0.1:9"\n')
    monkeypatch.setenv("MEMSVC_API_KEY", "msk_a_b")
    with pytest.raises(SettingsError, match="set MEMSVC_URL as well"):
        Client()
    with Client("http://127.0.0.1:8") as client:
        assert client.url == "http://127.0.0.1:8"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("snapshot_rows = 'many'", "'snapshot_rows' came as 'many'"),
        ("exact_limit = 0", "MEMSVC_EXACT_LIMIT"),
        ("databse = 'x'", "did you mean 'database'"),
        ("colour = 'x'", "known keys: alpha"),
        ("= broken", "is not valid TOML"),
    ],
)
def test_a_bad_setting_names_its_key(elsewhere: Path, toml: str, says: str) -> None:
    (elsewhere / "memsvc.toml").write_text(toml)
    with pytest.raises(SettingsError, match=says):
        Settings.load()


def test_the_environment_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_SHARD_BYTES", "lots")
    with pytest.raises(SettingsError, match=r"'shard_bytes' came as 'lots'.*MEMSVC_SHARD_BYTES"):
        Settings.load()


def test_only_the_default_database_gets_its_folder_made(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(elsewhere / "data"))
    with Memory.open(embedder=HashEmbedder()) as memory:
        memory.add("kept", namespace="ann")
    assert (elsewhere / "data" / "memsvc" / "memory.db").exists()
    with pytest.raises(Exception, match="does not exist"):
        Memory.open(elsewhere / "no" / "a.db", embedder=HashEmbedder())


def test_settings_reach_the_store(elsewhere: Path) -> None:
    settings = Settings.load(max_text_chars=5)
    with Memory.open(elsewhere / "a.db", embedder=HashEmbedder(), settings=settings) as memory:
        assert memory.add(["123456", "1"], namespace="ann")[0].status == "rejected"


def test_any_sentence_transformers_name_is_wired() -> None:
    assert type(build_embedder(Settings.load(embedder="some/model"))).__name__ == "SentenceTransformerEmbedder"
    for name in ("minilm", "minilm-fp32"):
        assert type(build_embedder(Settings.load(embedder=name))).__name__ == "OnnxEmbedder"
        assert type(build_embedder(Settings.load(embedder=name, device="cpu"))).__name__ == "OnnxEmbedder"
        assert (
            type(build_embedder(Settings.load(embedder=name, device="cuda"))).__name__ == "SentenceTransformerEmbedder"
        )


def test_without_the_model_what_needs_no_vector_works(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Memory.open(elsewhere / "a.db", embedder=HashEmbedder()) as memory:
        [receipt] = memory.add(["kept"], namespace="ann")
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with Memory.open(elsewhere / "a.db") as memory:
        assert memory.get(receipt.id or "", namespace="ann").text == "kept"
        assert len(list(memory.export(namespace="ann"))) == 2
        with pytest.raises(MissingDependency, match=r"memsvc\[cpu\]"):
            memory.search("kept", namespace="ann")
        memory.delete(receipt.id or "", namespace="ann")


@pytest.mark.parametrize("where", ["environment", "file", "argument"])
def test_the_cap_on_feedback_is_taken_away_by_one_word(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("MEMSVC_FEEDBACK_CAP", "inf")
    if where == "file":
        (elsewhere / "memsvc.toml").write_text("feedback_cap = inf\n")
    given = {"feedback_cap": float("inf")} if where == "argument" else {}
    assert Settings.load(**given).feedback_cap is None
    assert Settings.load(feedback_cap=0.25).feedback_cap == 0.25


@pytest.mark.parametrize(
    ("name", "value"),
    [("feedback_window", 1e12), ("feedback_window", float("inf")), ("feedback_window", float("nan")),
     ("feedback_window", 0), ("feedback_cap", 0), ("feedback_cap", float("nan")), ("max_trajectory_chars", 0)],
)  # fmt: skip
def test_bounds_of_learning(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' came as"):
        Settings.load(**{name: value})


def test_the_longest_window_can_be_used(elsewhere: Path) -> None:
    settings = Settings.load(feedback_window=MOST_HOURS, reflection="off")
    with Memory.open(elsewhere / "a.db", embedder=HashEmbedder(), settings=settings) as memory:
        memory.add("hello", namespace="ann")
        trace_id = memory.search("hello", namespace="ann", trace=True).trace_id or ""
        for after in (0.3, 0.5, 0.5):
            [move] = memory.feedback(trace_id, 1.0).moves
            assert move.after == after


def test_models_are_opened_by_their_names(elsewhere: Path) -> None:
    with Memory.open(elsewhere / "a.db", embedder="minilm-fp32", language_model="ollama/qwen3:8b") as memory:
        assert memory.language_model is not None
        assert memory.language_model.name == "ollama/qwen3:8b"
        assert (memory.settings.embedder, memory.settings.model) == ("minilm-fp32", "ollama/qwen3:8b")
    for given in ({"embedder": " "}, {"language_model": ""}):
        with pytest.raises(InvalidInput, match="give a model's name"):
            Memory.open(elsewhere / "a.db", **given)  # type: ignore[arg-type]
