-- What the broker has acknowledged: as it left, and where it stands in the log. What the log loses goes back from here
-- into the outbox, under its own ids. No place: the broker said that it has it, and not where.
create table published (
    event_id uuid primary key,
    id bigint not null,
    shard smallint not null,
    aggregatetype text not null,
    aggregateid text not null,
    type text not null,
    payload bytea not null,
    occurred_at timestamptz not null,
    traceparent text,
    "partition" integer,
    "offset" bigint,
    published_at timestamptz not null default clock_timestamp()
);
create index published_place on published (aggregatetype, "partition", "offset");
create index published_at on published (published_at);

-- In which topic of a name these places are: one that was made anew has another id.
create table published_topic (
    topic text primary key,
    topic_id uuid not null
);

-- Under which leader the records before the position were written, at the latest: the broker tells where that leader's
-- records end, so that a log that has lost its end is known by it. Then the position goes back, and no batch moves it
-- that begins behind it.
alter table reading_position
    add column leader_epoch integer,
    add column first_offset bigint,
    add column goes_back boolean not null default false;

-- Which incarnation of this database was last found to know what the log says: a service that starts while the broker is
-- away serves on this one alone.
create table compared_database (
    is_only boolean primary key default true check (is_only),
    incarnation text not null,
    compared_at timestamptz not null default clock_timestamp()
);
