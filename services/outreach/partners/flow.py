"""Describes partners and groups, in the transaction of the request."""

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.outreach.partners import store
from services.outreach.partners.rules import Group, Partner, missing_of

NO_PARTNER = Refusal("unknown-partner", "Unknown Partner", "There is no such partner among your plan's.", 404)
NO_GROUP = Refusal("unknown-group", "Unknown Group", "There is no such group among your plan's.", 404)
CHANGED = Refusal(
    "partner-changed", "Partner Changed", "Another description stands: read it, and send its ETag as If-Match.", 412
)
NOT_DESCRIBED = Refusal(
    "unknown-partners", "Unknown Partners", "Describe the backbone and all members of a group first."
)


async def describe(
    connection: Connection, tenant_id: str, partner: Partner, version: int | None, by: str
) -> tuple[Partner, int] | Refusal:
    """Keep the description, if the one that it is made from stands."""
    saved = await store.save_partner(connection, tenant_id, partner, version, by)
    return CHANGED if saved is None else (partner, saved)


async def describe_group(
    connection: Connection, tenant_id: str, group: Group, version: int | None, by: str
) -> tuple[Group, int] | Refusal:
    """Keep a group of partners that are known, if the description that it is made from stands."""
    if missing_of(group, await store.load_known(connection, [group.backbone, *group.members])):
        return NOT_DESCRIBED
    saved = await store.save_group(connection, tenant_id, group, version, by)
    return CHANGED if saved is None else (group, saved)
