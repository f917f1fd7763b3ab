"""The rights as operators of a cluster take them: commands of Kafka's own tool, or Strimzi's `KafkaUser` resources."""

import json
import shlex
from collections.abc import Iterable
from itertools import groupby

from deploy.acls import Acl

BOOTSTRAP, CONFIG = '"$BOOTSTRAP_SERVERS"', '"$ADMIN_CONFIG"'
HEADER = """\
#!/bin/sh
# The rights of every service, made from the catalog of topics. The brokers must refuse what nobody has allowed
# (allow.everyone.if.no.acl.found=false).
set -eu
: "${BOOTSTRAP_SERVERS:?names the brokers}" "${ADMIN_CONFIG:?names a file with the login of who may alter rights}"
"""
STRIMZI_CLUSTER = "${CLUSTER}"


def commands(acls: Iterable[Acl]) -> str:
    """A shell script: one `kafka-acls.sh` for each user and resource. Run again, it changes nothing."""
    lines = [_command(user, acl, group) for (user, acl), group in _by_resource(acls)]
    return HEADER + "".join(f"{line}\n" for line in lines)


def _by_resource(acls: Iterable[Acl]) -> list[tuple[tuple[str, Acl], list[Acl]]]:
    grouped = groupby(sorted(acls), key=lambda acl: (acl.user, acl.resource, acl.name, acl.is_prefix))
    return [((same[0].user, same[0]), same) for _, rows in grouped if (same := list(rows))]


def _command(user: str, at: Acl, rights: Iterable[Acl]) -> str:
    words = ["kafka-acls.sh", "--bootstrap-server", BOOTSTRAP, "--command-config", CONFIG, "--add"]
    words += ["--allow-principal", shlex.quote(f"User:{user}"), f"--{at.resource}", shlex.quote(at.name)]
    words += ["--resource-pattern-type", "prefixed" if at.is_prefix else "literal"]
    return " ".join([*words, *(f"--operation {acl.operation}" for acl in rights)])


def strimzi(acls: Iterable[Acl]) -> str:
    """A `KafkaUser` for each user, with SCRAM and its rights, as documents of one YAML stream. `${CLUSTER}` is left to
    the deployer: the name of the `Kafka` resource."""
    by_user = groupby(sorted(acls), key=lambda acl: acl.user)
    return "".join(_kafka_user(user, list(rights)) for user, rights in by_user)


def _kafka_user(user: str, acls: list[Acl]) -> str:
    head = (
        "---\napiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaUser\nmetadata:\n"
        f"  name: {user}\n  labels:\n    strimzi.io/cluster: {json.dumps(STRIMZI_CLUSTER)}\n"
        "spec:\n  authentication:\n    type: scram-sha-512\n  authorization:\n    type: simple\n    acls:\n"
    )
    return head + "".join(_rule(at, rights) for (_, at), rights in _by_resource(acls))


def _rule(at: Acl, rights: list[Acl]) -> str:
    pattern = "prefix" if at.is_prefix else "literal"
    return (
        f"      - resource:\n          type: {at.resource}\n          name: {json.dumps(at.name)}\n"
        f"          patternType: {pattern}\n"
        f"        operations: [{', '.join(acl.operation for acl in rights)}]\n"
    )
