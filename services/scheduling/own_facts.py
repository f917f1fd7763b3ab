"""How scheduling finds what it has said in its store."""

from collections.abc import Mapping

from schemas.envelope import Event
from schemas.scheduling_v1 import AppointmentChangedV1, SlotPoolChangedV1
from services.kit.own_log import Owned

UNKNOWN_APPOINTMENTS = """
select position from unnest($1::uuid[], $2::numeric[]) with ordinality as said (appointment_id, said_version, position)
left join appointment using (appointment_id)
where version is null or version < said_version
"""
UNKNOWN_BLOCKS = """
select position from unnest($1::uuid[], $2::numeric[]) with ordinality as said (block_id, said_version, position)
left join block using (block_id)
where version is null or version < said_version
"""
OWNED: Mapping[type[Event], Owned] = {
    AppointmentChangedV1: Owned(("appointment_id", "version"), UNKNOWN_APPOINTMENTS),
    SlotPoolChangedV1: Owned(("block_id", "version"), UNKNOWN_BLOCKS),
}
