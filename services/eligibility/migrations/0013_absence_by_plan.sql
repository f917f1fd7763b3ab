-- Who is missing from a full list is judged by the list, of which a file may bring several. `seen_at` is the newest instant
-- at which a member stood in a transaction of the file `seen_file_no`.
alter table enrolment add column seen_at timestamptz;

-- What was made of the members who are not in a plan's full list of a file. The file tells them together.
create table feed_absence (
    file_id uuid not null references feed_file,
    plan text not null,
    said_at timestamptz,
    said_on date not null,
    before_no bigint not null,
    absence text not null check (absence in ('applied', 'incomplete', 'too-many', 'released', 'refused')),
    ended integer not null default 0,
    primary key (file_id, plan)
);
create index feed_absence_by_plan on feed_absence (plan, file_id);
alter table feed_absence enable row level security;
alter table feed_absence force row level security;
create policy tenant_isolation on feed_absence using (
    current_setting('vcc.tenant', true) in ('*', plan)
    or exists (select from feed_file where feed_file.file_id = feed_absence.file_id
        and feed_file.tenant_id = current_setting('vcc.tenant', true)));

-- What waits from before is released by its list as well.
select set_config('vcc.tenant', '*', true);
insert into feed_absence (file_id, plan, said_at, said_on, before_no, absence, ended)
select file_id, plan, said_at, absent_on, absent_before, absence, absent_ended from feed_file
where plan is not null and absence is not null and absent_on is not null and absent_before is not null;
