"""Outreach with a mail server and a provider, a member who can be written to, and senders at any hour."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from schemas.member_contact_v1 import Telephone, TelephoneKind
from schemas.outreach_v1 import Channel
from services.outreach.messages.flow.adapters import adapter_of
from services.outreach.messages.flow.sending import MessageSender
from services.outreach.messages.flow.settings import read_message_settings
from tests.facts import a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.outreach.contacts import a_contact, a_phone, details
from tests.service.outreach.messages.stand_ins import MailServer, Provider, a_mail_server, a_provider

NOON = datetime(2021, 3, 2, 18, tzinfo=UTC)  # a Tuesday, at noon in Chicago
NIGHT = datetime(2021, 3, 3, 5, tzinfo=UTC)
MORNING = datetime(2021, 3, 3, 16, tzinfo=UTC)  # eight in Los Angeles, where the number is from
SECRET = "whsec_dGVzdHMgc2lnbiB3aXRoIHRoaXMgc2VjcmV0ISE="
AGREED = {"channel": "text", "kind": "autodialled", "source": "spoken"}
PLEASE_CALL = {"channel": "text", "template": "please-call"}
TEXT, EMAIL = Channel.TEXT, Channel.EMAIL


def a_mobile(number: str = "2135550101") -> Telephone:
    return a_phone(number, kind=TelephoneKind.MOBILE)


@dataclass(frozen=True, slots=True)
class Post:
    """The service, what it writes to, and what its deployment says."""

    outreach: Outreach
    mail: MailServer
    provider: Provider
    environ: dict[str, str]

    @asynccontextmanager
    async def at(
        self, now: datetime = NOON, role: str = "coordinator", plan: str = "lakeshore"
    ) -> AsyncIterator[Worker]:
        """A worker at this instant."""
        async with client_of(self.outreach.database, now, self.environ) as client:
            yield Worker(client, role=role, plan=plan)

    async def ask(self, path: str, body: dict[str, Any], now: datetime = NOON, **who: str) -> httpx.Response:
        async with self.at(now, **who) as worker:
            return await worker.client.post(path, json=body, headers=worker._headers())

    async def know(self, name: str = "ada", number: str = "2135550101", **changes: Any) -> None:
        """A member with a mobile telephone and an e-mail address, who agreed to text messages."""
        said = details(name.title(), **({"telephones": (a_mobile(number),)} | changes))
        await self.outreach.hear(a_fact(name), a_contact(name, said=said))
        assert (await self.ask(f"/cases/{case_id(name)}/consents", AGREED)).status_code == 201

    async def queue(self, name: str = "ada", now: datetime = NOON, **changes: Any) -> httpx.Response:
        return await self.ask(f"/cases/{case_id(name)}/messages", PLEASE_CALL | changes, now)

    def sender(self, channel: Channel = TEXT, now: datetime = NOON, timeout_s: float = 10.0) -> MessageSender:
        timeouts = {f"VCC_MESSAGES_{one}_TIMEOUT_S": str(timeout_s) for one in ("SMTP", "TEXT")}
        settings = read_message_settings(self.environ | timeouts)
        adapter = adapter_of(settings, channel)
        assert adapter is not None
        return MessageSender(self.outreach.database.pool, channel, adapter, settings, lambda: now)

    async def send(self, channel: Channel = TEXT, now: datetime = NOON, timeout_s: float = 10.0) -> None:
        """What a sender does in one turn."""
        await self.sender(channel, now, timeout_s).turn()

    async def messages(self) -> list[dict[str, Any]]:
        return await self.outreach.fetch("select * from message order by queued_at")

    async def message(self) -> dict[str, Any]:
        [one] = await self.messages()
        return one

    async def attempts(self) -> list[dict[str, Any]]:
        return await self.outreach.announced("vcc.contact-attempt.logged.v1")


@asynccontextmanager
async def a_post(outreach: Outreach, folder: Path) -> AsyncIterator[Post]:
    senders = folder / "senders.yaml"
    said = "telephone: 800-555-0100, email: outreach@lakeshore.example, text: '+18005550100', per_minute: 60"
    senders.write_text(f"lakeshore: {{name: Lakeshore, {said}}}\nprairie: {{name: Prairie, telephone: 800-555-0199}}\n")
    async with a_mail_server() as mail, a_provider() as provider:
        environ = {
            "VCC_MESSAGES_SENDERS_FILE": str(senders),
            "VCC_MESSAGES_SMTP_HOST": "127.0.0.1", "VCC_MESSAGES_SMTP_PORT": str(mail.port),
            "VCC_MESSAGES_SMTP_TLS": "none",
            "VCC_MESSAGES_TEXT_URL": provider.url, "VCC_MESSAGES_TEXT_TOKEN": "secret",
            "VCC_MESSAGES_CALLBACK_SECRETS": SECRET,
        }  # fmt: skip
        yield Post(outreach, mail, provider, environ)
