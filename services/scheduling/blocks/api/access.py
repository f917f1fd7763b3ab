"""Who may ask what, and what every route of this service asks for: the clock, the deployment's settings."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from services.kit.auth import Principal, may
from services.kit.clock import clock
from services.kit.roles import TABLE
from services.scheduling.settings import OwnSettings

SiteKeeper = Annotated[Principal, may("sites.write")]
Closer = Annotated[Principal, may("sites.close")]
Provider = Annotated[Principal, may("blocks.write")]
SlotReader = Annotated[Principal, may("slots.read")]
Reader = Annotated[Principal, may("appointments.read")]
Booker = Annotated[Principal, may("appointments.book")]
Canceller = Annotated[Principal, may("appointments.cancel")]
Teller = Annotated[Principal, may("appointments.noshow")]
SiteStaff = Annotated[Principal, may("doses.record")]
Desk = Annotated[Principal, may("site-days.read")]


async def _own(request: Request) -> OwnSettings:
    own: OwnSettings = request.state.own
    return own


Clock = Annotated[datetime, Depends(clock)]
Own = Annotated[OwnSettings, Depends(_own)]


def is_site_staff(principal: Principal, site_id: str) -> bool:
    """Whether somebody asks as the staff of this site."""
    staff = TABLE.that_may("doses.record")
    return bool(staff & principal.roles) and principal.within(staff).acts_at(site_id)
