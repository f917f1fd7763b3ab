-- Who works for a plan, known by a code: what he speaks and has learned, where and when he works. Whom members want to be
-- called by, and whom not. Which case is assigned to whom, and why. No name is in it.
create table worker (
    tenant_id text not null,
    worker_id text not null,
    version integer not null,
    discipline text not null,
    organization text not null,
    organization_kind text not null,
    grade text not null,
    languages jsonb not null,
    cultures text[] not null,
    zips text[] not null,
    working_days jsonb not null,
    capacity integer not null,
    absences jsonb not null,
    changed_by text not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, worker_id)
);
create table cohort (
    tenant_id text not null,
    cohort_id text not null,
    course text not null,
    begins_on date not null,
    ends_on date not null,
    primary key (tenant_id, cohort_id)
);
create table worker_training (
    tenant_id text not null,
    worker_id text not null,
    course text not null,
    from_on date not null,
    cohort_id text,
    completed_on date,
    expires_on date,
    told_by text not null,
    told_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, worker_id, course, from_on),
    foreign key (tenant_id, worker_id) references worker
);

-- By enrolment: it follows the member when his token changes. Taken back it stays on record.
create table avoidance (
    avoidance_id uuid primary key,
    tenant_id text not null,
    enrolment_id uuid not null,
    kind text not null check (kind in ('worker', 'organization')),
    code text not null,
    reason text not null,
    recorded_by text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    retracted_by text,
    retracted_at timestamptz
);
create index avoidance_by_enrolment on avoidance (enrolment_id) where retracted_at is null;
create table wish (
    tenant_id text not null,
    enrolment_id uuid primary key,
    manager text,
    cultures text[] not null,
    told_by text not null,
    told_at timestamptz not null default clock_timestamp()
);

-- What stands has no end; one for each case.
create table assignment (
    assignment_id uuid primary key,
    tenant_id text not null,
    case_id uuid not null,
    worker_id text not null,
    batch_id uuid,
    until_on date not null,
    weight integer not null,
    is_hard boolean not null,
    deciding text not null,
    reasons text not null,
    because text,
    assigned_by text not null,
    assigned_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    ended_for text
);
create unique index assignment_that_stands on assignment (case_id) where ended_at is null;
create index assignment_of_worker on assignment (tenant_id, worker_id) where ended_at is null;
create index assignment_by_case on assignment (case_id, assigned_at);

alter table outreach_case add column assigned_to text;
-- The worker says that it weighed on him: told to nobody else.
alter table attempt add column hard_call boolean not null default false;

do $$
declare name text;
begin
    foreach name in array array['worker', 'cohort', 'worker_training', 'avoidance', 'wish', 'assignment'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or tenant_id = current_setting(''vcc.tenant'', true))', name);
    end loop;
end $$;
