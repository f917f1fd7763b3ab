-- What an operator says when bad records flood a topic: set aside more than the limit for a time, or leave a range out.
create table limit_lift (
    consumer text primary key,
    until timestamptz not null,
    lifted_by text not null,
    lifted_at timestamptz not null default clock_timestamp()
);

-- Never removed: a record that is delivered again is left out again, and the comparison with the log must not miss it.
create table skipped_range (
    skip_id bigint generated always as identity primary key,
    consumer text not null,
    topic text not null,
    "partition" integer not null,
    first_offset bigint not null,
    last_offset bigint not null check (last_offset >= first_offset),
    only_unreadable boolean not null,
    skipped_by text not null,
    skipped_at timestamptz not null default clock_timestamp()
);
create index skipped_range_place on skipped_range (consumer, topic, last_offset);

-- The actions are listed in the code (services/kit/audit.py), which grows by one more often than the table: here stands
-- only what an action looks like. The wider check admits all that the old code writes.
alter table audit drop constraint audit_action_check;
alter table audit add constraint audit_action_check check (action ~ '^[a-z][a-z-]{2,31}$');
