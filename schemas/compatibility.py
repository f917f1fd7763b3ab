"""Refuses a change that would break somebody: readers of old records (backward) or today's subscribers (forward).

Within a version a contract may gain optional fields and better descriptions; everything else is a new version. A topic
keeps its producer, its key, its partitions and its way of being cleaned up, and is never kept for a shorter time.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
FOREVER_MS = -1

_CONSTRAINTS = (
    "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minItems", "maxItems", "additionalProperties",
)  # fmt: skip


def breaking_changes(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[str]:
    """A sentence for each breaking change from the released schemas, by event type, to the current ones."""
    sentences: list[str] = []
    for event_type, old in sorted(released.items()):
        new = current.get(event_type)
        if new is None:
            sentences.append(f"{event_type}: the event is gone; its subscribers still wait for it.")
        else:
            sentences.extend(f"{event_type}: {said}" for said in _compare(old, old, new, new, ""))
    return sentences


_KEPT_TERMS = {
    "producer": "two services would write it, or subscribers trust the wrong one",
    "key": "order holds for each key, and only for that key",
    "partitions": "a key's later records would stand in another partition than its earlier ones, out of order",
    "cleanup_policy": "records that subscribers count on would vanish, or stay for ever",
}


def breaking_terms(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[str]:
    """A sentence for each breaking change of how topics are kept and keyed, by topic name."""
    sentences: list[str] = []
    for name, old in sorted(released.items()):
        new = current.get(name)
        if new is None:
            sentences.append(f"{name}: the topic is gone; its subscribers still read it.")
        else:
            sentences.extend(f"{name}: {said}" for said in _compare_terms(old, new))
    return sentences


def _compare_terms(old: Schema, new: Schema) -> Iterator[str]:
    for term, why in _KEPT_TERMS.items():
        if old[term] != new[term]:
            yield f"{term} changes from {old[term]!r} to {new[term]!r}: {why}; write a new topic version instead."
    before, after = (terms["retention_ms"] for terms in (old, new))
    if after not in {before, FOREVER_MS} and (before == FOREVER_MS or after < before):
        yield f"retention_ms shrinks from {before} to {after}; who reads it from its beginning would miss records."
    for event_type in sorted(set(old["events"]) - set(new["events"])):
        yield f"{event_type} no longer comes here; its subscribers still wait for it."


def _compare(old_root: Schema, old: Schema, new_root: Schema, new: Schema, path: str) -> Iterator[str]:
    old, new = _resolve(old_root, old), _resolve(new_root, new)
    where = path or "the body"
    if _types(old_root, old) != _types(new_root, new):
        before, after = " or ".join(_types(old_root, old)), " or ".join(_types(new_root, new))
        yield f"{where} was {before} and would be {after}; write a new version instead."
        return
    yield from _compare_enum(old, new, where)
    for name in _CONSTRAINTS:
        if old.get(name) != new.get(name):
            yield f"{where}: {name} changes from {old.get(name)!r} to {new.get(name)!r}; old or new records would fail."
    yield from _compare_properties(old_root, old, new_root, new, path)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
            yield from _compare(old_root, old[keyword], new_root, new[keyword], f"{path}[]")
    for old_choice, new_choice in zip(_choices(old_root, old), _choices(new_root, new), strict=True):
        yield from _compare(old_root, old_choice, new_root, new_choice, path)


def _compare_enum(old: Schema, new: Schema, where: str) -> Iterator[str]:
    before, after = set(old.get("enum", ())), set(new.get("enum", ()))
    for value in sorted(before - after):
        yield f"{where} no longer takes {value!r}; records in the log hold it."
    for value in sorted(after - before):
        yield f"{where} may now be {value!r}, which today's subscribers refuse."


def _compare_properties(old_root: Schema, old: Schema, new_root: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        where = f"{path}.{name}" if path else name
        if name not in after:
            yield f"{where} is gone; subscribers read it."
        else:
            yield from _compare(old_root, before[name], new_root, after[name], where)
    for name in sorted(needed_after - needed_before):
        yield f"{f'{path}.{name}' if path else name} is now required; records in the log lack it."
    for name in sorted(needed_before & set(after) - needed_after):
        yield f"{f'{path}.{name}' if path else name} is no longer always there; subscribers rely on it."


def _resolve(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _choices(root: Schema, schema: Schema) -> list[Schema]:
    return sorted(
        (_resolve(root, choice) for choice in schema.get("anyOf", ())), key=lambda choice: _types(root, choice)
    )


def _types(root: Schema, schema: Schema) -> list[str]:
    schema = _resolve(root, schema)
    if "anyOf" in schema:
        return sorted(kind for choice in schema["anyOf"] for kind in _types(root, choice))
    kind = schema.get("type", "anything")
    return sorted(kind) if isinstance(kind, list) else [kind]
