-- A case that the contact gate kept back is not looked at again before. Null: no claim has been refused it.
alter table outreach_case add column not_before_at timestamptz;

-- Contacts that are about to be made: until they are, or run out, they fill the caps as if they had been.
create table contact_reservation (
    reservation_id uuid primary key,
    tenant_id text not null,
    case_id uuid not null references outreach_case,
    enrolment_id uuid not null,
    channel text not null,
    call_kind text not null,
    worker_id text not null,
    reserved_at timestamptz not null,
    expires_at timestamptz not null
);
create index contact_reservation_by_enrolment on contact_reservation (enrolment_id);
alter table contact_reservation enable row level security;
alter table contact_reservation force row level security;
create policy tenant_isolation on contact_reservation
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
