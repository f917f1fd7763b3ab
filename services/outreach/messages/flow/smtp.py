"""E-mails by SMTP. Until the server has been given the text nothing is sent, whatever goes wrong; from then on only its
answer tells whether it was."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import aiosmtplib
from aiosmtplib.email import parse_address

from services.outreach.messages.flow.settings import SmtpSettings, Tls
from services.outreach.messages.outgoing import RECIPIENT_REFUSED, Outcome, Outgoing, Result

_ENHANCED = re.compile(r"[45]\.(\d{1,3})\.\d")
ADDRESS, POLICY = "1", "7"
TRANSACTION_FAILED = 554
PERMANENT = 500
"""From this reply on a server says that it will never take it (RFC 5321, 4.2.1)."""


class SmtpAdapter:
    """Sends one e-mail in a session of its own."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, outgoing: Outgoing) -> Result:
        """Hand it to the server; gives how that ended."""
        try:
            if "@" not in parse_address(outgoing.address):
                raise ValueError("expected an address")
            outgoing.address.encode("ascii")
            content = message_of(outgoing)
        except ValueError:  # what no command or header can hold
            return Result(Outcome.FAILED, "address-unusable")
        client = self._client()
        try:
            await client.connect()
            await client.mail(outgoing.sender)
            await client.rcpt(outgoing.address)
        except aiosmtplib.SMTPRecipientRefused as error:
            client.close()
            return _of_recipient(error)
        except aiosmtplib.SMTPResponseException:  # of us, our login or our sender: the message may still be good
            client.close()
            return Result(Outcome.LATER, "server-refused")
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            return Result(Outcome.LATER, _kind(error))
        return await self._hand_over(client, content)

    async def _hand_over(self, client: aiosmtplib.SMTP, content: bytes) -> Result:
        try:
            await client.data(content)
        except aiosmtplib.SMTPDataError as error:
            return _refused(error, "text-refused")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Result(Outcome.UNKNOWN, _kind(error))
        finally:
            client.close()
        return Result(Outcome.SENT)

    def _client(self) -> aiosmtplib.SMTP:
        own = self._settings
        return aiosmtplib.SMTP(
            hostname=own.host, port=own.port, timeout=own.timeout_s, use_tls=own.tls is Tls.FROM_THE_START,
            start_tls=own.tls is Tls.STARTTLS, cert_bundle=own.cafile, username=own.username,
            password=None if own.password is None else own.password.get_secret_value(),
        )  # fmt: skip


def message_of(outgoing: Outgoing) -> bytes:
    """The message as it is written on the wire. Its id is ours, so that whoever gets it twice can tell."""
    message = EmailMessage(policy=SMTP_POLICY)
    message.set_content(outgoing.body, cte="base64")
    message["From"] = Address(outgoing.sender_name, addr_spec=outgoing.sender)
    message["To"] = outgoing.address
    message["Subject"] = outgoing.subject
    message["Message-ID"] = f"<{outgoing.message_id}@{outgoing.sender.rpartition('@')[2]}>"
    message["Content-Language"] = outgoing.language
    message["Auto-Submitted"] = "auto-generated"
    return message.as_bytes()


def _refused(error: aiosmtplib.SMTPResponseException, reason: str) -> Result:
    return Result(Outcome.FAILED if error.code >= PERMANENT else Outcome.LATER, reason)


def _of_recipient(error: aiosmtplib.SMTPRecipientRefused) -> Result:
    """There is no such mailbox, by the reply's enhanced code (RFC 3463) where it has one; or it takes nothing; or we
    are not let through, which says nothing of the member."""
    enhanced = _ENHANCED.match(error.message)
    subject = enhanced[1] if enhanced else POLICY if error.code == TRANSACTION_FAILED else ADDRESS
    if subject == POLICY:
        return Result(Outcome.LATER, "server-refused")
    return _refused(error, RECIPIENT_REFUSED if subject == ADDRESS else "mailbox-refused")


def _kind(error: Exception) -> str:
    return "timed-out" if isinstance(error, TimeoutError) else "connection-lost"
