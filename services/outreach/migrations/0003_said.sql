-- What is said holds for the person: who says it, to which plan, whether the case is open. What was entered in error can
-- be taken back. And what a news did to a booking reaches the case.

-- What eligibility says of reports of death, of barred channels, and of other numbers and addresses.
alter table enrolment
    add column death_reports_until timestamptz,
    add column channels_barred text not null default '',
    add column phone_version integer not null default 0,
    add column address_version integer not null default 0,
    add column email_version integer not null default 0;

-- Every group of a combination vaccine; empty in rows from before: the one group alone.
alter table dose add column vaccine_groups text not null default '';

alter table appointment
    add column cancellation_reason text,
    add column by_rule boolean not null default false,
    add column outcome_overdue boolean not null default false,
    add column told_at timestamptz;

-- `against`: the rule that the try went against; `reach`: the version of the number or address by which it was made;
-- `resumed`: channels by which the member wants to hear from the plan again.
alter table attempt
    add column direction text not null default 'outbound',
    add column against text,
    add column resumed text[] not null default '{}',
    add column reach integer not null default 0;

-- Attempts that do not stand. The attempt itself is never changed.
create table attempt_retraction (
    attempt_id uuid primary key references attempt,
    tenant_id text not null,
    worker_id text not null,
    reason text not null,
    retracted_on date not null,
    retracted_at timestamptz not null
);
alter table attempt_retraction enable row level security;
alter table attempt_retraction force row level security;
create policy tenant_isolation on attempt_retraction
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- What a person said, or what was said of him, that holds for all his plans: made from attempts that stand and from
-- cancelled appointments. Decided on for every plan and shown to none: hence no row-level security, and nothing of the
-- conversation. `told_at` is the instant of the event that told it.
create table statement (
    source_id uuid primary key,
    tenant_id text not null,
    member_token uuid not null,
    programme_id text not null,
    said_at timestamptz not null,
    counted_on date not null,
    told_at timestamptz not null,
    standing text,
    stops text[] not null,
    resumes text[] not null,
    reports_death boolean not null
);
create index statement_by_member on statement (member_token);

select set_config('vcc.tenant', '*', true);
insert into statement
select attempt_id, tenant_id, member_token, programme_id, attempted_at, counted_on, logged_at - interval '1 second',
    case disposition
        when 'initial-refusal' then 'refusal' when 'already-vaccinated' then 'self-report'
        when 'callback-scheduled' then 'callback' when 'booked' then 'booked'
    end, stopped, '{}', disposition = 'deceased'
from attempt
where disposition in
    ('initial-refusal', 'already-vaccinated', 'callback-scheduled', 'booked', 'do-not-call', 'deceased');

-- Paused without an end: until eligibility has judged a report of death.
alter table outreach_case
    drop constraint outreach_case_check1,
    add constraint paused_until_check check (paused_until_on is null or status = 'paused'),
    add column paused_by text,
    add column flags text not null default '',
    add column lost_bonus integer not null default 0;
alter table outreach_case drop column rank;
alter table outreach_case add column rank integer not null generated always as
    (priority + zip_bonus + noshow_bonus + lost_bonus + attempt_penalty + skip_penalty) stored;
create index case_call_list on outreach_case (rank desc, case_id desc)
    where status = 'open' and held_by is null and callback_at is null;
create index case_list on outreach_case (tenant_id, status, rank desc, case_id desc);
create index case_by_member on outreach_case (member_token);

-- Whom these rules concern is to be decided on again.
insert into waiting_member (member_token, heard_at)
select distinct member_token, now() from outreach_case
where member_token in (select member_token from attempt union select member_token from appointment)
on conflict do nothing;
