-- Persons whom somebody told apart: whatever rows say later, they are never taken for one. `doubtful_id` is the row of
-- which it was decided.
create table person_apart (
    token uuid not null references person,
    other uuid not null references person,
    doubtful_id uuid not null references doubtful_row,
    primary key (token, other, doubtful_id),
    check (token < other)
);
create index person_apart_by_other on person_apart (other);
create index person_apart_by_row on person_apart (doubtful_id);
alter table person_apart enable row level security;
alter table person_apart force row level security;
create policy tenant_isolation on person_apart using (current_setting('vcc.tenant', true) = '*');

-- The rows that say the same of who they are about are decided together.
create index doubtful_row_by_evidence on doubtful_row (tenant_id, evidence) where state = 'waiting';

-- A decision can be taken back: it counts no more for what comes later.
alter table doubtful_row drop constraint doubtful_row_state_check;
alter table doubtful_row add constraint doubtful_row_state_check
    check (state in ('waiting', 'same', 'another', 'refused', 'superseded', 'withdrawn'));
