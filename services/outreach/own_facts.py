"""How outreach finds what it has said in its store."""

from collections.abc import Mapping

from schemas.envelope import Event
from schemas.outreach_v1 import CaseChangedV1, ContactAttemptLoggedV1
from services.kit.own_log import Owned

UNKNOWN_CASES = """
select position from unnest($1::uuid[], $2::numeric[]) with ordinality as said (case_id, said_version, position)
left join outreach_case using (case_id)
where version is null or version < said_version
"""
UNKNOWN_ATTEMPTS = """
select position from unnest($1::uuid[]) with ordinality as said (attempt_id, position)
left join attempt using (attempt_id)
where case_id is null
"""
OWNED: Mapping[type[Event], Owned] = {
    CaseChangedV1: Owned(("case_id", "version"), UNKNOWN_CASES),
    ContactAttemptLoggedV1: Owned(("attempt_id",), UNKNOWN_ATTEMPTS),
}
