"""Payers' identifiers and their tenants, as they are told over HTTP."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Code


class PayerOut(BaseModel):
    """An identifier and its tenant. `system` is N103: FI tax id, XV health plan id, 94 one that the receiver gave."""

    system: str
    value: str
    tenant_id: str
    named_at: datetime


class PayerIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    tenant_id: Code
