-- Members referred to partners, as the log has it.
create table referral_version (
    referral_id uuid not null,
    version integer not null,
    tenant_id text not null,
    enrolment_id uuid not null,
    member_token uuid not null,
    partner_id text,
    kind text not null,
    need text,
    status text not null,
    status_reason text,
    status_on date not null,
    requested_on date not null,
    due_on date,
    overdue boolean not null,
    gates_appointment_id uuid,
    primary key (referral_id, version)
);
alter table referral_version enable row level security;
alter table referral_version force row level security;
create policy tenant_isolation on referral_version
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
