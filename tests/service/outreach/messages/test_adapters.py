"""How messages leave: by SMTP to a real server, by HTTP to a stand-in of a provider, and what each ending means."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from services.kit.ids import new_id
from services.kit.settings import SettingsError
from services.outreach.messages.flow.provider import ProviderAdapter
from services.outreach.messages.flow.settings import (
    ProviderSettings,
    SmtpSettings,
    Tls,
    read_message_settings,
)
from services.outreach.messages.flow.smtp import SmtpAdapter
from services.outreach.messages.outgoing import Outcome, Outgoing, Result
from tests.service.outreach.messages.stand_ins import DROPS, HANGS, MailServer, Provider, a_mail_server, a_provider

NOBODY_LISTENS = 1
MAIL = Outgoing(
    new_id(), "outreach@lakeshore.example", "Lakeshore", "ada@sesame.example", "es", "Intentó", "Hola:\n.\nLlámenos\n"
)
TEXT = Outgoing(new_id(), "+18005550100", "Lakeshore", "+12135550101", "en", "", "Lakeshore: please call. STOP")


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with a_mail_server() as server:
        yield server


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with a_provider() as server:
        yield server


def smtp_at(port: int, timeout_s: float = 10.0) -> SmtpAdapter:
    return SmtpAdapter(SmtpSettings(host="127.0.0.1", port=port, tls=Tls.NONE, timeout_s=timeout_s))


def provider_at(port: int, timeout_s: float = 10.0) -> ProviderAdapter:
    url = f"http://127.0.0.1:{port}/messages"
    return ProviderAdapter(ProviderSettings(url=url, token=SecretStr("secret"), timeout_s=timeout_s))


async def test_an_email_arrives_as_it_was_written(mail_server: MailServer) -> None:
    """With the plan as its sender, our id, its language, and a text with accents and a line that is one dot."""
    assert await smtp_at(mail_server.port).send(MAIL) == Result(Outcome.SENT)
    [taken] = mail_server.taken
    assert (taken["From"], taken["To"]) == ("Lakeshore <outreach@lakeshore.example>", "ada@sesame.example")
    assert (taken["Subject"], taken["Content-Language"]) == ("Intentó", "es")
    assert taken["Message-ID"] == f"<{MAIL.message_id}@lakeshore.example>"
    assert taken.get_content().replace("\r\n", "\n") == MAIL.body


@pytest.mark.parametrize(
    ("rcpt", "data", "result"),
    [
        ("550 no such user", "", Result(Outcome.FAILED, "recipient-refused")),
        ("550 5.1.1 no such user", "", Result(Outcome.FAILED, "recipient-refused")),
        ("550 5.7.1 relaying denied", "", Result(Outcome.LATER, "server-refused")),
        ("554 relay denied", "", Result(Outcome.LATER, "server-refused")),
        ("552 5.2.2 mailbox full", "", Result(Outcome.FAILED, "mailbox-refused")),
        ("450 try again", "", Result(Outcome.LATER, "recipient-refused")),
        ("250 OK", "554 spam", Result(Outcome.FAILED, "text-refused")),
        ("250 OK", "451 try again", Result(Outcome.LATER, "text-refused")),
        ("250 OK", DROPS, Result(Outcome.UNKNOWN, "connection-lost")),
    ],
)
async def test_what_a_mail_server_answers(mail_server: MailServer, rcpt: str, data: str, result: Result) -> None:
    """A refusal is definite, for good from 500 on, but for one of us; a connection that is lost once the text was given
    says nothing."""
    mail_server.answers_rcpt, mail_server.answers_data = rcpt, data
    assert await smtp_at(mail_server.port).send(MAIL) == result


async def test_a_mail_server_that_does_not_answer_in_time(mail_server: MailServer) -> None:
    """Whoever was given the text and says nothing may have sent it; whoever can't be reached has not."""
    mail_server.answers_data = HANGS
    assert await smtp_at(mail_server.port, 0.5).send(MAIL) == Result(Outcome.UNKNOWN, "timed-out")
    assert (await smtp_at(NOBODY_LISTENS).send(MAIL)).outcome is Outcome.LATER


async def test_a_login_that_is_refused_fails_no_message(mail_server: MailServer) -> None:
    """A server that wants no part of us says nothing of the message: it is tried again later."""
    settings = SmtpSettings(
        host="127.0.0.1", port=mail_server.port, tls=Tls.NONE, username="outreach", password=SecretStr("wrong")
    )
    assert (await SmtpAdapter(settings).send(MAIL)).outcome is Outcome.LATER
    assert mail_server.taken == []


@pytest.mark.parametrize(
    "address", ["ådå@sesame.example", "ada@sesame.example\r\nRCPT TO:<eve@sesame.example>", "", "a b@c"]
)
async def test_an_address_that_is_none_is_not_sent_to(mail_server: MailServer, address: str) -> None:
    """What is no address, or would be another command, ends for good, and nobody gets a message."""
    result = await smtp_at(mail_server.port).send(replace(MAIL, address=address))
    assert result.outcome is Outcome.FAILED
    assert mail_server.taken == []


async def test_a_text_message_is_posted(provider: Provider) -> None:
    """With our id, both numbers, what it says, and the token; the provider's own id is kept."""
    assert await provider_at(provider.port).send(TEXT) == Result(Outcome.SENT, reference="sms-1")
    assert provider.taken == [{"id": str(TEXT.message_id), "from": TEXT.sender, "to": TEXT.address, "body": TEXT.body}]
    assert provider.tokens == ["bearer secret"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (400, Result(Outcome.FAILED, "http-400")),
        (302, Result(Outcome.FAILED, "http-302")),
        (429, Result(Outcome.LATER, "http-429")),
        (401, Result(Outcome.LATER, "http-401")),
        (409, Result(Outcome.UNKNOWN, "http-409")),
        (500, Result(Outcome.UNKNOWN, "http-500")),
        (503, Result(Outcome.UNKNOWN, "http-503")),
        (DROPS, Result(Outcome.UNKNOWN, "connection-lost")),
    ],
)
async def test_what_a_provider_answers(provider: Provider, answer: int | str, result: Result) -> None:
    """4xx is a definite no, 429 and a wrong token one for now; after a fault or a lost connection nobody can say."""
    provider.answers = answer
    assert await provider_at(provider.port).send(TEXT) == result


async def test_a_provider_that_does_not_answer_in_time(provider: Provider) -> None:
    """Whoever was asked and says nothing may have sent it; whoever can't be reached has not."""
    provider.answers = HANGS
    assert await provider_at(provider.port, 0.5).send(TEXT) == Result(Outcome.UNKNOWN, "timed-out")
    assert await provider_at(NOBODY_LISTENS).send(TEXT) == Result(Outcome.LATER, "not-reached")


@pytest.mark.parametrize(
    "environ",
    [
        {"VCC_MESSAGES_SMTP_HOST": "mail.example", "VCC_MESSAGES_SMTP_TLS": "none"},
        {"VCC_MESSAGES_SMTP_PORT": "25"},
        {"VCC_MESSAGES_SMTP_HOST": "mail.example", "VCC_MESSAGES_SMTP_TSL": "tls"},
        {"VCC_MESSAGES_TEXT_URL": "http://sms.example", "VCC_MESSAGES_TEXT_TOKEN": "t"},
        {"VCC_MESSAGES_TEXT_URL": "https://sms.example"},
        {"VCC_MESSAGES_SENDERS_FILE": "/nowhere"},
        {"VCC_MESSAGES_CALLBACK_SECRETS": "whsec_c2hvcnQ="},
        {"VCC_MESSAGES_CALLBACK_SECRETS": "no base64!"},
    ],
)
def test_settings_that_would_leak_or_do_not_fit_are_refused(environ: dict[str, str]) -> None:
    """Plain text to another machine, a part that is missing, a name that is mistyped, a file that is not there."""
    with pytest.raises(SettingsError):
        read_message_settings(environ)


def test_nothing_is_sent_by_default() -> None:
    """Without settings there is no adapter and no sender."""
    found = read_message_settings({})
    assert (found.smtp, found.provider, found.secrets, dict(found.senders)) == (None, None, (), {})
