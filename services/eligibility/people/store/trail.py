"""By what rows of the trail that were written for all tenants name a plan's member. SQL alone."""

from services.kit.audit_for_plans import ALWAYS, NamesForPlans

# A token is the member's own since the plan lists him, as his enrolment's id tells. Another one's, into whom he was
# joined, names him since the join, and until it was taken back.
NAMES_FOR_PLANS = NamesForPlans(
    f"""
    with mine as (
        select member_token as token, min(case substr(enrolment_id::text, 15, 1) when '7' then to_timestamp(
            ('x' || left(replace(enrolment_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
        ) end) as since
        from enrolment where tenant_id = $2
            and member_token = (select coalesce(merged_into, member_token) from person where member_token = $1)
        group by 1
    ),
    own as (
        select token, since from mine
        union all
        select member_token, since from mine join person on merged_into = token where $2 = any(plans)
    ),
    named (name, since, until) as (
        select token::text, coalesce((
            select min(joined_at) from person_join as one join person on member_token = retired
            where survivor = token and withdrawn_at is null and one.tenant_id <> $2 and $2 = any(plans)
        ), since), timestamptz '9999-01-01Z' from own
        union all
        select survivor::text, joined_at, withdrawn_at
        from own join joined_token on joined_token.member_token = token join person_join using (join_id)
        join person on person.member_token = retired
        where withdrawn_at is not null and $2 = any(plans)
        union all
        select enrolment_id::text, {ALWAYS} from mine join enrolment on member_token = token where tenant_id = $2
    )
    select name, since, until from named where since is not null
    """,
    shown=("/members", "/death-reports"),
)
