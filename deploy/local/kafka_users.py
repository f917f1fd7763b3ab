"""Brings a broker's users and rights to what the folder and the catalog say, at every start: a folder that was made
without either gets them with its first start, and a right that the catalog has taken back is gone with the next.

Asked of the controller, which takes the broker's own login: the other listener knows nobody at first.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, for_code

from deploy.acls import ADMIN, Acl, acls_of, services_of, user_of
from deploy.errors import StackError
from deploy.local import kafka_requests as requests
from deploy.local.kafka_access import BROKER, CONTROLLER_MECHANISM, MECHANISM, PROTOCOL, Access
from deploy.local.probes import HOST

ITERATIONS: Final = 4096
"""The least that Kafka takes: the passwords are random and too long to be guessed."""
ANSWER_WITHIN_S, ASK_AGAIN_S = 30.0, 0.05


async def provide_users(access: Access, port: int, controller_port: int) -> None:
    """Returns when each user can log in and has the catalog's rights, and no other."""
    wanted = {acl for service in services_of() for acl in acls_of(service)}
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            async with _entered(access, BROKER, CONTROLLER_MECHANISM, controller_port) as controller:
                await _write_users(controller, access)
                await _bring_rights_to(controller, wanted)
            await _until_known(access, port)
    except (KafkaError, OSError, TimeoutError) as error:
        raise StackError(
            f"Kafka's users could not be made: {type(error).__name__}", f"see {access.folder.log('kafka')}"
        ) from error


@asynccontextmanager
async def _entered(access: Access, user: str, mechanism: str, port: int) -> AsyncIterator[AIOKafkaConnection]:
    connection = await create_conn(
        HOST, port, security_protocol=PROTOCOL, sasl_mechanism=mechanism, sasl_plain_username=user,
        sasl_plain_password=access.password(user), request_timeout_ms=10_000,
    )  # fmt: skip
    try:
        yield connection
    finally:
        if (closed := connection.close()) is not None:
            await closed  # its transport says goodbye while the loop still runs


async def _write_users(controller: AIOKafkaConnection, access: Access) -> None:
    upsertions = [_credential(user, access.password(user)) for user in access.users]
    answer = await controller.send(requests.AlterScram(upsertions))
    _refuse_errors(code for _, code, *_ in answer.results)


def _credential(user: str, password: str) -> requests.Credential:
    salt = os.urandom(24)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return user, requests.SCRAM_SHA_512, ITERATIONS, salt, salted, {}


async def _bring_rights_to(controller: AIOKafkaConnection, wanted: set[Acl]) -> None:
    """Whoever else has rights, such as a subscriber that an operator has let in, keeps them."""
    answer = await controller.send(requests.describe_acls())
    _refuse_errors([answer.error_code])
    ours = {f"User:{user_of(service)}" for service in services_of()} | {f"User:{ADMIN}"}
    there = {row for row in requests.rows_of(answer) if row[3] in ours}
    rows = set(map(requests.row_of, wanted))
    if surplus := sorted(there - rows):
        _refuse_errors(code for code, *_ in (await controller.send(requests.DeleteAcls(surplus))).filter_responses)
    if lacking := sorted(rows - there):
        _refuse_errors(code for code, *_ in (await controller.send(requests.CreateAcls(lacking))).creation_responses)


def _refuse_errors(codes: Iterable[int] | Sequence[int]) -> None:
    for code in codes:
        if code:
            raise for_code(code)


async def _until_known(access: Access, port: int) -> None:
    """The broker hears of a new user a moment after the controller. The one that was written last is asked for."""
    while not await _can_enter(access, access.users[-1], port):  # noqa: ASYNC110
        await asyncio.sleep(ASK_AGAIN_S)


async def _can_enter(access: Access, user: str, port: int) -> bool:
    try:
        async with _entered(access, user, MECHANISM, port):
            return True
    except SaslAuthenticationFailed:
        return False
