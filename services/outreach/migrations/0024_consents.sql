-- That a member agreed to calls or texts of a kind. By enrolment: it follows the member when his token changes. Withdrawn it stays
-- on record. And which reservation is of the one message that confirms a STOP.
create table consent (
    consent_id uuid primary key,
    tenant_id text not null,
    enrolment_id uuid not null,
    channel text not null,
    call_kind text not null,
    scope text not null,
    source text not null,
    given_on date not null,
    expires_on date,
    recorded_by text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    withdrawn_by text,
    withdrawn_at timestamptz
);
create index consent_by_enrolment on consent (enrolment_id);
alter table consent enable row level security;
alter table consent force row level security;
create policy tenant_isolation on consent
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

alter table contact_reservation add column confirms_stop boolean not null default false;
