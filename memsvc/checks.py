"""Every check of an argument: from what callers hand over to what the verbs work with, or an error that says what came,
what was wanted, and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, TypeVar, cast

from memsvc.errors import InvalidInput, InvalidMessage, InvalidNamespace
from memsvc_store.errors import shown
from memsvc_store.values.patterns import EVERYTHING
from memsvc_store.values.scripts import named

if TYPE_CHECKING:
    from memsvc_retrievers.language import LanguageModel

MAX_NAME_CHARS = 255

MAX_QUERY_CHARS = 4_000
"""Of a question, or of the intent of a task that is ahead: four windows of the encoder, 600 words. Each word is looked
for in the whole namespace, and a trace keeps the text, so that a long one costs a service far more than its sender."""

MIN_PREFIX = 4
"""Characters of an id that find it: among 300 memories there are, by an even chance, two that begin with the same
four, and fewer would seldom be enough."""

MAX_DEPTH = 32
"""Lists and mappings inside one another, in metadata and trajectories. What is stored has to be written again by every
reader: pydantic gives up near 255, and one such message would take a namespace's listings away from everybody."""

_NAMED_BY = {"memory": "receipt or a hit", "trace": "look-up or an answer"}

_WHERE_EMPTY = {
    "content": "leave the message out, or say what was shown or done",
    "intent": "say what was asked for",
    "experience": "leave it out, or say what to take from the attempt",
}

Choice = TypeVar("Choice")


def checked_namespace(name: object) -> str:
    """A namespace: names joined by `/`, such as `acme/alice`; in Unicode's form NFC, as is every name.

    Raises:
        InvalidNamespace: empty, too long, with an empty part, or with characters that do not print.
    """
    wanted = f"give names joined by '/', such as 'acme/alice', at most {MAX_NAME_CHARS} characters"
    if not isinstance(name, str):
        raise InvalidNamespace(f"namespace came as {shown(name)}; {wanted}")
    if len(name) <= MAX_NAME_CHARS:
        name = named(name)
    parts = name.split("/")
    if len(name) > MAX_NAME_CHARS:
        raise InvalidNamespace(f"a namespace of {len(name)} characters came; {wanted}")
    if any(not part or part in (".", "..") or part != part.strip() for part in parts) or not name.isprintable():
        raise InvalidNamespace(
            f"namespace came as {shown(name)}; {wanted}, without empty parts, '.', '..' or edge spaces"
        )
    return name


def checked_patterns(patterns: object) -> tuple[str, ...]:
    """Patterns of namespaces, or one, each once, in the order given, in the form of Unicode that namespaces have.

    Raises:
        InvalidNamespace: none, or one that is neither a namespace, nor `prefix/*`, nor `*`.
    """
    found = (patterns,) if isinstance(patterns, str) else patterns
    if not isinstance(found, Iterable) or not (found := tuple(dict.fromkeys(found))):
        raise InvalidNamespace(
            f"namespaces came as {shown(patterns)}; give one such as 'acme/alice', all below one: 'acme/*', or all: '*'"
        )
    for pattern in found:
        below = pattern.removesuffix("/*") if isinstance(pattern, str) else pattern
        if pattern != EVERYTHING and "*" in checked_namespace(below):
            raise InvalidNamespace(
                f"pattern {shown(pattern)} has a '*' in another place than its end; give 'acme/*' for all below acme, "
                "or '*' for all namespaces"
            )
    return tuple(dict.fromkeys(map(named, found)))


def checked_name(field: str, value: object) -> str:
    """A short, non-empty string, in Unicode's form NFC: `Zoë` is one name however its letters are composed.

    Raises:
        InvalidMessage: anything else.
    """
    if isinstance(value, str) and value.strip() and len(value) <= MAX_NAME_CHARS:
        name = named(storable(field, value))
        if len(name) <= MAX_NAME_CHARS:
            return name
    raise InvalidMessage(f"{field!r} came as {shown(value)}; give a string of 1 to {MAX_NAME_CHARS} characters")


def checked_id(memory_id: object, what: str = "memory") -> str:
    """An id of a memory, or of `what` else; whether it is there is the store's to say.

    Raises:
        InvalidInput: not a string, or not one that a database takes.
    """
    if not isinstance(memory_id, str) or not memory_id.isprintable() or len(memory_id) > MAX_NAME_CHARS:
        raise InvalidInput(f"a {what} id came as {shown(memory_id)}; give the id that a {_NAMED_BY[what]} names")
    return memory_id


def checked_prefix(prefix: object) -> str:
    """How an id begins.

    Raises:
        InvalidInput: not a string, or one of fewer than `MIN_PREFIX` characters.
    """
    if not isinstance(prefix, str) or not prefix.isprintable() or len(prefix) < MIN_PREFIX:
        raise InvalidInput(
            f"the beginning of an id came as {shown(prefix)}; give at least {MIN_PREFIX} characters of it"
        )
    return prefix


def checked_ids(field: str, ids: object) -> tuple[str, ...]:
    """Ids of memories, in the order given.

    Raises:
        InvalidInput: not a list, or something else in it.
    """
    if isinstance(ids, str | bytes) or not isinstance(ids, Sequence | Set):
        raise InvalidInput(f"{field!r} came as {shown(ids)}; give a list of memory ids")
    return tuple(checked_id(one) for one in ids)


def checked_text(text: object, limit: int, field: str = "content") -> str:
    """A text that can be stored.

    Raises:
        InvalidMessage: no text, nothing but white space, too long, or not storable.
    """
    if not isinstance(text, str):
        raise InvalidMessage(f"{field!r} came as {type(text).__name__}; give the text as a string")
    if not text.strip():
        raise InvalidMessage(f"{field!r} is empty; {_WHERE_EMPTY.get(field, 'give a text')}")
    if len(text) > limit:
        raise InvalidMessage(
            f"{field!r} has {len(text):,} characters and the limit is {limit:,}; "
            "shorten it or split it, or raise MEMSVC_MAX_TEXT_CHARS"
        )
    return storable(field, text)


def checked_query(query: object, field: str) -> str:
    """A text to look something up with.

    Raises:
        InvalidInput: too long, or as `checked_text`.
    """
    if isinstance(query, str) and len(query) > MAX_QUERY_CHARS:
        raise InvalidInput(
            f"{field!r} has {len(query):,} characters and the limit is {MAX_QUERY_CHARS:,}; "
            "say in fewer words what is looked for"
        )
    return checked_text(query, MAX_QUERY_CHARS, field)


def storable(field: str, text: str) -> str:
    """A string that every database takes.

    Raises:
        InvalidMessage: half a character, or a NUL.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessage(
            f"{field!r} holds half a character at {error.start}; decode the source as UTF-8"
        ) from error
    if "\0" in text:
        raise InvalidMessage(f"{field!r} holds a NUL character, which PostgreSQL cannot store; remove it")
    return text


def checked_whole(what: str, given: object) -> None:
    """Nothing, if what came holds no half character but in a list of `messages`, which are checked one by one.

    Raises:
        InvalidInput: it does.
    """
    if isinstance(given, dict) and isinstance(given.get("messages"), list):
        given = {name: value for name, value in given.items() if name != "messages"}
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} holds half a character (a lone surrogate); encode it as UTF-8") from error


def checked_metadata(value: object) -> Mapping[str, Any]:
    """What else is known about a message, as JSON can hold it.

    Raises:
        InvalidMessage: anything else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidMessage(f"'metadata' came as {shown(value)}; give a mapping with string keys")
    checked_json("metadata", dict(value))
    return dict(value)


def checked_tags(value: object) -> list[str]:
    """Labels: a string, or a list of them; each once.

    Raises:
        InvalidMessage: anything else.
    """
    given = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(given, Sequence | Set) or isinstance(given, bytes):
        raise InvalidMessage(f"'tags' came as {shown(value)}; give a list of strings")
    return list(dict.fromkeys(checked_name("tags", one) for one in given))


def tagged(metadata: Mapping[str, Any], tags: Sequence[str]) -> Mapping[str, Any]:
    """Metadata with further labels under `tags`.

    Raises:
        InvalidMessage: what is there is no list that they could be added to.
    """
    if not tags:
        return metadata
    there = metadata.get("tags", [])
    labels = [there] if isinstance(there, str) else there
    if not isinstance(labels, list | tuple):
        raise InvalidMessage(f"'metadata' has 'tags' that came as {shown(there)}, and the tags go there; give a list")
    return {**metadata, "tags": [*labels, *(one for one in dict.fromkeys(tags) if one not in labels)]}


def checked_json(field: str, value: object) -> str:
    """A value as JSON that reads back as what it was, but for tuples, which become lists.

    Raises:
        InvalidMessage: what JSON cannot hold, what it would change (it writes the key 1 as "1", which may be there as
            well), what is nested deeper than `MAX_DEPTH`, or a string that not every database takes.
    """
    try:
        _check_parts(field, value, MAX_DEPTH)
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    except InvalidMessage:  # a ValueError as well
        raise
    except (TypeError, ValueError) as error:
        raise InvalidMessage(
            f"{field!r} cannot be written as JSON ({error}); use strings, numbers, lists, mappings"
        ) from error


def _check_parts(field: str, value: object, depth: int) -> None:
    """Every string can be stored, every key is one, and nothing is nested deeper than `depth`.

    JSON escapes a NUL, so that its text does not tell.
    """
    if not depth and isinstance(value, dict | list | tuple):
        raise InvalidMessage(f"{field!r} is nested deeper than {MAX_DEPTH}; flatten it, or give its parts as text")
    if isinstance(value, str):
        storable(field, value)
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise InvalidMessage(f"{field!r} has a key that came as {shown(key)}; give a mapping with string keys")
            storable(field, key)
            _check_parts(field, part, depth - 1)
    elif isinstance(value, list | tuple):
        for part in value:
            _check_parts(field, part, depth - 1)


def checked_reward(reward: object) -> float:
    """A number from -1 to 1.

    Raises:
        InvalidInput: anything else.
    """
    if isinstance(reward, bool) or not isinstance(reward, int | float) or not -1 <= reward <= 1:
        raise InvalidInput(f"reward came as {shown(reward)}; give a number from -1 (harmful) to 1 (helpful)")
    return float(reward)


def checked_count(name: str, value: object, *, least: int) -> int:
    """A whole number that every database takes.

    Raises:
        InvalidInput: anything else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1 << 62:
        raise InvalidInput(f"{name} came as {shown(value)}; give a whole number of at least {least}")
    return value


def checked_occurrence(value: object) -> int:
    """Which of several equal ones it is, counted from 0.

    Raises:
        InvalidMessage: anything but a whole number that every database takes.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise InvalidMessage(f"occurrence came as {shown(value)}; of several equal messages 0 is the first, 1 the next")
    return value


def checked_share(name: str, value: object, *, least: float = 0.0) -> float:
    """A number up to 1.

    Raises:
        InvalidInput: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 1:
        raise InvalidInput(f"{name} came as {shown(value)}; give a number from {least:g} to 1")
    return float(value)


def checked_choice(name: str, value: Choice, choices: Sequence[Choice]) -> Choice:
    """One of the values that there are.

    Raises:
        InvalidInput: another one.
    """
    if value not in choices:
        raise InvalidInput(f"{name} came as {shown(value)}; give one of {', '.join(map(str, choices))}")
    return value


def checked_model(field: str, name: str) -> str:
    """The name of a model or an embedder.

    Raises:
        InvalidInput: it names nothing.
    """
    if not name.strip():
        raise InvalidInput(f"{field} came as {shown(name)}; give a model's name, an object, or leave it out")
    return name


def checked_language_model(field: str, given: object) -> LanguageModel:
    """An object that completes prompts.

    Raises:
        InvalidInput: it does not.
    """
    if hasattr(given, "complete_many"):
        return cast("LanguageModel", given)
    hint = (
        "wrap the function: memsvc.models.FunctionModel(fn)" if callable(given) else "give a model's name, or an object"
    )
    raise InvalidInput(f"{field} came as {shown(given)}, which has no `complete_many`; {hint}")
