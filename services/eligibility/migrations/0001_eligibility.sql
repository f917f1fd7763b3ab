-- People as plans and registries report them, the doses they had, what follows from it, and the files that said so.
-- Rows without a plan of their own are seen by a plan through the enrolments it may see.

create table clock (
    is_only boolean primary key default true check (is_only),
    business_on date not null,
    time_zone text not null
);

create table programme (
    programme_id text not null,
    version integer not null,
    document_sha256 text not null,
    document text not null,
    published_at timestamptz not null default clock_timestamp(),
    primary key (programme_id, version)
);

-- An identity and nothing else: names and addresses are statements of a plan and stand in its enrolment.
create table person (
    token uuid primary key,
    merged_into uuid references person,
    is_deceased boolean not null default false,
    death_on date
);
create index person_merged on person (merged_into) where merged_into is not null;

create table enrolment (
    enrolment_id uuid primary key,
    token uuid not null references person,
    tenant_id text not null,
    member_id text not null,
    group_number text not null,
    family text not null,
    given text not null,
    middle text not null,
    suffix text not null,
    birth_on date,
    sex text not null,
    races text[] not null,
    ethnicity text,
    language text not null,
    street text not null,
    unit text not null,
    city text not null,
    state text not null,
    zip5 text not null,
    tract text not null,
    county text not null,
    phones text[] not null,
    email text not null,
    is_restricted boolean not null,
    spans jsonb not null,
    is_retired boolean not null,
    seen_file_no bigint not null,
    unique (token, tenant_id)
);
create index enrolment_by_member_id on enrolment (tenant_id, member_id);
create index enrolment_by_seen on enrolment (tenant_id, seen_file_no) where not is_retired;

-- Not unique by value: senders reuse numbers, and a family shares its subscriber's.
create table person_identifier (
    type text not null,
    assigner text not null,
    value text not null,
    token uuid not null references person,
    primary key (type, assigner, value, token)
);
create index person_identifier_by_token on person_identifier (token);

-- Every name + birth date + ZIP under which somebody was ever reported, normalised.
create table person_key (
    match_key text not null,
    token uuid not null references person,
    primary key (match_key, token)
);
create index person_key_by_token on person_key (token);

-- What others than a plan say of a person; each statement keeps its source.
create table member_statement (
    token uuid not null references person,
    source text not null check (source in ('self', 'registry')),
    races text[] not null,
    ethnicity text,
    zip5 text not null,
    tract text not null,
    is_protected boolean,
    primary key (token, source)
);

create table dose (
    dose_id uuid primary key,
    token uuid not null references person,
    vaccine_group text not null,
    cvx text not null,
    mvx text not null,
    lot text not null,
    administered_on date not null,
    is_partial boolean not null,
    is_retracted boolean not null,
    sources text[] not null,
    appointment_id uuid,
    supersedes uuid,
    version integer not null,
    is_announced boolean not null,
    known_on date
);
create index dose_by_token on dose (token);
create index dose_hidden on dose (administered_on) where not is_announced and not is_retracted;

-- One source's statement about one dose. Without a token it waits for its member.
create table dose_report (
    report_id uuid primary key,
    source text not null,
    event_key text not null unique,
    token uuid references person,
    dose_id uuid references dose,
    cvx text not null,
    mvx text not null,
    lot text not null,
    administered_on date not null,
    is_historical boolean not null,
    is_partial boolean not null,
    is_retracted boolean not null,
    stated_at timestamptz,
    appointment_id uuid,
    appointment_version integer not null,
    subject jsonb,
    file_id uuid,
    row integer
);
create index dose_report_by_dose on dose_report (dose_id);
create index dose_report_by_token on dose_report (token);

-- Keys under which a report without a member is looked for when members or identifiers arrive.
create table unlinked_key (
    key text not null,
    report_id uuid not null references dose_report on delete cascade,
    primary key (key, report_id)
);
create index unlinked_key_by_report on unlinked_key (report_id);

-- The last fact announced for each enrolment and programme; version 0: none yet.
create table decision (
    enrolment_id uuid not null references enrolment,
    programme_id text not null,
    version integer not null,
    digest text not null,
    fact jsonb,
    recheck_on date,
    primary key (enrolment_id, programme_id)
);
create index decision_due on decision (recheck_on) where recheck_on is not null;

create table feed_file (
    file_id uuid primary key,
    file_no bigint generated always as identity unique,
    tenant_id text not null,
    sha256 text not null,
    size_bytes bigint not null,
    profile text,
    kind text,
    sender text,
    plan text,
    state text not null check (state in ('received', 'processing', 'processed', 'refused')),
    cursor_row integer not null default 0,
    rows_accepted integer not null default 0,
    rows_unchanged integer not null default 0,
    rows_rejected integer not null default 0,
    rows_unlinked integer not null default 0,
    is_full boolean not null default false,
    absent_ended integer not null default 0,
    absence text,
    received_at timestamptz not null default clock_timestamp(),
    processed_at timestamptz,
    unique (tenant_id, sha256)
);
create index feed_file_waiting on feed_file (file_no) where state in ('received', 'processing');

create table feed_chunk (
    file_id uuid not null references feed_file,
    position integer not null,
    bytes bytea not null,
    primary key (file_id, position)
);
alter table feed_chunk alter column bytes set storage external;

-- `where` is the segment or line; `expected` says what would have been right, never what was found.
create table feed_row (
    file_id uuid not null references feed_file,
    row integer not null,
    outcome text not null check (outcome in ('accepted', 'unchanged', 'rejected', 'unlinked')),
    code text,
    field text,
    segment integer,
    expected text,
    primary key (file_id, row)
);
create index feed_row_rejected on feed_row (file_id, row) where outcome = 'rejected';

create table feed_notice (
    file_id uuid not null references feed_file,
    position integer not null,
    row integer not null,
    segment integer not null,
    field text not null,
    code text not null,
    expected text not null,
    primary key (file_id, position)
);

do $$
declare
    name text;
begin
    foreach name in array array['person', 'enrolment', 'person_identifier', 'person_key', 'member_statement', 'dose',
        'dose_report', 'unlinked_key', 'decision', 'feed_file', 'feed_chunk', 'feed_row', 'feed_notice']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    foreach name in array array['person', 'person_identifier', 'person_key', 'member_statement', 'dose', 'dose_report']
    loop
        execute format('create policy tenant_isolation on %1$I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or exists (select from enrolment where enrolment.token = %1$I.token'
            ' and enrolment.tenant_id = current_setting(''vcc.tenant'', true)))', name);
    end loop;
    foreach name in array array['feed_chunk', 'feed_row', 'feed_notice'] loop
        execute format('create policy tenant_isolation on %1$I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or exists (select from feed_file where feed_file.file_id = %1$I.file_id'
            ' and current_setting(''vcc.tenant'', true) in (feed_file.tenant_id, feed_file.plan)))', name);
    end loop;
end
$$;
create policy tenant_isolation on enrolment
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
-- A file is seen by who sent it and by the plan it speaks for.
create policy tenant_isolation on feed_file
    using (current_setting('vcc.tenant', true) = '*' or current_setting('vcc.tenant', true) in (tenant_id, plan));
create policy tenant_isolation on decision using (current_setting('vcc.tenant', true) = '*'
    or exists (select from enrolment where enrolment.enrolment_id = decision.enrolment_id
        and enrolment.tenant_id = current_setting('vcc.tenant', true)));
create policy tenant_isolation on unlinked_key using (current_setting('vcc.tenant', true) = '*');
