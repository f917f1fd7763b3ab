"""What every route of this service asks for: who asks, what the clock says, the deployment's rules."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from services.kit.auth import Principal, require
from services.scheduling.settings import Rules

Provider = Annotated[Principal, require("state", "site")]
SiteStaff = Annotated[Principal, require("site")]
Coordinator = Annotated[Principal, require("coordinator", "supervisor", "chw")]
Anybody = Annotated[Principal, require("coordinator", "supervisor", "chw", "site", "state")]
Teller = Annotated[Principal, require("site", "supervisor", "state")]


async def clock() -> datetime:
    """Now. Tests say another."""
    return datetime.now(UTC)


async def _rules(request: Request) -> Rules:
    rules: Rules = request.state.rules
    return rules


Clock = Annotated[datetime, Depends(clock)]
Chosen = Annotated[Rules, Depends(_rules)]
