-- outside of a transaction
-- Who looks somebody up by a number names no assigner.
create index concurrently if not exists person_identifier_by_value on person_identifier (value);
