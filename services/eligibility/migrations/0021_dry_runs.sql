-- Dry runs that somebody asked for, so that trying many documents that differ by little becomes no way of asking about
-- single members. Only what still counts against the day's budget is kept.
create table dry_run (
    tenant_id text        not null,
    principal text        not null,
    asked_at  timestamptz not null default clock_timestamp(),
    sha256    text        not null
);
create index dry_run_of_principal on dry_run (principal, asked_at);
alter table dry_run enable row level security;
alter table dry_run force row level security;
create policy tenant_isolation on dry_run using (current_setting('vcc.tenant', true) in ('*', tenant_id));
