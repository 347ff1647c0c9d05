"""The options of commands: those that many share, and those that are a verb's parameters, in the contract's words."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any

import typer

from memsvc.contract.options import ORDERS
from memsvc.contract.parameters import LOCAL, Parameter, parameters
from memsvc_learners.credit import CREDITS
from memsvc_retrievers.choices import DELIBERATIONS, POLICIES, STYLES

DEFAULT_NAMESPACE = "default"

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="PATH_OR_URL",
        help="The database: a file, or a URL such as postgresql+psycopg://... "
        "[default: MEMSVC_DATABASE, then memsvc.toml, then a file among the user's data]",
        show_default=False,
    ),
]


def _home(context: typer.Context, parameter: Any, given: str) -> str:
    """The namespace that was given, or else the settings' one."""
    from memsvc import Settings

    asked = context.get_parameter_source(parameter.name)
    return given if asked is None or asked.name != "DEFAULT" else Settings.load().namespace


Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        callback=_home,
        show_default=False,
        help="Whose memories: a path such as acme/alice. [default: MEMSVC_NAMESPACE, then memsvc.toml, then 'default']",
    ),
]
AnyNamespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Only this namespace; all of them when left out."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]


_SPELLED: Mapping[str, tuple[str, ...]] = {
    "session_id": ("--session",), "memory_id": ("--id",), "top_k": ("--top-k", "-k"), "cold": ("--cold/--hot",),
    "include_ended": ("--include-ended/--without-ended",), "sources": ("--source",), "name": ("--speaker", "--name"),
    "success": ("--success/--failure",),
}  # fmt: skip
"""Options that are called otherwise than their parameters; the others are `--token-budget` for `token_budget`."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "Policy": POLICIES, "Deliberation": DELIBERATIONS, "Style": STYLES, "Credit": CREDITS,
    "Order": ORDERS, "Kept": ("message", "fact"),
}  # fmt: skip
"""Types of which help names the values."""

_BOUNDS: Mapping[str, Mapping[str, float]] = {
    "int": {"min": 1}, "float": {"min": 0, "max": 1}, "seed": {"min": 0},
    "reward": {"min": -1, "max": 1}, "threshold": {"min": -1, "max": 1},
    "min_similarity": {"min": -1, "max": 1},
}  # fmt: skip
"""What numbers may be: by the name of the parameter, or else by its type."""


def told(verb: str, name: str) -> str:
    """The contract's sentence about a parameter of a verb, as help."""
    text = parameters(verb)[name].sentence
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def takes(verb: str, *without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: the command has the options of a verb, but for those that it names itself and those it is `without`.

    The command gets what was given of them as `**given`, by the names of the verb's parameters.
    """

    def made(command: Callable[..., None]) -> Callable[..., None]:
        own = [one for one in inspect.signature(command).parameters.values() if one.kind is not one.VAR_KEYWORD]
        left = {one.name for one in own} | {*without, *LOCAL}
        options = [_option(verb, one) for name, one in parameters(verb).items() if name not in left]
        names = {one.name for one in options}

        @wraps(command)
        def run(**received: Any) -> None:
            command(**{name: one for name, one in received.items() if name not in names or one not in (None, [])})

        first = next(place for place, one in enumerate(own) if one.name in ("namespace", "db"))
        ordered = [*own[:first], *options, *own[first:]]
        keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in ordered]
        run.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
        return run

    return made


def _option(verb: str, parameter: Parameter) -> inspect.Parameter:
    """A parameter as Typer takes an option."""
    kind = parameter.kind.removesuffix(" | None")
    optional = kind != parameter.kind
    spelled = _SPELLED.get(parameter.name, (f"--{parameter.name.replace('_', '-')}",))
    text = told(verb, parameter.name)
    shown: dict[str, Any] = {"metavar": spelled[0].rpartition("-")[2].upper()}
    value: Any = str
    if kind in ("Names", "Sequence[str]"):
        value, text = list[str], f"{text[:-1]}; may be repeated."
    elif kind in ("Time", "Where"):
        shown["metavar"] = {"Time": "TIME", "Where": "JSON"}[kind]
    elif kind in _CHOICES and not all(one in text.lower() for one in _CHOICES[kind]):
        text = f"{text[:-1]}: {', '.join(_CHOICES[kind])}."
    elif kind in ("int", "float"):
        value = {"int": int, "float": float}[kind]
        shown = {"metavar": "N" if kind == "int" else "NUMBER", **(_BOUNDS.get(parameter.name) or _BOUNDS[kind])}
    elif kind == "bool":
        value, shown = bool, {}
    shown["show_default"] = not optional and value is not bool
    annotation: Any = Annotated[value | None if optional else value, typer.Option(*spelled, help=text, **shown)]
    return inspect.Parameter(
        parameter.name, inspect.Parameter.KEYWORD_ONLY, default=parameter.default, annotation=annotation
    )
