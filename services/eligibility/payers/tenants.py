"""For whose members a sender may speak. Pure; rules know no chassis, so its word for all tenants is said here again."""

EVERY_TENANT = "*"
"""Whose senders may speak of everybody: a state's registry, or an operator."""


def speaker(sender: str, tenant: str) -> str:
    """The name under which a sender's word is kept. Who may speak for one tenant only is a sender of his own, whatever
    name he writes into his messages, so that he takes back nobody else's word."""
    return sender if tenant == EVERY_TENANT else f"{sender}@{tenant}"
