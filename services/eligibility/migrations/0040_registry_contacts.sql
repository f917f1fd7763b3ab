-- What a registry says of how to reach a plan's member, by enrolment, so that it stays where it was heard when persons are
-- joined and parted; each sender's newest message, sealed.
create table registry_contact (
    enrolment_id uuid not null,
    source text not null,
    tenant_id text not null,
    said_at timestamptz not null,
    sealed_said bytea not null,
    primary key (enrolment_id, source)
);
alter table registry_contact enable row level security;
alter table registry_contact force row level security;
create policy tenant_isolation on registry_contact
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
