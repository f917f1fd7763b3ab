-- Versions of programmes, each of which holds from its day on; `programme` keeps what holds on the open day.
create table programme_version (
    programme_id text not null,
    version integer not null,
    title text not null,
    vaccine_group text not null,
    time_zone text not null,
    effective_on date not null,
    primary key (programme_id, version)
);
insert into programme_version
select programme_id, version, title, vaccine_group, time_zone, '-infinity' from programme;

-- Members whose cases a day, a programme or a target ZIP may have changed, until they are decided on again.
create table waiting_member (
    member_token uuid primary key,
    heard_at timestamptz not null
);

-- Administered in part: on record, but no dose.
alter table dose add column is_partial boolean not null default false;
