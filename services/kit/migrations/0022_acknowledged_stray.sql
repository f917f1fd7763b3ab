-- Records in the service's name that its store never made, and that an operator has looked at. Which record it is: the
-- topic's id, the place and the record's own time, as with dead letters. Never removed: it stands in the log for ever, too.
create table acknowledged_stray (
    stray_id bigint generated always as identity unique,
    topic_id uuid not null,
    topic text not null,
    "partition" integer not null,
    "offset" bigint not null,
    written_ms bigint not null,
    acknowledged_by text not null,
    acknowledged_at timestamptz not null default clock_timestamp(),
    primary key (topic_id, "partition", "offset", written_ms)
);
