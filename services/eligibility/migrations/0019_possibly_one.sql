-- Two plans' members who agree exactly: possibly one person, which no plan's row can say. A person who may act for all plans
-- decides; no plan sees that there is such a pair. The smaller token stands first.
create table possibly_one (
    pair_id uuid primary key,
    member_token uuid not null references person,
    other uuid not null references person,
    state text not null default 'waiting' check (state in ('waiting', 'one-person', 'two-persons')),
    opened_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    closed_by text,
    reason text,
    unique (member_token, other),
    check (member_token < other)
);
create index possibly_one_by_other on possibly_one (other);
create index possibly_one_waiting on possibly_one (pair_id) where state = 'waiting';
alter table possibly_one enable row level security;
alter table possibly_one force row level security;
create policy tenant_isolation on possibly_one using (current_setting('vcc.tenant', true) = '*');
