-- Answers given to writes, by idempotency key: in the transaction of the effects, so that neither exists alone.
create table idempotency_key (
    tenant_id      text        not null,
    principal      text        not null,
    key            text        not null,
    method_path    text        not null,
    request_sha256 bytea       not null,
    status         smallint,
    response       jsonb,
    created_at     timestamptz not null default now(),
    primary key (tenant_id, principal, key)
);
create index idempotency_key_created_at on idempotency_key (created_at);
alter table idempotency_key enable row level security;
alter table idempotency_key force row level security;
create policy tenant_isolation on idempotency_key
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- Who saw what, was denied what, or took what away. Written before the answer goes out; never changed, never removed.
create table audit (
    audit_id       bigint      generated always as identity primary key,
    tenant_id      text        not null,
    principal      text        not null,
    roles          text[]      not null,
    action         text        not null check (action in ('read', 'export', 'denied')),
    kind           text        not null,
    subjects       text[]      not null,
    subject_count  integer     not null generated always as (cardinality(subjects)) stored,
    reason         text,
    correlation_id text        not null,
    recorded_at    timestamptz not null default clock_timestamp()
);
create index audit_recorded_at on audit (recorded_at);
create index audit_subjects on audit using gin (subjects);
alter table audit enable row level security;
alter table audit force row level security;
create policy tenant_isolation on audit
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit rows are never changed or removed' using errcode = 'insufficient_privilege';
end
$$;
-- Per statement: row-level security may hide every row, and the attempt is still refused.
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_audit_change();
revoke update, delete, truncate on audit from current_user;
