"""By which SQL scheduling finds out, say after a restore, which of the facts that it has announced its database no
longer knows (`kit/own_log`)."""

from collections.abc import Mapping

from schemas.envelope import Event
from schemas.scheduling_v1 import AppointmentChangedV1, SlotPoolChangedV1
from services.kit.own_log import Owned

OWNED: Mapping[type[Event], Owned] = {
    AppointmentChangedV1: Owned.by_version("appointment", "appointment_id"),
    SlotPoolChangedV1: Owned.by_version("block", "block_id"),
}
