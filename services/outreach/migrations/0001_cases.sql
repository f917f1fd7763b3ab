-- What outreach has heard, the cases it opened, and the attempts that its workers made. No name, birth date, address or
-- phone: a member is a token here.

-- A row per token: what a transaction locks before it decides about the member. `person_token` is the surviving token.
create table member (
    member_token uuid primary key,
    person_token uuid not null
);
create index member_by_person on member (person_token);

-- Reference facts; they carry no member and no plan.
create table programme (
    programme_id text primary key,
    version integer not null,
    title text not null,
    vaccine_group text not null,
    time_zone text not null
);
create table business_day (
    time_zone text primary key,
    business_on date not null
);
create table target_zip (
    programme_id text not null,
    zip5 text not null,
    week_on date not null,
    listed boolean not null,
    primary key (programme_id, zip5)
);

-- The newest fact of each enrolment and programme.
create table enrolment (
    enrolment_id uuid not null,
    programme_id text not null,
    tenant_id text not null,
    member_token uuid not null,
    version integer not null,
    eligible boolean not null,
    vaccinated boolean not null,
    doses_valid integer not null,
    enrolled boolean not null,
    contact_protected boolean not null,
    merged_into uuid,
    reasons text not null,
    priority integer not null,
    zip5 text,
    tract text,
    language text,
    decided_on date not null,
    eligible_on date,
    primary key (enrolment_id, programme_id)
);
create index enrolment_by_member on enrolment (member_token);
create index enrolment_by_zip on enrolment (programme_id, zip5);

-- The newest version of each canonical dose: a person's, not a plan's.
create table dose (
    dose_id uuid primary key,
    version integer not null,
    member_token uuid not null,
    vaccine_group text not null,
    administered_on date not null,
    live boolean not null,
    sources text not null,
    appointment_id uuid
);
create index dose_by_member on dose (member_token);

create table appointment (
    appointment_id uuid primary key,
    version integer not null,
    tenant_id text not null,
    enrolment_id uuid not null,
    programme_id text not null,
    member_token uuid not null,
    status text not null,
    site_id text not null,
    start_at timestamptz not null,
    start_on date not null,
    changed_on date not null,
    dose_on date
);
create index appointment_by_enrolment on appointment (enrolment_id, programme_id);

-- One case for each enrolment and programme. All but the lease and `skips` is decided from the tables above and below.
create table outreach_case (
    case_id uuid primary key,
    enrolment_id uuid not null,
    programme_id text not null,
    tenant_id text not null,
    member_token uuid not null,
    version integer not null,
    status text not null check (status in ('open', 'paused', 'closed')),
    closed_reason text check ((closed_reason is not null) = (status = 'closed')),
    paused_until_on date check ((paused_until_on is not null) = (status = 'paused')),
    held_by text,
    held_until_on date,
    review_on date,
    opened_on date not null,
    changed_on date not null,
    priority integer not null,
    zip_bonus integer not null,
    noshow_bonus integer not null,
    attempts integer not null,
    attempt_penalty integer not null,
    skips integer not null default 0,
    skip_penalty integer not null default 0,
    rank integer not null
        generated always as (priority + zip_bonus + noshow_bonus + attempt_penalty + skip_penalty) stored,
    zip5 text,
    language text,
    needs_language boolean not null,
    callback_at timestamptz,
    callback_worker text,
    next_channel text,
    claimed_by text,
    claimed_at timestamptz,
    lease_until timestamptz,
    unique (enrolment_id, programme_id),
    check ((claimed_by is null) = (lease_until is null))
);
create index case_call_list on outreach_case (rank desc, case_id desc)
    where status = 'open' and held_by is null and callback_at is null;
create index case_callbacks on outreach_case (callback_at)
    where status = 'open' and held_by is null and callback_at is not null;
create index case_list on outreach_case (tenant_id, status, rank desc, case_id desc);
create index case_review on outreach_case (review_on) where review_on is not null;
create index case_claims on outreach_case (claimed_by) where claimed_by is not null;

-- Never changed. `counted_on`: the programme's day that the rules use; `stopped`: channels that the member forbade;
-- `place`: where eligibility placed the member when the attempt was logged.
create table attempt (
    attempt_id uuid primary key,
    case_id uuid not null references outreach_case,
    enrolment_id uuid not null,
    programme_id text not null,
    tenant_id text not null,
    member_token uuid not null,
    channel text not null,
    disposition text not null,
    attempted_at timestamptz not null,
    attempted_on date not null,
    counted_on date not null,
    logged_at timestamptz not null default clock_timestamp(),
    worker_id text not null,
    given text[] not null,
    topics text[] not null,
    barriers text[] not null,
    refusal_domain text check ((refusal_domain is not null) = (disposition = 'initial-refusal')),
    callback_at timestamptz check ((callback_at is not null) = (disposition = 'callback-scheduled')),
    callback_on date,
    language text,
    stopped text[] not null,
    place text not null
);
create index attempt_by_member on attempt (member_token);
create index attempt_by_case on attempt (case_id, attempted_at);

alter table enrolment enable row level security;
alter table enrolment force row level security;
create policy tenant_isolation on enrolment
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
alter table appointment enable row level security;
alter table appointment force row level security;
create policy tenant_isolation on appointment
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
alter table outreach_case enable row level security;
alter table outreach_case force row level security;
create policy tenant_isolation on outreach_case
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
alter table attempt enable row level security;
alter table attempt force row level security;
create policy tenant_isolation on attempt
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
