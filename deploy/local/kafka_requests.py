"""Requests of Kafka's protocol that its Python client lacks: of users, and of rights many at once."""

from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from deploy.acls import Acl, Operation, Resource

SCRAM_SHA_512 = 2
ANY, ANY_HOST, ALLOW = 1, "*", 3
LITERAL, PREFIXED = 3, 4
RESOURCES = {Resource.TOPIC: 2, Resource.GROUP: 3}
OPERATIONS = {
    Operation.READ: 3, Operation.WRITE: 4, Operation.CREATE: 5, Operation.DELETE: 6, Operation.DESCRIBE: 8,
    Operation.DESCRIBE_CONFIGS: 10, Operation.ALTER_CONFIGS: 11,
}  # fmt: skip

Row = tuple[int, str, int, str, str, int, int]
"""A right on the wire: resource type, name, pattern, principal, host, operation, permission."""
Credential = tuple[str, int, int, bytes, bytes, dict[int, bytes]]
"""A user on the wire: name, mechanism, iterations, salt, salted password, no tags."""


def row_of(acl: Acl) -> Row:
    pattern = PREFIXED if acl.is_prefix else LITERAL
    principal = f"User:{acl.user}"
    return RESOURCES[acl.resource], acl.name, pattern, principal, ANY_HOST, OPERATIONS[acl.operation], ALLOW


def rows_of(described: Any) -> Iterator[Row]:
    """All rights of an answer to `describe_acls`."""
    for kind, name, pattern, acls in described.resources:
        for principal, host, operation, permission in acls:
            yield kind, name, pattern, principal, host, operation, permission


def describe_acls() -> DescribeAclsRequest:
    """All rights of everybody."""
    return DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY)


class CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # the client has no types
    """Gives these rights."""

    API_KEY = 30

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)

    def build(self, struct: Any) -> Any:
        return struct(self._rows)


class DeleteAcls(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]
    """Takes back exactly these rights."""

    API_KEY = 31

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)

    def build(self, struct: Any) -> Any:
        return struct(self._rows)


class AlterScramResponse(Response):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterScramRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = AlterScramResponse
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterScram(Request[AlterScramRequest]):  # type: ignore[misc]
    """Makes these users, or gives them new passwords."""

    API_KEY = 51

    def __init__(self, upsertions: Sequence[Credential]) -> None:
        self._upsertions = list(upsertions)

    def build(self, struct: Any) -> Any:
        return struct([], self._upsertions, {})
