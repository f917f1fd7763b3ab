-- outside of a transaction
-- Who looks up a member number in other letters than the plan writes it finds whom alone it can mean.
create index concurrently if not exists enrolment_by_any_case on enrolment (lower(member_id));

create index concurrently if not exists person_identifier_by_any_case on person_identifier (lower(value))
    where type in ('MB', 'SN');
