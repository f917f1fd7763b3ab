"""Every metric there is, each with its kind and an operator's reading. None can be emitted that is not listed."""

from prometheus_client import Counter, Gauge, Histogram

# How many records arrived. Flat while the topic grows: the consumer is stuck.
RECORDS = Counter("vcc_records", "Records read from Kafka", ["topic", "group"])
# Records dropped because their effects were there already. A steady few after restarts is normal.
DUPLICATES = Counter("vcc_duplicates", "Records dropped as already applied", ["topic", "group"])
# Records put aside, by the reason's code. Any growth wants a look at the dead letters. Each consumer has a row of every
# reason from the start, so that the first one moves its rate.
DEAD_LETTERS = Counter("vcc_dead_letters", "Records put into the dead letters", ["topic", "group", "reason"])
# Dead letters that wait for an operator, without those that are parked behind them; counted up to 10,000 of a group.
# Should be 0.
DEAD_LETTERS_WAITING = Gauge("vcc_dead_letters_waiting", "Dead letters that wait for a decision", ["topic", "group"])
# Records waiting behind a dead letter of their key, counted likewise. Falls to 0 once it is replayed or discarded.
PARKED = Gauge("vcc_parked", "Records parked behind a dead letter of their key", ["topic", "group"])
# Batches that failed and will be retried. Growing: a dependency is down or a handler is broken.
BATCH_FAULTS = Counter("vcc_batch_faults", "Batches that failed with a fault", ["topic", "group", "error"])
# Faults that a background worker outlived. Growing: it does not get on, and `/ready` names it.
WORKER_FAULTS = Counter("vcc_worker_faults", "Faults that a background worker ran into", ["worker", "error"])
# One batch, from decoded to committed. Over 1 s endangers the consumer's heartbeat.
BATCH_SECONDS = Histogram(
    "vcc_batch_seconds",
    "Seconds from a decoded batch to its commit",
    ["topic", "group"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# Records not yet read. Should fall to 0 when the inflow pauses.
LAG = Gauge("vcc_lag", "Records behind the end of the topic", ["topic", "group"])
# The same by partition, of those that this process has. One that grows alone holds a record that can't be applied.
LAG_PARTITION = Gauge("vcc_lag_partition", "Records behind the end of a partition", ["topic", "group", "partition"])
# How late the most belated partition is. Grows by a second a second while it stands still. What was late already when
# this process came counts from then on, and not at all while it is made up for.
LAG_SECONDS = Gauge("vcc_lag_seconds", "Seconds that the most belated partition is behind", ["topic", "group"])
# Events published by the relay.
PUBLISHED = Counter("vcc_published", "Events published from the outbox", ["topic"])
# Age of the oldest unpublished event. Over 10 s: the relay or the broker is stuck.
OUTBOX_AGE_SECONDS = Gauge("vcc_outbox_age_seconds", "Age of the oldest unpublished outbox row in seconds")
# Unpublished events, as far as they are counted (10,000). Should hover near 0.
OUTBOX_ROWS = Gauge("vcc_outbox_rows", "Unpublished outbox rows, counted up to 10,000")
# Facts that the broker has acknowledged and the log holds no more. Above 0: it has lost its end or more; heal it.
LOG_LACKS = Gauge("vcc_log_lacks", "Facts that this service has said and its topic lacks", ["topic"])
# Facts in the log in a service's name that its database never made. Above 0: that is an old copy, or somebody forges.
STORE_LACKS = Gauge("vcc_store_lacks", "Facts in a topic, of those looked at, that its service never made", ["topic"])
# HTTP requests by route template, never by path.
REQUESTS = Counter("vcc_http_requests", "HTTP requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("vcc_http_request_seconds", "Seconds to answer a request", ["method", "route"])
# What a service's own work could not bear and left for a later try. Any growth wants a look at the log's errors. Each
# work has a row from the start.
SET_ASIDE = Counter("vcc_set_aside", "Items of a service's own work that were left out, to be tried again", ["work"])
for _work in ("decisions", "programmes", "reviews"):
    SET_ASIDE.labels(_work)
# Days that the open business day is behind the calendar. Above 0 past midnight: nobody opens days.
DAYS_BEHIND = Gauge("vcc_business_days_behind", "Days that the open business day is behind the calendar")
# Seconds since midnight of the first day that is not open, in the programme's zone, by who opens days here (`by-clock`,
# `by-hand`). By the clock above 900: it is not opened, and decisions stand still. In a simulated time there is no row.
DAY_LATE_SECONDS = Gauge("vcc_business_day_late_seconds", "Seconds since the next business day was due", ["by"])
# A service's own work under way (files, answers, contacts). Should fall to 0; a sweep of everybody is told here.
WAITING = Gauge("vcc_waiting", "Items of a service's own work that wait", ["work"])
# Age of the oldest file that is not processed. Above an hour: the intake stands still, or a file is huge.
FILE_AGE_SECONDS = Gauge("vcc_file_oldest_seconds", "Age of the oldest file that waits or is read, in seconds")
# Rejected rows of all rows of the files of the last 24 hours, also of those that were stopped or refused. Above the
# sender's usual: its format has changed. Senders that no profile knows are `other` together.
REJECT_SHARE = Gauge("vcc_feed_reject_share", "Share of rejected rows in the last 24 hours", ["sender", "kind"])
# 1 for a sender from whom nothing has come for longer than it usually is silent: ask it. The habit is eligibility's to
# know (intake/habits.py). `other`: 1 if any of those that no profile knows is overdue.
SENDER_OVERDUE = Gauge("vcc_sender_overdue", "1 when a sender's next file is overdue", ["sender", "kind"])
# Which reading of the log the tables are. It rises when a rebuild begins; how far that is, the lag says.
GENERATION = Gauge("vcc_generation", "Number of the reading of the log that the tables are made of")
# Locks that this process holds: shards of the outbox (4 in all instances together), the intake (1). Less: nobody works.
LOCKS_HELD = Gauge("vcc_locks_held", "Locks that this process holds", ["lock"])
# Connections of the pool by state. `used` at `limit` for long: requests wait for one.
POOL = Gauge("vcc_pool_connections", "Connections of the pool", ["state"])
# What runs here: always 1. `revision` is a digest of the code, the same wherever the same code runs.
BUILD = Gauge("vcc_build_info", "The version that runs", ["service", "version", "revision"])
# The newest migration in the database, by component. Differs between services' instances never, from the code's at most
# while a rollout is under way.
SCHEMA = Gauge("vcc_schema_version", "Number of the newest migration that is applied", ["component"])
# Migrations of this code that the database lacks, whatever newer ones it has. `pre` is 0, `post` after a rollout.
SCHEMA_MISSING = Gauge("vcc_schema_missing", "Migrations of this code that are not applied", ["component", "stage"])
# Rows removed by age.
PRUNED = Counter("vcc_pruned", "Rows removed because of their age", ["store"])
# 1 while every dependency answers and every consumer makes progress. Found when it is scraped.
READY = Gauge("vcc_ready", "1 when ready, else 0")
# 1 while requests are served, whatever becomes of Kafka. 0: the load balancer sends nothing here.
SERVES = Gauge("vcc_serves", "1 while requests are served, else 0")
# By check of `/ready`.
CHECK = Gauge("vcc_ready_check", "1 when a check of readiness is well, else 0", ["check"])
# How long the oldest row of the audit trail waits for its seal: about a minute. Above an hour `./vcc audit verify`
# fails. Without a role that reads the trail nobody seals: +Inf.
TRAIL_UNSEALED_SECONDS = Gauge("vcc_trail_unsealed_seconds", "Age of the oldest row of the trail without a seal")
