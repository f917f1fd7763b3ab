-- What holds members' data as it came is sealed with a key of the service's ring. What stands in plain text from before
-- is read as it is, until `./vcc keys rotate` seals it and takes it away.
alter table dead_letter add column sealed bytea;
alter table idempotency_key add column sealed_response bytea;

-- A row says that sealing has begun: it comes after the rollout, for the version before can't open what is sealed.
create table sealing (begun_at timestamptz not null);
