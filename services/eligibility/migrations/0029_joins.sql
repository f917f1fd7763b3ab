-- Which evidence made two tokens one person, what each of both had before, and what came of it: so that it can be taken
-- back. `tokens` stood for the retired one before; a pair is a person's word, else it was a plan's correction.
create table person_join (
    join_id uuid primary key,
    join_no bigint generated always as identity,
    survivor uuid not null,
    retired uuid not null,
    tokens uuid[] not null,
    tenant_id text not null,
    pair_id uuid,
    file_no bigint,
    joined_on date not null,
    joined_at timestamptz not null default clock_timestamp(),
    kept jsonb,
    sealed_kept bytea,
    withdrawn_at timestamptz,
    withdrawn_by text,
    reason text,
    check (survivor < retired)
);
create index person_join_by_survivor on person_join (survivor) where withdrawn_at is null;
create index person_join_by_retired on person_join (retired) where withdrawn_at is null;
alter table person_join enable row level security;
alter table person_join force row level security;
create policy tenant_isolation on person_join using (current_setting('vcc.tenant', true) = '*');

-- How often it was decided anew for whom a token stands.
alter table person add column version integer not null default 0;

-- Who was merged is still found under his old token by the plans whose enrolments went along (`plans`), and by no other.
alter table person add column plans text[];
drop policy tenant_isolation on person;
create policy tenant_isolation on person using (current_setting('vcc.tenant', true) = '*'
    or exists (select from enrolment where enrolment.tenant_id = current_setting('vcc.tenant', true)
        and (enrolment.member_token = person.member_token
            or (enrolment.member_token = person.merged_into and enrolment.tenant_id = any(person.plans)))));

-- Two whose join was taken back are told apart by that: `doubtful_id` is a join then.
alter table person_apart drop constraint person_apart_doubtful_id_fkey;
