"""Reads a YAML document into a strict form and says of everything wrong in it: file, line, field, what was expected."""

from collections.abc import Iterable
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Location = tuple[int | str, ...]


class Part(BaseModel):
    """A part of a document. What it doesn't know is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Form = TypeVar("Form", bound=Part)


class Lines:
    """Where each field of a document stands."""

    def __init__(self, text: str, name: str) -> None:
        self._node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        self._name = name

    def told(self, location: Location, message: str) -> str:
        return f"{self._name}:{self._line(location)}: {_field(location)}: {message}"

    def _line(self, location: Iterable[int | str]) -> int:
        """The line of the deepest part of the location that stands in the document."""
        node = self._node
        line: int = node.start_mark.line + 1 if node is not None else 1
        for step in location:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line


def read_document(form: type[Form], text: str, name: str, error: type[Exception]) -> Form:
    """Raises `error` with a line for each thing that is wrong."""
    try:
        lines = Lines(text, name)
        return form.model_validate(yaml.safe_load(text))
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        raise error(f"{name}:{line}: {wrong.problem}") from None
    except (yaml.YAMLError, RecursionError):
        raise error(f"{name}:1: expected YAML") from None
    except ValidationError as wrong:
        raise error("\n".join(lines.told(one["loc"], one["msg"]) for one in wrong.errors())) from None


def _field(location: Location) -> str:
    return ".".join(str(step) for step in location) or "document"
