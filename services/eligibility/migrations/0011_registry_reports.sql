-- A registry's number for a vaccination names it within the registry and the patient only, so the reports that bear a
-- number are looked for by it, and told apart by sender and patient. What was kept before has no sender: it may be any's.
alter table dose_report
    add column event_id text not null default '',
    add column sender text not null default '',
    add column is_corrected boolean not null default false;
update dose_report
set event_id = regexp_replace(event_key, '^(tenant' || chr(31) || '[^' || chr(31) || ']*' || chr(31) || ')?event' || chr(31), '')
where event_key ~ ('^(tenant' || chr(31) || '[^' || chr(31) || ']*' || chr(31) || ')?event' || chr(31));
create index dose_report_by_event on dose_report (event_id, token) where event_id <> '';

-- All groups of a combination vaccine; empty: the one group alone. `more_cvx` are reported vaccines of the same dose that
-- name a group which its own does not.
alter table dose
    add column vaccine_groups text[] not null default '{}',
    add column more_cvx text[] not null default '{}';

-- What registries say of a person beside doses. A sender's remark is taken back by that sender alone.
create table registry_remark (
    token uuid not null,
    sender text not null,
    kind text not null,
    system text not null,
    code text not null,
    cvx text not null,
    said_on date not null,
    observed_on date not null,
    expires_on date,
    event_id text not null,
    stated_at timestamptz,
    is_retracted boolean not null,
    primary key (token, sender, kind, system, code, cvx, said_on)
);
alter table registry_remark enable row level security;
alter table registry_remark force row level security;
create policy tenant_isolation on registry_remark using (current_setting('vcc.tenant', true) = '*'
    or exists (select from enrolment where enrolment.token = registry_remark.token
        and enrolment.tenant_id = current_setting('vcc.tenant', true)));
