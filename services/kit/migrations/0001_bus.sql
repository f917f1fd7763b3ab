-- What the chassis keeps beside a service's own tables: what it has heard, what it could not use, what it will say.

create table inbox (
    consumer text not null,
    event_id uuid not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (consumer, event_id)
);
create index inbox_by_age on inbox using brin (received_at);

-- Columns named as Debezium's outbox event router expects them; a row is deleted once it is published.
create table outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    shard smallint not null,
    aggregatetype text not null,
    aggregateid text not null,
    type text not null,
    payload bytea not null check (octet_length(payload) <= 900000),
    occurred_at timestamptz not null,
    traceparent text,
    created_at timestamptz not null default clock_timestamp()
);


-- Original bytes, reason and coordinates. `dead`: unusable itself. `parked`: waits behind a dead letter of its key.
create table dead_letter (
    id bigint generated always as identity primary key,
    consumer text not null,
    topic text not null,
    "partition" integer not null,
    "offset" bigint not null,
    key bytea,
    value bytea,
    headers jsonb not null,
    reason text not null,
    detail text not null,
    state text not null check (state in ('dead', 'parked', 'replayed', 'discarded')),
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    ended_by text,
    unique (consumer, topic, "partition", "offset")
);
create index dead_letter_waiting on dead_letter (consumer, topic, key, id) where state in ('dead', 'parked');

-- A row per key with something waiting: new arrivals share-lock it, a release deletes it under an exclusive lock.
create table parked_key (
    consumer text not null,
    topic text not null,
    key bytea not null,
    since timestamptz not null default clock_timestamp(),
    primary key (consumer, topic, key)
);
