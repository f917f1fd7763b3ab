"""How outreach finds what it has said in its store."""

from collections.abc import Mapping

from schemas.envelope import Event
from schemas.outreach_v1 import CaseChangedV1, ContactAttemptLoggedV1, ContactAttemptRetractedV1
from services.kit.own_log import Owned

UNKNOWN_ATTEMPTS = """
select position from unnest($1::uuid[]) with ordinality as said (attempt_id, position)
left join attempt using (attempt_id)
where case_id is null
"""
UNKNOWN_RETRACTIONS = """
select position from unnest($1::uuid[]) with ordinality as said (attempt_id, position)
left join attempt_retraction using (attempt_id)
where reason is null
"""
OWNED: Mapping[type[Event], Owned] = {
    CaseChangedV1: Owned.by_version("outreach_case", "case_id"),
    ContactAttemptLoggedV1: Owned(("attempt_id",), UNKNOWN_ATTEMPTS),
    ContactAttemptRetractedV1: Owned(("attempt_id",), UNKNOWN_RETRACTIONS),
}
