"""Settings of nested dataclasses as TOML, and back again, strictly."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from graphllm.config import settings
from graphllm.errors import ConfigError

S = TypeVar("S")


def to_table(given: object) -> dict[str, Any]:
    """Return settings as TOML has them: tables in tables; what is ``None`` is left out.

    Raises:
        ConfigError: A setting that TOML cannot say, or no dataclass.
    """
    if not is_dataclass(given) or isinstance(given, type):
        raise ConfigError(f"settings are a dataclass, got {given!r}")
    table: dict[str, Any] = {}
    for field in fields(given):
        value = getattr(given, field.name)
        if value is None and field.default is None:
            continue
        table[field.name] = _plain(value, f"{type(given).__name__}.{field.name}")
    return table


def _plain(value: object, where: str) -> Any:  # noqa: ANN401
    if is_dataclass(value) and not isinstance(value, type):
        return to_table(value)
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, tuple | list):
        return [_plain(one, where) for one in value]
    if isinstance(value, str | bool | int | float):
        return value
    raise ConfigError(f"{where} is {value!r}, which a settings file cannot hold")


def from_table(kind: type[S], table: Mapping[str, Any]) -> S:
    """Build the dataclass ``kind`` from what ``to_table`` returned.

    Raises:
        ConfigError: A setting that it does not have, or a value that it refuses.
    """
    hints = get_type_hints(kind)
    return settings(kind, {name: _typed(hints.get(name), value) for name, value in table.items()})


def _typed(hint: object, value: Any) -> Any:  # noqa: ANN401
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{hint.__name__} is a table of settings, got {value!r}")
        return from_table(hint, value)
    if get_origin(hint) is tuple:
        return tuple(value)
    return Path(value) if hint is Path else value


def dump(table: Mapping[str, Any]) -> str:
    """Return tables of plain values as TOML.

    Examples:
        >>> print(dump({"name": "a", "train": {"rates": [0.5, 1e-05], "mixed": True}}), end="")
        name = "a"
        <BLANKLINE>
        [train]
        rates = [0.5, 1e-05]
        mixed = true
    """
    return "\n".join(_lines(table, ())).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield f"\n[{'.'.join(map(_key, path))}]"
    for name, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{_key(name)} = {_value(value)}"
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, name))


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if bare else _value(name)


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):  # a JSON string is one of TOML, but for this one character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say in a line each where two tables differ.

    Examples:
        >>> differences({"train": {"seed": 0}, "k": 3}, {"train": {"seed": 1}, "k": 3})
        ['train.seed is 0 there and 1 here']
    """
    there, here = dict(_flat(before)), dict(_flat(now))
    names = [*there, *(name for name in here if name not in there)]
    return [
        f"{name} is {_said(there, name)} there and {_said(here, name)} here"
        for name in names
        if _said(there, name) != _said(here, name)
    ]


def _said(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "not set"


def _flat(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
