-- How the member of an enrolment can be reached, as far as it does not stand in the enrolment itself: `sealed_stated` is what
-- the plan's rosters say beyond it, `sealed_told` what the topic told last, `digest` a keyed one of that. Neither: it was
-- withdrawn, and the version stays, so that nothing older is ever told after it.
create table member_contact (
    enrolment_id uuid primary key,
    tenant_id text not null,
    version integer not null default 0,
    digest bytea,
    sealed_stated bytea,
    sealed_told bytea
);
alter table member_contact enable row level security;
alter table member_contact force row level security;
create policy tenant_isolation on member_contact
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- Whom a plan lists under one subscriber's number: the id by which others know that they belong together.
create table household (
    tenant_id text not null,
    family_number text not null,
    household_id uuid not null,
    primary key (tenant_id, family_number)
);
alter table household enable row level security;
alter table household force row level security;
create policy tenant_isolation on household
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
