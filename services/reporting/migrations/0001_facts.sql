-- What the log says, and the coverage cells that are kept in step with it. Every table here can be emptied and filled
-- again from the log.
--
-- Facts are only ever added, one row for each version of an entity, so that the order in which they come can't matter
-- and any past day can be asked: what held then is the highest version among those known by then.

-- Which reading of the log these tables are: every batch share-locks the row, a rebuild raises the number.
create table generation (
    number integer not null,
    only_one boolean primary key default true check (only_one)
);
insert into generation (number) values (1);

create table programme_version (
    programme_id text not null,
    version integer not null,
    title text not null,
    vaccine_group text not null,
    effective_on date not null,
    time_zone text not null,
    doses_needed integer not null,
    doses_since_on date,
    cvx_not_counted text[] not null,
    primary key (programme_id, version)
);

create table business_day (
    time_zone text primary key,
    business_on date not null
);

create table enrolment_version (
    enrolment_id uuid not null,
    programme_id text not null,
    version integer not null,
    tenant_id text not null,
    member_token uuid not null,
    programme_version integer not null,
    status text not null,
    reasons text[] not null,
    enrolled boolean not null,
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
    decided_on date not null,
    primary key (enrolment_id, programme_id, version)
);

create table member_merge (
    retired_token uuid not null,
    surviving_token uuid not null,
    merged_on date not null,
    primary key (retired_token, surviving_token, merged_on)
);

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

create table case_version (
    case_id uuid not null,
    version integer not null,
    tenant_id text not null,
    programme_id text not null,
    enrolment_id uuid not null,
    member_token uuid not null,
    status text not null,
    closed_reason text,
    opened_on date not null,
    changed_on date not null,
    primary key (case_id, version)
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
    given text[] not null,
    topics text[] not null,
    barriers text[] not null,
    refusal_domain text
);
create index contact_attempt_by_programme on contact_attempt (programme_id, attempted_on);

create table appointment_version (
    appointment_id uuid not null,
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
    changed_on date not null,
    primary key (appointment_id, version)
);

-- `tenant_id` is the plan that a block is held for, or that a file is of; none: everybody's.
create table slot_pool_version (
    block_id uuid not null,
    version integer not null,
    site_id text not null,
    site_zip5 text not null,
    week_on date not null,
    tenant_id text,
    cvx text not null,
    capacity integer not null,
    booked integer not null,
    fulfilled integer not null,
    changed_on date not null,
    primary key (block_id, version)
);

create table feed_file (
    file_id uuid primary key,
    kind text not null,
    sender text not null,
    tenant_id text,
    rows_read integer not null,
    rows_accepted integer not null,
    rows_rejected integer not null,
    rows_unlinked integer not null,
    rows_unchanged integer not null,
    rejections jsonb not null,
    business_on date not null
);

-- The last word on each ZIP: its topic is compacted, so no more than that can be read again.
create table target_zip (
    programme_id text not null,
    zip5 text not null,
    week_on date not null,
    occurred_at timestamptz not null,
    listed boolean not null,
    rank integer,
    members integer,
    unvaccinated integer,
    coverage double precision,
    primary key (programme_id, zip5)
);

-- What holds by now: the highest version of all, indexed for counting.
create table programme (like programme_version, primary key (programme_id));
create table enrolment (like enrolment_version, primary key (enrolment_id, programme_id));
create index enrolment_by_member on enrolment (member_token);
create table dose (like dose_version, primary key (dose_id));
create index dose_by_member on dose (member_token, vaccine_group);

-- Coverage by now, kept in step with `enrolment`, `dose` and `programme` by every batch. Empty cells are removed.
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
create function svi_group(level text, value double precision) returns text immutable parallel safe language sql as $$
    select case
        when level = 'unknown' or value is null then 'unknown'
        when value < 0.25 then level || ':1'
        when value < 0.5 then level || ':2'
        when value < 0.75 then level || ':3'
        else level || ':4'
    end
$$;

-- In scope: nothing but the place of living, the vaccination itself or the calendar stands against the member. These
-- are the people whom the programme would address everywhere; the ones of them in vulnerable areas are its targets.
create function in_scope(reasons text[]) returns boolean immutable parallel safe language sql as $$
    select reasons <@ array[
        'already-vaccinated', 'area-not-vulnerable', 'area-unknown',
        'programme-not-begun', 'between-phases', 'programme-ended'
    ]
$$;


-- What one enrolled member in scope adds to which cell. The only definition of coverage by now.
create view member_cell with (security_invoker = true) as
select
    e.member_token,
    e.enrolment_id,
    e.programme_id,
    e.tenant_id,
    coalesce(e.zip5, 'unknown') as zip5,
    coalesce(e.age_band, 'unknown') as age_band,
    e.race_ethnicity,
    svi_group(e.svi_level, e.svi_value) as svi_group,
    (e.status = 'eligible')::integer as eligible,
    (
        select count(distinct d.administered_on) >= p.doses_needed
        from dose d
        where d.member_token = e.member_token
            and d.vaccine_group = p.vaccine_group
            and d.action <> 'retract'
            and d.cvx <> all (p.cvx_not_counted)
            and (p.doses_since_on is null or d.administered_on >= p.doses_since_on)
    )::integer as vaccinated
from enrolment e
join programme p using (programme_id)
where e.enrolled and in_scope(e.reasons);

do $$
declare
    of_a_plan text;
begin
    foreach of_a_plan in array array[
        'enrolment_version', 'case_version', 'contact_attempt', 'appointment_version', 'slot_pool_version', 'feed_file',
        'enrolment', 'coverage_cell'
    ]
    loop
        execute format('alter table %I enable row level security', of_a_plan);
        execute format('alter table %I force row level security', of_a_plan);
        execute format(
            'create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'' '
            'or tenant_id = current_setting(''vcc.tenant'', true) or tenant_id is null)',
            of_a_plan
        );
    end loop;
end
$$;
