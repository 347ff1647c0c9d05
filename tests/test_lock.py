"""The lock `constraints.txt`: one version of everything, of what pyproject.toml admits, for each Python and system."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LINES = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]
PINS = [Requirement(line) for line in LINES]
ENVIRONMENTS = [
    {"python_version": version, "python_full_version": f"{version}.{patch}", "sys_platform": system,
     "platform_system": name, "platform_machine": "x86_64", "implementation_name": "cpython",
     "platform_python_implementation": "CPython", "os_name": "nt" if system == "win32" else "posix", "extra": ""}
    for version, patch in (("3.11", 7), ("3.12", 1), ("3.13", 0))
    for system, name in (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))
]  # fmt: skip


def own_requirements() -> list[Requirement]:
    """What the project asks for, with all of its extras, itself left out."""
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    asked = [
        Requirement(line) for line in [*PROJECT["dependencies"], *(line for one in extras.values() for line in one)]
    ]
    return [one for one in asked if one.name != "memsvc"]


def pinned(name: str, environment: dict[str, str]) -> list[Version]:
    """The versions that hold for this package there."""
    return [
        Version(str(pin.specifier).removeprefix("=="))
        for pin in PINS
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate(environment))
    ]


def test_every_line_names_a_package_and_one_version_of_it() -> None:
    assert PINS
    for line in LINES:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line), line
    names = [pin.name for pin in PINS]
    assert names == sorted(names), "one order, so that a diff shows what changed"


def test_no_address_stands_in_it() -> None:
    assert not re.search(r"://|--(index|find|extra)|@ ", (ROOT / "constraints.txt").read_text("utf-8"))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda one: f"{one['sys_platform']}-{one['python_version']}")
def test_it_satisfies_what_the_project_asks_for(environment: dict[str, str]) -> None:
    for asked in own_requirements():
        if asked.marker is not None and not asked.marker.evaluate(environment):
            continue
        versions = pinned(asked.name, environment)
        assert len(versions) == 1, f"{asked} has {versions or 'no version'}: just lock"
        assert asked.specifier.contains(versions[0]), f"{asked} is pinned to {versions[0]}: just lock"


def test_it_holds_the_whole_closure() -> None:
    """Of what is installed here: whatever any of it asks for in turn has its version, too."""
    seen: set[str] = set()
    waiting = own_requirements()
    while waiting:
        asked = waiting.pop()
        try:
            found = distribution(asked.name)
        except PackageNotFoundError:
            continue  # of another system, or `gpu` beside `cpu`
        for extra in ["", *asked.extras]:
            if (key := f"{canonicalize_name(asked.name)}[{extra}]") in seen:
                continue
            seen.add(key)
            for line in found.requires or ():
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    missing = {key.partition("[")[0] for key in seen} - {canonicalize_name(pin.name) for pin in PINS}
    assert not missing, "just lock"
    assert len(seen) > 100


def test_what_users_and_machines_run_takes_it() -> None:
    for file in ("README.md", "deploy/Containerfile", "justfile", ".ci/run"):
        installs = re.findall(r"pip install .*'\.\[.*", (ROOT / file).read_text("utf-8"))
        assert installs or file == ".ci/run", file
        for line in installs:
            assert "-c constraints.txt" in line or "# newest" in line, f"{file}: {line}"
