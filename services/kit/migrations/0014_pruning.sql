-- What is over age is removed oldest first, in batches: each finds its rows at the start of an index. Block ranges can't
-- say which rows are the oldest, and after the first pruning every range holds old and new ones. Their index goes after the
-- rollout (0020): that waits for whoever reads the table, as a backup does, and an index made before it in one transaction
-- would be made for nothing.
create index inbox_received_at on inbox (received_at);
create index dead_letter_replayed on dead_letter (ended_at) where state = 'replayed';
-- What waits is counted from the index, one state of one group at a time.
create index dead_letter_by_state on dead_letter (state, consumer, topic) where state in ('dead', 'parked');

-- Up to which id nothing is left in the outbox, and nothing will be: where a look begins, also a new process's first one.
-- What the log has lost goes back below it; how often that was tells whoever was beyond it.
create table outbox_horizon (
    is_only boolean primary key default true check (is_only),
    at bigint not null,
    times_back integer not null default 0
);

-- Both tables lose rows at one end all the time: what is dead there lies in the way of the next look until it is
-- vacuumed, which at the usual fifth of the table comes too late.
alter table inbox set (autovacuum_vacuum_scale_factor = 0.02);
alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
