-- Who publishes a shard of the outbox: a relay that takes one begins its next epoch, and asks before it sends whether
-- that still holds. So one that was away with rows in its hands can't say an old word after a newer one.
create table relay_shard (
    shard smallint primary key,
    epoch bigint not null,
    holder text not null,
    taken_at timestamptz not null default clock_timestamp()
);
