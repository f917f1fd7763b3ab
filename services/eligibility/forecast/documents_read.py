"""Reads a YAML document into a strict form and says of everything wrong in it: file, line, field, what was expected."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError, SafeConstructor

Location = tuple[int | str, ...]

TAG = "tag:yaml.org,2002:"
MERGE = TAG + "merge"
PLAIN = {yaml.MappingNode: TAG + "map", yaml.SequenceNode: TAG + "seq"}
EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false", "timestamp": "a day as YYYY-MM-DD"}
MOST_DEPTH, MOST_NODES, LONGEST_NUMBER = 32, 5_000, 100
"""Lists and mappings within each other, and what there is in all, an alias counted as what it stands for. The largest
document that ships has 400."""
UNFIT = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, IndexError)
"""What PyYAML's constructors raise where a value is not what its tag, or its looks, make of it."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Part(BaseModel):
    """A part of a document. What it doesn't know is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Form = TypeVar("Form", bound=Part)


_TOO_MUCH = (
    f"expected at most {MOST_DEPTH} lists and mappings within each other, and {MOST_NODES} values, each alias counted"
    " as what it stands for"
)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with an end to nesting and length: it is slow, and by depth its time grows as a square."""

    _depth = _nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        self._nodes += 1
        if self._depth > MOST_DEPTH or self._nodes > MOST_NODES:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ComposerError(None, None, _TOO_MUCH, mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class Lines:
    """Where each field of a document stands."""

    def __init__(self, text: str, name: str) -> None:
        self._node: Any = yaml.compose(text, Loader=_Loader)
        self._name = name

    def told(self, location: Location, message: str) -> str:
        return f"{self._name}:{self._line(location)}: {_field(location)}: {message}"

    def faults(self) -> Iterator[str]:
        """What can be no value of any field: to be asked before the document is read."""
        if _weight(self._node, {}) > MOST_NODES:
            yield f"{self._name}:1: document: {_TOO_MUCH}"
            return
        for node, location, message in _faults(self._node, (), {}):
            yield f"{self._name}:{node.start_mark.line + 1}: {_field(location)}: {message}"

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
        if wrong := list(lines.faults()):
            raise error("\n".join(wrong))
        return form.model_validate(yaml.load(text, Loader=_Loader))  # noqa: S506 - it is the safe loader, and less
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        raise error(f"{name}:{line}: document: {wrong.problem}") from None
    except (yaml.YAMLError, RecursionError):
        raise error(f"{name}:1: expected YAML") from None
    except ValidationError as invalid:
        raise error("\n".join(lines.told(fault["loc"], fault["msg"]) for fault in invalid.errors())) from None


def _weight(node: Any, known: dict[int, int]) -> int:
    """How many values there are below a node once every alias is what it stands for: whoever reads the document, or
    merges its mappings, makes them all. An alias within what it stands for is a fault of its own."""
    if node is None or isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = 1
        pairs = isinstance(node, yaml.MappingNode)
        below = [part for pair in node.value for part in pair] if pairs else node.value
        known[id(node)] = 1 + sum(_weight(part, known) for part in below)
    return known[id(node)]


def _faults(node: Any, location: Location, seen: dict[int, bool]) -> Iterator[tuple[Any, Location, str]]:
    """`seen`: an alias stands for a node that was looked at where it stands; whether that was to its end."""
    if id(node) in seen:
        if not seen[id(node)]:
            yield node, location, "expected no alias within what it stands for"
        return
    seen[id(node)] = False
    yield from _faults_of(node, location, seen)
    seen[id(node)] = True


def _faults_of(node: Any, location: Location, seen: dict[int, bool]) -> Iterator[tuple[Any, Location, str]]:
    if isinstance(node, yaml.ScalarNode):
        if message := _unfit(node):
            yield node, location, message
    elif node is not None and node.tag != PLAIN[type(node)]:
        yield node, location, "expected a plain list or mapping"
    elif isinstance(node, yaml.MappingNode):
        yield from _faults_of_mapping(node, location, seen)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _faults(item, (*location, position), seen)


def _faults_of_mapping(node: Any, location: Location, seen: dict[int, bool]) -> Iterator[tuple[Any, Location, str]]:
    names: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield key, location, "expected a name before the colon"
            continue
        here = (*location, key.value)
        if key.tag != MERGE and (message := _unfit(key)):
            yield key, here, message
        if key.value in names:
            yield key, here, "stands here twice"
        names.add(key.value)
        yield from _faults(value, here, seen)


def _unfit(node: yaml.ScalarNode) -> str | None:
    """Why this is no value, if so. A number with thousands of digits, or parts of 60, takes long to make."""
    if node.tag != TAG + "str" and len(node.value) > LONGEST_NUMBER:
        return f"expected {EXPECTED.get(node.tag.removeprefix(TAG), 'a plain value')}"
    try:
        value = SafeConstructor().construct_object(node)
    except ConstructorError:
        return "expected a plain value"
    except UNFIT:
        return f"expected {EXPECTED.get(node.tag.removeprefix(TAG), 'a plain value')}"
    is_text = isinstance(value, str)
    return "expected text without control characters" if is_text and _NO_TEXT.search(value) else None


def _field(location: Location) -> str:
    return ".".join(str(step) for step in location) or "document"
