"""What sends the messages of this deployment: a sender for each channel that has an adapter."""

from collections.abc import Sequence

from schemas.outreach_v1 import Channel
from services.kit.postgres import Pool
from services.outreach.messages.flow.provider import ProviderAdapter
from services.outreach.messages.flow.sending import Adapter, MessageSender
from services.outreach.messages.flow.settings import MessageSettings
from services.outreach.messages.flow.smtp import SmtpAdapter
from services.outreach.messages.rules import KIND_OF


def adapter_of(settings: MessageSettings, channel: Channel) -> Adapter | None:
    """None where the deployment sends nothing by this channel."""
    if channel is Channel.EMAIL and settings.smtp is not None:
        return SmtpAdapter(settings.smtp)
    if channel is Channel.TEXT and settings.provider is not None:
        return ProviderAdapter(settings.provider)
    return None


def senders_of(pool: Pool, settings: MessageSettings) -> Sequence[MessageSender]:
    """One for each channel by which messages are sent."""
    adapters = {channel: adapter_of(settings, channel) for channel in KIND_OF}
    return [
        MessageSender(pool, channel, adapter, settings) for channel, adapter in adapters.items() if adapter is not None
    ]
