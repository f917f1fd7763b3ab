-- Rows of rosters of which it is not sure whom they mean: they wait for a person. `document` is the row as it was read; it
-- goes when the row is closed. `evidence` is a digest of what the row says of who it is about, by which a later row that
-- says the same is known; `token` is whom it was decided to mean.
create table doubtful_row (
    doubtful_id uuid primary key,
    tenant_id text not null,
    file_id uuid not null references feed_file,
    row integer not null,
    segment integer not null,
    code text not null,
    field text not null,
    expected text not null,
    evidence text not null,
    document jsonb,
    state text not null default 'waiting' check (state in ('waiting', 'same', 'another', 'refused', 'superseded')),
    token uuid,
    changes text[] not null default '{}',
    opened_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    closed_by text,
    reason text,
    unique (file_id, row)
);
create index doubtful_row_waiting on doubtful_row (doubtful_id) where state = 'waiting';

-- The persons whom a doubtful row may mean.
create table doubtful_token (
    token uuid not null,
    doubtful_id uuid not null references doubtful_row,
    primary key (token, doubtful_id)
);
create index doubtful_token_by_row on doubtful_token (doubtful_id);

alter table doubtful_row enable row level security;
alter table doubtful_row force row level security;
create policy tenant_isolation on doubtful_row
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
alter table doubtful_token enable row level security;
alter table doubtful_token force row level security;
create policy tenant_isolation on doubtful_token using (current_setting('vcc.tenant', true) = '*'
    or exists (select from doubtful_row where doubtful_row.doubtful_id = doubtful_token.doubtful_id
        and doubtful_row.tenant_id = current_setting('vcc.tenant', true)));
