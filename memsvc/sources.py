"""Where settings come from: the environment, and one file; which of them gave what, and what is said of a bad one."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, TomlConfigSettingsSource
from pydantic_settings import SettingsError as Unreadable

from memsvc.errors import SettingsError
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

CONFIG_VARIABLE = "MEMSVC_CONFIG"

_SENT_TO = {"api_key": "url", "model_key": "model_url", "key": "url"}
"""Where each secret is sent: the setting beside it."""

_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)|((?:password|token|key)=)[^&\s]+", re.IGNORECASE)

_FORMS = ("ServedModel", "constrained-str", "str")
"""What pydantic says of a place in a table beside its keys: which form of a value it had tried."""

Origin = Literal["default", "file", "environment"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is: its value with secrets masked, where that comes from, and where to change it."""

    name: str
    value: Any
    origin: Origin
    where: str


def config_file() -> Path:
    """The file: `memsvc.toml` in the working directory, or the one that `MEMSVC_CONFIG` names.

    Raises:
        SettingsError: it names none.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named is None:
        return Path("memsvc.toml")
    if not Path(named).is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} names {named!r}, which is not a file; correct it or unset it")
    return Path(named)


def variable(name: str) -> str:
    """The variable of a setting, such as `MEMSVC_MODELS__GATE` for `models.gate`."""
    return f"MEMSVC_{name.upper().replace('.', '__')}"


@contextmanager
def readable(cls: type[BaseSettings]) -> Iterator[None]:
    """Reading settings of this class, with what cannot be read said by its key.

    Raises:
        SettingsError: a value, a key or the whole file cannot be read.
    """
    try:
        yield
    except ValidationError as error:
        raise SettingsError(_explained(cls, error)) from error
    except Unreadable as error:
        raise SettingsError(f"{error}; give a value, or JSON where it is a table") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config_file()} is not valid TOML: {error}") from error


def settings_of(settings: BaseSettings) -> list[Setting]:
    """Every setting as it is, in their order; tables as one setting a key, as far as they are set."""
    cls = type(settings)
    file, environment = _from_file(cls), _from_environment(cls)
    found = []
    for name, value in _leaves(settings.model_dump()).items():
        origin: Origin = "environment" if name in environment else "file" if name in file else "default"
        where = str(config_file()) if origin == "file" else variable(name)
        found.append(Setting(name, masked(value), origin, where))
    return found


def masked(value: Any) -> Any:
    """A value that may be shown: no key, and no password in an address."""
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, Path):
        value = str(value)
    return _PASSWORD.sub(r"\1\2***", value) if isinstance(value, str) else value


def check_secrets(cls: type[BaseSettings], given: Collection[str]) -> None:
    """A folder that somebody else has filled must not have a key of the user's sent to where it likes.

    Raises:
        SettingsError: the file of the working directory says where a secret of the environment is sent.
    """
    if CONFIG_VARIABLE in os.environ:  # the file was chosen
        return
    file, environment = _from_file(cls), _from_environment(cls)
    for secret in environment.keys() - set(given):
        table, dot, name = secret.rpartition(".")
        address = f"{table}{dot}{_SENT_TO.get(name, '')}"
        if name in _SENT_TO and address in file and address not in environment and address not in given:
            raise SettingsError(
                f"{config_file()} of the working directory names {address!r}, and {variable(secret)} of the "
                f"environment would be sent there; set {variable(address)} as well, or choose the file "
                f"with {CONFIG_VARIABLE}=memsvc.toml"
            )


def _from_file(cls: type[BaseSettings]) -> dict[str, Any]:
    return _leaves(TomlConfigSettingsSource(cls, config_file())())


def _from_environment(cls: type[BaseSettings]) -> dict[str, Any]:
    return _leaves(EnvSettingsSource(cls)())


def _leaves(table: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """A table of tables as one, with keys such as `models.gate`; what is not set in an inner table is left out."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        value = value.model_dump() if isinstance(value, BaseModel) else value
        if isinstance(value, dict):
            found |= _leaves(value, f"{within}{key}.")
        elif not within or value is not None:
            found[f"{within}{key}"] = value
    return found


def _explained(cls: type[BaseSettings], error: ValidationError) -> str:
    """What is wrong, a line a key: of the forms that a value may have, the first one's reason says enough."""
    reasons: dict[str, str] = {}
    for detail in error.errors():
        place = [str(part) for part in detail["loc"] if part not in _FORMS]
        reasons.setdefault(".".join(place), _reason(cls, place, detail))
    whole = [key for key in reasons if not any(other.startswith(f"{key}.") for other in reasons)]
    return "\n".join(reasons[key] for key in whole)


def _reason(cls: type[BaseSettings], place: list[str], detail: Any) -> str:
    key, came = ".".join(place), detail["input"]
    if detail["type"] == "extra_forbidden":
        inner = cls.model_fields[place[0]].annotation if len(place) > 1 else cls
        known = getattr(inner, "model_fields", {}) if len(place) < 3 else ()
        near = difflib.get_close_matches(place[-1], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
        return f"unknown setting {key!r}; {hint if known else 'see docs/settings.md'}"
    return (
        f"setting {key!r} came as {'a table' if isinstance(came, dict) else shown(came)}: {detail['msg']}; "
        f"correct {variable(key)} or {key!r} in {config_file()}"
    )
