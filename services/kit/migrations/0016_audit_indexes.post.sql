-- outside of a transaction
-- Every request writes its row while these are made, and nobody waits: it only takes as long as the trail is.

-- An auditor asks what one principal did; a 401 has none.
create index concurrently if not exists audit_principal on audit (principal, audit_id) where principal is not null;

create index concurrently if not exists audit_action on audit (action, audit_id);

-- Row-level security never let it be used; `audit_subject` has taken its place.
drop index concurrently if exists audit_subjects;
