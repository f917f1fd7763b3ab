"""By which SQL eligibility finds out, say after a restore, which of the facts that it has announced its database no
longer knows (`kit/own_log`)."""

from collections.abc import Mapping

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAdministeredV1,
    FeedFileProcessedV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from services.kit.own_log import Owned

UNKNOWN_DECISIONS = """
select position
from unnest($1::uuid[], $2::text[], $3::numeric[])
    with ordinality as said (enrolment_id, programme_id, said_version, position)
left join decision using (enrolment_id, programme_id)
where version is null or version < said_version
"""
UNKNOWN_MERGES = """
select position from unnest($1::uuid[]) with ordinality as said (token, position)
left join person using (token)
where merged_into is null
"""
UNKNOWN_PROGRAMMES = """
select position from unnest($1::text[], $2::numeric[]) with ordinality as said (programme_id, version, position)
left join programme using (programme_id, version)
where document_sha256 is null
"""
UNKNOWN_DAYS = """
select position from unnest($1::date[]) with ordinality as said (said_on, position)
where not exists (select from clock where business_on >= said_on)
"""
UNKNOWN_FILES = """
select position from unnest($1::uuid[]) with ordinality as said (file_id, position)
left join feed_file using (file_id)
where processed_at is null
"""
OWNED: Mapping[type[Event], Owned] = {
    MemberEligibilityDecidedV1: Owned(("enrolment_id", "programme_id", "version"), UNKNOWN_DECISIONS),
    DoseAdministeredV1: Owned.by_version("dose", "dose_id"),
    MembersMergedV1: Owned(("retired_token",), UNKNOWN_MERGES),
    ProgrammePublishedV1: Owned(("programme_id", "version"), UNKNOWN_PROGRAMMES),
    BusinessDayOpenedV1: Owned(("business_on",), UNKNOWN_DAYS),
    FeedFileProcessedV1: Owned(("file_id",), UNKNOWN_FILES),
}
