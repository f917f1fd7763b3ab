-- What the log says, one row per entity (of two versions the higher), and the cells that are kept in step with it.
-- Every table here can be emptied and filled again from the log.

create table member (
    -- The row that is locked while a person's contribution to the cells changes.
    member_token uuid primary key
);

create table programme (
    programme_id text primary key,
    version integer not null,
    title text not null,
    vaccine_group text not null,
    effective_on date not null,
    time_zone text not null
);

create table business_day (
    time_zone text primary key,
    business_on date not null
);

create table enrolment (
    enrolment_id uuid not null,
    programme_id text not null,
    tenant_id text not null,
    member_token uuid not null,
    version integer not null,
    programme_version integer not null,
    status text not null,
    reasons text[] not null,
    enrolled boolean not null,
    priority integer not null,
    age_band text,
    race_ethnicity text not null,
    language text,
    line_of_business text not null,
    zip5 text,
    county_fips text,
    svi_level text not null,
    svi_release text not null,
    svi_value double precision,
    vulnerable boolean not null,
    merged_into uuid,
    first_eligible_on date,
    decided_on date not null,
    primary key (enrolment_id, programme_id)
);
create index enrolment_by_member on enrolment (member_token);

create table member_merge (
    retired_token uuid primary key,
    surviving_token uuid not null,
    merged_on date not null
);

-- Every version of a dose, so that a figure can be asked as of one day and as known on another.
create table dose_version (
    dose_id uuid not null,
    version integer not null,
    action text not null,
    member_token uuid not null,
    vaccine_group text not null,
    cvx text not null,
    administered_on date not null,
    known_on date not null,
    sources text[] not null,
    appointment_id uuid,
    primary key (dose_id, version)
);
create table dose (
    dose_id uuid primary key,
    version integer not null,
    action text not null,
    member_token uuid not null,
    vaccine_group text not null,
    administered_on date not null,
    known_on date not null,
    first_known_on date not null,
    sources text[] not null
);
create index dose_by_member on dose (member_token, vaccine_group);

create table outreach_case (
    case_id uuid primary key,
    version integer not null,
    tenant_id text not null,
    programme_id text not null,
    enrolment_id uuid not null,
    member_token uuid not null,
    status text not null,
    closed_reason text,
    attempts integer not null,
    opened_on date not null,
    changed_on date not null
);
create table contact_attempt (
    attempt_id uuid primary key,
    tenant_id text not null,
    programme_id text not null,
    enrolment_id uuid not null,
    member_token uuid not null,
    channel text not null,
    disposition text not null,
    attempted_on date not null,
    worker_id text not null,
    given text[] not null,
    topics text[] not null,
    barriers text[] not null,
    refusal_domain text
);
create index contact_attempt_by_enrolment on contact_attempt (enrolment_id, programme_id);

create table appointment (
    appointment_id uuid primary key,
    version integer not null,
    tenant_id text not null,
    programme_id text not null,
    enrolment_id uuid not null,
    member_token uuid not null,
    status text not null,
    site_id text not null,
    start_on date not null,
    walk_in boolean not null,
    cancellation_reason text,
    changed_on date not null
);
create index appointment_by_enrolment on appointment (enrolment_id, programme_id);

create table slot_pool (
    block_id uuid primary key,
    version integer not null,
    site_id text not null,
    site_zip5 text not null,
    week_on date not null,
    held_for text,
    cvx text not null,
    capacity integer not null,
    booked integer not null,
    fulfilled integer not null
);

create table feed_file (
    file_id uuid primary key,
    kind text not null,
    sender text not null,
    held_by text,
    rows_read integer not null,
    rows_accepted integer not null,
    rows_rejected integer not null,
    rows_unlinked integer not null,
    rows_unchanged integer not null,
    rejections jsonb not null,
    business_on date not null
);

create table target_zip (
    programme_id text not null,
    zip5 text not null,
    week_on date not null,
    listed boolean not null,
    rank integer,
    members integer,
    unvaccinated integer,
    coverage double precision,
    primary key (programme_id, zip5)
);

-- Coverage, kept in step with `enrolment` and `dose` by every batch. Empty cells are removed.
create table coverage_cell (
    programme_id text not null,
    tenant_id text not null,
    zip5 text not null,
    age_band text not null,
    race_ethnicity text not null,
    svi_group text not null,
    members integer not null,
    eligible integer not null,
    vaccinated integer not null,
    primary key (programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group)
);

-- Which quarter of the ranking a member's area falls into, at which level: levels are never mixed.
create function svi_group(level text, value double precision) returns text immutable language sql as $$
    select case
        when level = 'unknown' or value is null then 'unknown'
        when value < 0.25 then level || ':1'
        when value < 0.5 then level || ':2'
        when value < 0.75 then level || ':3'
        else level || ':4'
    end
$$;

-- What one enrolled member adds to which cell. The only definition of coverage.
create view member_cell as
select
    e.member_token,
    e.enrolment_id,
    e.programme_id,
    e.tenant_id,
    coalesce(e.zip5, 'unknown') as zip5,
    coalesce(e.age_band, 'unknown') as age_band,
    e.race_ethnicity,
    svi_group(e.svi_level, e.svi_value) as svi_group,
    (e.status = 'eligible')::int as eligible,
    exists (
        select from dose d
        where d.member_token = e.member_token and d.vaccine_group = p.vaccine_group and d.action <> 'retract'
    )::int as vaccinated
from enrolment e
left join programme p using (programme_id)
where e.enrolled;

do $$
declare
    of_a_plan text;
begin
    foreach of_a_plan in array array['enrolment', 'outreach_case', 'contact_attempt', 'appointment', 'coverage_cell']
    loop
        execute format('alter table %I enable row level security', of_a_plan);
        execute format('alter table %I force row level security', of_a_plan);
        execute format(
            'create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'' '
            'or tenant_id = current_setting(''vcc.tenant'', true))',
            of_a_plan
        );
    end loop;
end
$$;
alter view member_cell set (security_invoker = true);
