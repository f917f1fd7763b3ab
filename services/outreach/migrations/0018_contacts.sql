-- How the member of an enrolment can be reached, as eligibility told it last, sealed; none where it was withdrawn, and the
-- version stays, so that no older record revives it. `household_id` is shared by whom the plan lists under one subscriber.
create table member_contact (
    enrolment_id uuid primary key,
    tenant_id text not null,
    version integer not null,
    household_id uuid,
    sealed_details bytea
);
create index member_contact_by_household on member_contact (household_id);
alter table member_contact enable row level security;
alter table member_contact force row level security;
create policy tenant_isolation on member_contact
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- What workers heard of how to reach a member: never changed, and overtaken by what a roster says first on a later day.
create table contact_correction (
    correction_id uuid primary key,
    case_id uuid not null,
    enrolment_id uuid not null,
    tenant_id text not null,
    worker_id text not null,
    source text not null,
    said_on date not null,
    noted_at timestamptz not null default clock_timestamp(),
    sealed_said bytea not null
);
create index contact_correction_by_enrolment on contact_correction (enrolment_id);
alter table contact_correction enable row level security;
alter table contact_correction force row level security;
create policy tenant_isolation on contact_correction
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
