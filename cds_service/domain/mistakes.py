"""Says what is wrong with a file that a person wrote."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError


def sentence(problem: ValidationError, model: type[BaseModel]) -> str:
    """Say the first thing wrong with a file in one sentence: the key, and what to do or the nearest known key.

    `model` is what the file is read as. No value of the file is quoted: it may be a secret.
    """
    problems = problem.errors(include_input=False, include_url=False)
    first = min(problems, key=lambda each: each["type"] != "extra_forbidden")
    where = [part for part in first["loc"] if isinstance(part, str)]
    key = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        return f"{key}: {first['msg'].removeprefix('Value error, ')}."
    near = get_close_matches(where[-1], _known_keys(model, where[:-1]), n=1, cutoff=0.5)
    return f"{key}: unknown key" + (f"; did you mean {near[0]!r}?" if near else ".")


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    for name in path:
        field = model.model_fields.get(name)  # None for a name of the writer's own, such as a code
        model = next(_models(field.annotation), model) if field else model
    return list(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the tables that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
