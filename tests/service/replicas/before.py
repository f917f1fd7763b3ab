"""What processes of the release before say to their tables: its statements as they were."""

OUTREACH_MEMBERS = """
insert into member (member_token, person_token)
select token, token from unnest($1::uuid[]) as row (token) order by token on conflict do nothing returning member_token
"""
OUTREACH_LOCK = """
select member_token, person_token from member
where person_token = any(array(select person_token from member where member_token = any($1)))
order by member_token for update
"""
OUTREACH_MERGE = "update member set person_token = $2 where person_token = $1"
DAYS_BY_ZONE = """
insert into business_day as kept (time_zone, business_on) select * from unnest($1::text[], $2::date[])
on conflict (time_zone) do update set business_on = excluded.business_on where excluded.business_on > kept.business_on
"""
LATEST_DAY = "select max(business_on) from business_day"
OUTREACH_VERSIONS = """
insert into programme_version (programme_id, version, title, vaccine_group, time_zone, effective_on)
select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::date[])
on conflict do nothing
"""
OUTREACH_IN_EFFECT = """
insert into programme as kept (programme_id, version, title, vaccine_group, time_zone)
select distinct on (programme_id) programme_id, version, title, vaccine_group, time_zone
from (
    select *, coalesce(effective_on <= (select max(business_on) from business_day), true) as has_begun
    from programme_version
) as known
order by programme_id, has_begun desc,
    case when has_begun then effective_on end desc, case when has_begun then version end desc, effective_on, version
on conflict (programme_id) do update
set version = excluded.version, title = excluded.title, vaccine_group = excluded.vaccine_group,
    time_zone = excluded.time_zone
where excluded.version <> kept.version
returning programme_id
"""

SCHEDULING_LOCK = """
    insert into person (member_token) select member_token from unnest($1::uuid[]) as new (member_token)
    order by member_token
    on conflict (member_token) do update set merged_into = null where false
"""
SCHEDULING_SURVIVORS = """
    select member_token, merged_into from person where member_token = any($1) and merged_into is not null
"""
SCHEDULING_MERGE = """
    update person set merged_into = new.merged_into
    from unnest($1::uuid[], $2::uuid[]) as new (member_token, merged_into)
    where person.member_token = new.member_token and person.merged_into is distinct from new.merged_into
"""
SCHEDULING_DAY = """
    insert into business_day (business_on) values ($1)
    on conflict (single) do update set business_on = excluded.business_on
    where business_day.business_on < excluded.business_on
    returning business_on
"""
SCHEDULING_VERSIONS = """
    insert into programme_version (programme_id, version, vaccine_group, effective_on)
    select * from unnest($1::text[], $2::int[], $3::text[], $4::date[])
    on conflict do nothing
"""
SCHEDULING_IN_EFFECT = """
    insert into programme as known (programme_id, version, vaccine_group, began_on)
    select distinct on (programme_id) programme_id, version, vaccine_group, began_on
    from (
        select *, min(effective_on) over (partition by programme_id) as began_on,
            coalesce(effective_on <= (select business_on from business_day), true) as has_begun
        from programme_version
    ) as version
    order by programme_id, has_begun desc,
        case when has_begun then effective_on end desc, case when has_begun then version end desc,
        effective_on, version
    on conflict (programme_id) do update set
        version = excluded.version, began_on = excluded.began_on, vaccine_group = excluded.vaccine_group
    where (known.version, known.began_on) is distinct from (excluded.version, excluded.began_on)
    returning programme_id
"""

_PROGRAMME = """
    programme_id, version, title, vaccine_group, effective_on, time_zone, doses_needed, doses_since_on, cvx_not_counted
"""
REPORTING_VERSIONS = f"""
insert into programme_version ({_PROGRAMME})
select
    programme_id, version, title, vaccine_group, effective_on, time_zone, doses_needed, doses_since_on,
    coalesce(cvx_not_counted, '{{}}')
from jsonb_populate_recordset(null::programme_version, $1::text::jsonb)
on conflict do nothing
"""
REPORTING_IN_EFFECT = f"""
insert into programme as known ({_PROGRAMME})
select distinct on (programme_id) {_PROGRAMME}
from (
    select *, coalesce(effective_on <= (select max(business_on) from business_day), true) as has_begun
    from programme_version
) as version
order by programme_id, has_begun desc,
    case when has_begun then effective_on end desc, case when has_begun then version end desc, effective_on, version
on conflict (programme_id) do update set
    version = excluded.version, title = excluded.title, vaccine_group = excluded.vaccine_group,
    effective_on = excluded.effective_on, time_zone = excluded.time_zone, doses_needed = excluded.doses_needed,
    doses_since_on = excluded.doses_since_on, cvx_not_counted = excluded.cvx_not_counted
where excluded.version <> known.version
returning programme_id
"""
REPORTING_DAYS = """
insert into business_day as known
select time_zone, max(business_on) from jsonb_populate_recordset(null::business_day, $1::text::jsonb) group by time_zone
on conflict (time_zone) do update set business_on = greatest(known.business_on, excluded.business_on)
"""
REPORTING_EMPTY = "truncate programme_version, business_day, programme"
