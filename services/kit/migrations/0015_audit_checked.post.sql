-- Beside everybody who writes: it locks out other changes of the schema only.
alter table audit validate constraint audit_purpose_check;
alter table audit validate constraint audit_outcome_check;
