-- What was spoken of in an attempt: never changed, a corrected record is a further row and the last one holds. Notes are
-- sealed, and are deleted when the member's contact details are withdrawn or erased.
create table conversation (
    conversation_id uuid primary key,
    attempt_id uuid not null,
    enrolment_id uuid not null,
    tenant_id text not null,
    stage text,
    techniques text[] not null,
    answers jsonb not null,
    materials jsonb not null,
    teach_back text,
    minutes integer,
    sealed_notes bytea,
    recorded_by text not null,
    recorded_at timestamptz not null
);
create index conversation_by_attempt on conversation (attempt_id);
create index conversation_by_enrolment on conversation (enrolment_id);
alter table conversation enable row level security;
alter table conversation force row level security;
create policy tenant_isolation on conversation
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
