-- Who a row is about is decided by evidence, and which tenant by the payer's identifier; see the README.

-- Whether the plan lists the member as subscriber or dependant ('' = not known yet), and how often a roster brought other
-- telephone numbers, another address, another e-mail address.
alter table enrolment add column role text not null default '' check (role in ('', 'subscriber', 'dependant'));
alter table enrolment add column phone_version integer not null default 0;
alter table enrolment add column address_version integer not null default 0;
alter table enrolment add column email_version integer not null default 0;

-- Which tenant a payer's identifier (N103 and N104 of N1*IN) stands for. The tenant keeps the name that it first had.
create table payer (
    system text not null,
    value text not null,
    tenant_id text not null,
    named_at timestamptz not null default clock_timestamp(),
    primary key (system, value)
);
create index payer_by_tenant on payer (tenant_id);
alter table payer enable row level security;
alter table payer force row level security;
create policy tenant_isolation on payer
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- Whose token brought a report: '*' for a sender of all plans, such as a state's registry.
alter table dose_report add column tenant_id text not null default '*';
