-- outside of a transaction
-- Joins that were taken back are found by their tokens now.
drop index concurrently if exists person_join_taken_back;
