-- What programmes look at beyond rosters and doses, and what was drawn and forecast for them.

-- Conditions, needs, figures and services as a plan says them of its member; another plan's decisions do not see them.
create table member_observation (
    token uuid not null references person,
    tenant_id text not null,
    system text not null check (system in ('vcc', 'snomed', 'icd10', 'cdsi')),
    code text not null,
    observed_on date not null,
    ended_on date,
    value double precision,
    primary key (token, tenant_id, system, code, observed_on)
);

-- The forecast of one vaccine group, from `inputs` (a digest) and good until the day before `stale_on`.
create table forecast (
    enrolment_id uuid not null references enrolment,
    cdsi_group text not null,
    release text not null,
    inputs text not null,
    assessed_on date not null,
    status text not null,
    dose_number integer,
    earliest_on date,
    recommended_on date,
    past_due_on date,
    latest_on date,
    doses_valid integer not null,
    stale_on date,
    primary key (enrolment_id, cdsi_group, release)
);

-- The last score by each model version, with all it was made of: the same inputs give the same score again.
create table risk_score (
    enrolment_id uuid not null references enrolment,
    model text not null,
    score integer not null,
    tier text not null,
    inputs jsonb not null,
    contributions jsonb not null,
    scored_on date not null,
    primary key (enrolment_id, model)
);

-- Drawn once for a person and programme; it stays whatever comes.
create table arm (
    programme_id text not null,
    token uuid not null references person,
    arm text not null,
    programme_version integer not null,
    drawn_on date not null,
    primary key (programme_id, token)
);
create index arm_by_token on arm (token);

-- The rank of the last one admitted of a group, as it was drawn on a day.
create table cut_off (
    programme_id text not null,
    cap_group text not null,
    drawn_on date not null,
    rank bigint not null,
    population integer not null,
    admitted integer not null,
    programme_version integer not null,
    primary key (programme_id, cap_group, drawn_on)
);

-- The last business day on which a programme's cap was looked at.
create table cap_considered (
    programme_id text primary key,
    considered_on date not null
);

-- The releases that decisions were made with: another one has everybody asked whom it concerns.
create table release_in_use (
    name text primary key,
    value text not null
);

alter table decision add column cap_group text, add column cap_rank bigint;
create index decision_by_cap on decision (programme_id, cap_group, cap_rank) where cap_group is not null;

alter table member_observation enable row level security;
alter table member_observation force row level security;
create policy tenant_isolation on member_observation
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
do $$
declare
    name text;
begin
    foreach name in array array['forecast', 'risk_score'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %1$I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or exists (select from enrolment where enrolment.enrolment_id = %1$I.enrolment_id'
            ' and enrolment.tenant_id = current_setting(''vcc.tenant'', true)))', name);
    end loop;
end
$$;
alter table arm enable row level security;
alter table arm force row level security;
create policy tenant_isolation on arm using (current_setting('vcc.tenant', true) = '*'
    or exists (select from enrolment where enrolment.token = arm.token
        and enrolment.tenant_id = current_setting('vcc.tenant', true)));
