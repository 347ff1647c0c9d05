"""What is set, as the shell shows it, and the namespace that it sets for commands."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from memsvc import wiring
from memsvc.testing import HashEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pytest
    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose
    from tests.cli.conftest import Shell


def test_each_setting_says_where_it_comes_from(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memsvc.toml").write_text('snapshot_rows = 7\nalpha = 0.5\nmodels = {gate = "ollama/small"}\n')
    monkeypatch.setenv("MEMSVC_ALPHA", "0.25")
    monkeypatch.setenv("MEMSVC_MODELS__DRAFT__NAME", "openai/x")
    found = {one["name"]: one for one in shell.bare("config", "--json").document["settings"]}
    told = {name: (one["value"], one["origin"], one["where"]) for name, one in found.items()}
    assert told["snapshot_rows"] == (7, "file", "memsvc.toml")
    assert told["alpha"] == (0.25, "environment", "MEMSVC_ALPHA")
    assert told["gate"] == ("quality", "default", "MEMSVC_GATE")
    assert told["models.gate"] == ("ollama/small", "file", "memsvc.toml")
    assert told["models.draft.name"] == ("openai/x", "environment", "MEMSVC_MODELS__DRAFT__NAME")
    assert "alpha\t0.25\tenvironment\tMEMSVC_ALPHA" in shell.bare("config").out.splitlines()


def test_no_secret_is_shown(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_MODEL_KEY", "hunter2")
    monkeypatch.setenv("MEMSVC_MODELS__GATE__NAME", "openai/x")
    monkeypatch.setenv("MEMSVC_MODELS__GATE__KEY", "hunter2")
    monkeypatch.setenv("MEMSVC_MODEL_URL", "https://ann:hunter2@models.example/v1?api_key=hunter2&x=1")
    monkeypatch.setenv("MEMSVC_DATABASE", "postgresql+psycopg://ann:hunter2@db.example/memory")
    for ran in (shell.bare("config"), shell.bare("config", "--json")):
        assert ran.code == 0
        assert "hunter2" not in ran.out
        assert "postgresql+psycopg://ann:***@db.example/memory" in ran.out
        assert "https://ann:***@models.example/v1?api_key=***&x=1" in ran.out


def test_a_setting_that_cannot_be_read_is_the_error(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_ALPHA", "much")
    assert "MEMSVC_ALPHA" in shell.bare("config").error


def test_the_namespace_of_commands_is_a_setting(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_NAMESPACE", "acme/ann")
    assert shell("add", "I moved to Oslo.").code == 0
    assert shell("add", "I moved to Rome.", "-n", "default").code == 0
    monkeypatch.delenv("MEMSVC_NAMESPACE")
    [only] = shell("list", "--json").document["memories"]
    assert only["text"] == "I moved to Rome."
    (tmp_path / "memsvc.toml").write_text('namespace = "acme/ann"\n')
    [only] = shell("list", "--json").document["memories"]
    assert only["text"] == "I moved to Oslo."
    monkeypatch.setenv("MEMSVC_NAMESPACE", "a//b")
    assert "'a//b'" in shell("list").error


def test_a_model_that_is_made_ready_says_so(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    class Exported(HashEmbedder):
        def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
            logging.getLogger("memsvc.models").info("exporting %s, once", "minilm")
            return super().embed(texts, purpose=purpose)

    monkeypatch.setattr(wiring, "build_embedder", lambda _: Exported())
    ran = filled("search", "Oslo", "--json")
    assert ran.err == "Exporting minilm, once.\n"
    assert ran.document["hits"]
