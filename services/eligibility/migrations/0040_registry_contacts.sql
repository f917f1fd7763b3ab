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

-- Enrolments of which the plan had the contact details erased: nothing of them is kept or told again. Who did it and why
-- stands in the trail, too.
create table contact_erasure (
    enrolment_id uuid primary key,
    tenant_id text not null,
    reason text not null,
    erased_by text not null,
    erased_at timestamptz not null default clock_timestamp()
);
alter table contact_erasure enable row level security;
alter table contact_erasure force row level security;
create policy tenant_isolation on contact_erasure
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- Enrolments of which nothing may be erased for now.
create table legal_hold (
    enrolment_id uuid primary key,
    tenant_id text not null,
    placed_by text not null,
    placed_at timestamptz not null default clock_timestamp()
);
alter table legal_hold enable row level security;
alter table legal_hold force row level security;
create policy tenant_isolation on legal_hold
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
