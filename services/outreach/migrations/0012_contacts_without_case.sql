-- What somebody says goes in whether he has a case or not: an attempt names the case that there is, or will be.
alter table attempt drop constraint attempt_case_id_fkey;
create index attempt_by_enrolment on attempt (enrolment_id);

-- Contacts with members of whom nothing was heard yet: kept, and logged with the first fact that shows that they are the
-- plan's. One that is taken back before that stays here, marked.
create table waiting_contact (
    attempt_id uuid primary key,
    tenant_id text not null,
    enrolment_id uuid not null,
    programme_id text,
    worker_id text not null,
    entry jsonb not null,
    logged_at timestamptz not null,
    retracted_by text,
    retracted_for text,
    retracted_at timestamptz
);
create index waiting_contact_by_enrolment on waiting_contact (enrolment_id);
alter table waiting_contact enable row level security;
alter table waiting_contact force row level security;
create policy tenant_isolation on waiting_contact
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
