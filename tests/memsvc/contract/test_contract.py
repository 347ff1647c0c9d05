"""A verb is declared once: its signature and sentences in `Verbs`, its request in the table; every face follows."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from memsvc import AsyncClient, AsyncMemory, Client, Memory
from memsvc.contract.derived import NAMES, AwaitedVerbs
from memsvc.contract.options import AskOptions, EpisodeOptions, Filters
from memsvc.contract.parameters import _entries, options_of, sentences
from memsvc.contract.table import VERBS
from memsvc.contract.verbs import Verbs
from memsvc.server.routes import ALL
from memsvc.service.bodies import body

LOCAL = {"count_tokens"}
"""Worked out where it is asked for."""


def parameters(verb: str) -> dict[str, inspect.Parameter]:
    return dict(list(inspect.signature(getattr(Verbs, verb)).parameters.items())[1:])


def test_each_verb_has_one_row_and_each_row_a_verb() -> None:
    assert set(VERBS) == set(NAMES) - LOCAL


@pytest.mark.parametrize("verb", NAMES)
def test_a_verb_says_what_it_does_and_speaks_of_its_own_parameters_alone(verb: str) -> None:
    assert inspect.getdoc(getattr(Verbs, verb))
    known = set(parameters(verb)) | set(options_of(verb).__annotations__)
    assert set(_entries(getattr(Verbs, verb))) <= known


@pytest.mark.parametrize("options", [Filters, AskOptions, EpisodeOptions])
def test_every_option_is_explained(options: type) -> None:
    verb = {Filters: "search", AskOptions: "ask", EpisodeOptions: "search_episodes"}[options]
    assert set(options.__annotations__) <= set(sentences(verb))


def test_a_sentence_of_several_lines_is_one_line() -> None:
    assert sentences("search")["token_budget"].startswith("of the best 200 (or `top_k`), each is taken in rank order")
    assert sentences("search")["for_session"].endswith("one durable write.")
    assert sentences("stats") == {}


@pytest.mark.parametrize("verb", NAMES)
def test_a_memory_does_it_as_declared(verb: str) -> None:
    assert inspect.signature(getattr(Memory, verb)).parameters == inspect.signature(getattr(Verbs, verb)).parameters
    assert getattr(Memory, verb) is not getattr(Verbs, verb), "declared, and done by nobody"
    assert inspect.getdoc(getattr(Memory, verb)) == inspect.getdoc(getattr(Verbs, verb))


@pytest.mark.parametrize("face", [Client, AsyncMemory, AsyncClient])
@pytest.mark.parametrize("verb", NAMES)
def test_a_derived_face_has_it_with_its_signature_and_its_words(face: type, verb: str) -> None:
    found, declared = getattr(face, verb), getattr(Verbs, verb)
    assert found is not declared
    if verb == "import_" and face is not Client:  # it takes asynchronous lines as well
        assert list(inspect.signature(found).parameters) == list(inspect.signature(declared).parameters)
        return
    assert inspect.signature(found) == inspect.signature(declared)
    assert verb in LOCAL or inspect.getdoc(found) == inspect.getdoc(declared)


def test_awaited_verbs_that_nobody_does_say_so() -> None:
    with pytest.raises(NotImplementedError):
        AwaitedVerbs()._steps("export", (), {})
    with pytest.raises(NotImplementedError):
        Verbs().namespaces()


def test_routes_are_their_rows() -> None:
    rows = {name.rstrip("_"): (row.method, row.path, row.permission) for name, row in VERBS.items()}
    del rows["ask_stream"]  # `ask`, as events
    assert {verb.name: (verb.row.method, verb.row.path, verb.row.permission) for verb in ALL} == rows


@pytest.mark.parametrize("verb", [name for name, row in VERBS.items() if not row.queried])
def test_requests_are_described_in_the_verbs_words(verb: str) -> None:
    described = {name: field.description for name, field in body(verb).model_fields.items()}
    said = {name: text for name, text in sentences(verb).items() if name in described and name not in _HTTPS_OWN}
    assert said.items() <= described.items()


_HTTPS_OWN = {"namespace", "model"}
"""What is said otherwise over HTTP: `model` takes a permission there."""


def test_a_client_imports_no_database_and_no_array() -> None:
    heavy = ("sqlalchemy", "numpy", "faiss", "networkx", "onnxruntime", "memsvc_store.store", "pydantic_settings")
    code = f"""if True:
        import sys
        from memsvc import AsyncClient, Client
        Client("http://127.0.0.1:1", api_key="msk_" + "0" * 43).close()
        print(*[name for name in {heavy!r} if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
