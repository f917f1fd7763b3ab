"""Says which capability is shown by which tests, for the terminal and for the docs."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from deploy.capabilities.known import Capability

Shown = Mapping[str, Sequence[str]]


def verdict(capabilities: Iterable[Capability], shown: Shown) -> str:
    """How many are shown, in one line."""
    listed = list(capabilities)
    firsts = [capability for capability in listed if capability.is_first]
    others = [capability for capability in listed if not capability.is_first]
    return (
        f"{_count(others, shown)} of {len(others)} capabilities and {_count(firsts, shown)} of {len(firsts)} firsts "
        "are shown by a test"
    )


def _count(capabilities: Iterable[Capability], shown: Shown) -> int:
    return sum(bool(shown.get(capability.id)) for capability in capabilities)


def lines(capabilities: Iterable[Capability], shown: Shown) -> Iterable[str]:
    """By area: the id, how many tests, what it says, and where the tests and pages are."""
    listed = list(capabilities)
    for area, group in groupby(listed, key=lambda capability: capability.area):
        yield f"\n{area}"
        for capability in group:
            tests = shown.get(capability.id, ())
            yield f"  {capability.id:<4} {f'{len(tests)} tests' if tests else 'NO TEST':<9} {capability.says}"
            yield from (f"         {place}" for place in (*tests, *(f"page {page}" for page in capability.pages)))
    yield f"\n{verdict(listed, shown)}"


def document(capabilities: Iterable[Capability], shown: Shown) -> str:
    """The same as Markdown."""
    listed = list(capabilities)
    said = ["# Capabilities", "", "Made by `./vcc capabilities --write`; a test compares.", "", verdict(listed, shown)]
    for area, group in groupby(listed, key=lambda capability: capability.area):
        said += ["", f"## {area}", "| id | capability | shown by | pages |", "| --- | --- | --- | --- |"]
        said += [f"| {capability.id} | {capability.says} | {_tests(shown.get(capability.id, ()))} | "
                 f"{'<br>'.join(capability.pages)} |" for capability in group]  # fmt: skip
    return "\n".join([*said, ""])


def _tests(tests: Sequence[str]) -> str:
    return "<br>".join(f"`{test.removeprefix('tests/')}`" for test in tests) or "**none yet**"
