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

-- For whom the sender of a report may speak: '*' is everybody, such as a state's registry. What senders of one plan
-- reported before is theirs alone from now on, under keys of their own.
alter table dose_report add column tenant_id text not null default '*';
select set_config('vcc.tenant', '*', true);
update dose_report
set tenant_id = feed_file.tenant_id,
    event_key = concat_ws(chr(31), 'tenant', feed_file.tenant_id, dose_report.event_key)
from feed_file
where feed_file.file_id = dose_report.file_id and feed_file.tenant_id <> '*';
