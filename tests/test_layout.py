"""The house: what is imported from where, what an import costs, what the doors show."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import memsvc

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "memsvc": "memsvc",
    "memsvc_store": "store",
    "memsvc_retrievers": "retrievers",
    "memsvc_learners": "learners",
    "memsvc_cli": "cli",
    "memsvc_evals": "evals",
}
HEAVY = (
    "torch",
    "faiss",
    "litellm",
    "transformers",
    "sentence_transformers",
    "onnxruntime",
    "sqlalchemy",
    "networkx",
    "numpy",
)


@pytest.mark.parametrize(("package", "folder"), PACKAGES.items())
def test_each_package_is_this_repositorys(package: str, folder: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT / folder)
    assert (Path(module.__file__).parent / "py.typed").exists()
    assert module.__doc__


def test_the_public_door_shows_what_it_says() -> None:
    assert sorted(memsvc.__all__) == dir(memsvc)
    for name in memsvc.__all__:
        assert getattr(memsvc, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = memsvc.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["import memsvc", "import memsvc_cli.app", "import memsvc_store.errors"])
def test_importing_costs_nothing_heavy(code: str) -> None:
    program = f"import sys; {code}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_error_is_drawn_in_the_tree() -> None:
    import memsvc.errors as service
    import memsvc_store.errors as store

    drawn = f"{store.__doc__} {service.__doc__}"
    for module in (store, service):
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, store.MemsvcError):
                assert name in drawn
                assert name in service.__all__


def test_every_error_can_be_caught_by_its_name_at_the_door() -> None:
    import memsvc.errors as service

    for name in service.__all__:
        assert getattr(memsvc, name) is getattr(service, name)


def test_no_module_imports_itself_by_a_detour() -> None:
    """Not even for the type checker: such a circle marks a value that lies on the wrong side."""
    import grimp
    import networkx

    graph = grimp.build_graph(*PACKAGES)
    arrows = ((module, other) for module in graph.modules for other in graph.find_modules_directly_imported_by(module))
    circles = [sorted(one) for one in networkx.strongly_connected_components(networkx.DiGraph(arrows)) if len(one) > 1]
    assert not circles


@pytest.mark.parametrize("room", ["values", "sql", "writing", "projections", "erasing"])
def test_the_door_of_a_room_names_what_is_in_it(room: str) -> None:
    folder = ROOT / "store" / "memsvc_store" / room
    door = importlib.import_module(f"memsvc_store.{room}").__doc__ or ""
    said = {word.strip(",;") for line in door.splitlines()[2:] for word in line.split()}
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {one for one in modules if one not in said and f"*_{one.rpartition('_')[2]}" not in said} == set()
    assert (folder / "README.md").exists()
