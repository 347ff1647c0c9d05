"""The files that an operator starts from: in step with the settings, and of a form that their readers take."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from memsvc.settings import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
NOT_SETTINGS = {"MEMSVC_CONFIG"}


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bMEMSVC_[A-Z_]+\b", text)) - NOT_SETTINGS


def test_the_example_is_in_step_with_the_settings() -> None:
    done = subprocess.run([sys.executable, str(DEPLOY / "env_example.py")], capture_output=True, text=True, check=True)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert example == done.stdout, "write it anew: just env"
    told = re.findall(r"^# (MEMSVC_\w+)=", example, re.MULTILINE)
    assert told == [f"MEMSVC_{name.upper()}" for name in Settings.model_fields]


def test_what_the_example_says_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(r"^# (MEMSVC_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE):
        monkeypatch.setenv(name, value)  # uncommented whole; what has no value counts as not set
    loaded = Settings.load()
    assert {name: getattr(loaded, name) for name in ("alpha", "gate", "server_port")} == {
        name: Settings.model_fields[name].default for name in ("alpha", "gate", "server_port")
    }


@pytest.mark.parametrize("name", ["Containerfile", "compose.yaml", "memsvc.service"])
def test_only_settings_that_exist_are_named(name: str) -> None:
    known = {f"MEMSVC_{field.upper()}" for field in Settings.model_fields}
    assert variables((DEPLOY / name).read_text(encoding="utf-8")) <= known


def test_the_container_copies_what_the_package_is_made_of_and_serves() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    copied = {source for line in re.findall(r"^COPY ([^-].*) \S+$", text, re.MULTILINE) for source in line.split()}
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert copied == set(sent)
    for source in copied:
        assert (ROOT / source).exists()
    assert {"pyproject.toml", "constraints.txt", "examples"} <= copied
    assert {"memsvc", "store", "retrievers", "learners", "cli", "evals"} <= copied
    extras = {extra for found in re.findall(r"'\.\[(.+)\]'", text) for extra in found.split(",")}
    assert {"cpu", "server"} <= extras
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = \[", pyproject, re.MULTILINE) for extra in extras)
    assert "MEMSVC_SERVER_HOST=0.0.0.0" in text, "a container that listens to itself serves nobody"


def test_compose() -> None:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert set(found["services"]) == {"memsvc", "postgres"}
    service = found["services"]["memsvc"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert service["ports"] == ["127.0.0.1:8321:8321"], "reached from this machine; a proxy with TLS opens it further"
    assert {volume.split(":")[0] for one in found["services"].values() for volume in one["volumes"]} == set(
        found["volumes"]
    )


def test_the_unit() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(DEPLOY / "memsvc.service", encoding="utf-8")
    service = unit["Service"]
    assert service["ExecStart"].endswith("/memsvc serve")
    assert float(service["TimeoutStopSec"]) > float(Settings.model_fields["shutdown_grace"].default)
