"""What the services' logs tell of libraries."""

import json
import logging

import pytest
from aiokafka.errors import IllegalGenerationError

from services.kit import log


@pytest.fixture(autouse=True)
def configured() -> None:
    log.configure("outreach")


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str | None]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(line["level"], line["error"]) for line in lines]


def failed(error: Exception, logger: str = "asyncio") -> None:
    """As the event loop tells of a task that nobody waits for any more."""
    logging.getLogger(logger).error("Task exception was never retrieved: waffles", exc_info=error)


@pytest.mark.expects_error_log("library line")
def test_a_failed_task_of_the_kafka_client_is_no_error_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """A commit whose reader was stopped meanwhile fails after everybody has gone: a warning; ours is an error."""
    failed(IllegalGenerationError("syrup"))
    failed(KeyError("butter"))
    failed(KeyError("butter"), "services.kit")
    assert told(capsys) == [("warning", "IllegalGenerationError"), ("error", "KeyError"), ("error", "KeyError")]


@pytest.mark.expects_error_log("library line")
def test_a_connection_that_closes_itself_is_no_error_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """The Kafka client's is dropped where its start is called off; of anybody else's the loop's word stands."""
    loop = logging.getLogger("asyncio")
    loop.error("Unclosed AIOKafkaConnection\nconn: waffles")
    loop.error("Unclosed connection\nclient_connection: waffles")
    assert told(capsys) == [("warning", None), ("error", None)]


@pytest.mark.expects_error_log("library line")
def test_a_librarys_words_are_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the text of a library's line nor that of its error gets into the log: both may hold a row's values."""
    failed(KeyError("butter"))
    logging.getLogger("aiokafka.consumer").error("waffles")
    out = capsys.readouterr().out
    assert "butter" not in out
    assert "waffles" not in out
    assert out.count("\n") == 2
