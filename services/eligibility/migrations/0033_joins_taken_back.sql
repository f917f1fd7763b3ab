-- outside of a transaction
-- An auditor's question looks through the joins that were taken back: few, beside all that stand.
create index concurrently if not exists person_join_taken_back on person_join (retired) where withdrawn_at is not null;
