"""Every metric there is, each with its kind and an operator's reading. None can be emitted that is not listed."""

from prometheus_client import Counter, Gauge, Histogram

# How many records arrived. Flat while the topic grows: the consumer is stuck.
RECORDS = Counter("vcc_records", "Records read from Kafka", ["topic", "group"])
# Records dropped because their effects were there already. A steady few after restarts is normal.
DUPLICATES = Counter("vcc_duplicates", "Records dropped as already applied", ["topic", "group"])
# Records put aside with a reason. Any growth wants a look at the dead letters.
DEAD_LETTERS = Counter("vcc_dead_letters", "Records put into the dead letters", ["topic", "group", "reason"])
# Records waiting behind a dead letter of their key. Falls to 0 once it is replayed or discarded.
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
# Events published by the relay.
PUBLISHED = Counter("vcc_published", "Events published from the outbox", ["topic"])
# Age of the oldest unpublished event. Over 10 s: the relay or the broker is stuck.
OUTBOX_AGE_SECONDS = Gauge("vcc_outbox_age_seconds", "Age of the oldest unpublished outbox row in seconds")
# Unpublished events. Should hover near 0.
OUTBOX_ROWS = Gauge("vcc_outbox_rows", "Unpublished outbox rows")
# HTTP requests by route template, never by path.
REQUESTS = Counter("vcc_http_requests", "HTTP requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("vcc_http_request_seconds", "Seconds to answer a request", ["method", "route"])
# What a service's own work could not bear and left for a later try. Any growth wants a look at the log's errors.
SET_ASIDE = Counter("vcc_set_aside", "Items of a service's own work that were left out, to be tried again", ["work"])
# Days that the open business day is behind the calendar. Above 0 past midnight: nobody opens days.
DAYS_BEHIND = Gauge("vcc_business_days_behind", "Days that the open business day is behind the calendar")
# Rows removed by age.
PRUNED = Counter("vcc_pruned", "Rows removed because of their age", ["store"])
# 1 while every dependency answers and every consumer makes progress.
READY = Gauge("vcc_ready", "1 when ready, else 0")
