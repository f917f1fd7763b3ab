-- outside of a transaction
-- Whether a clerk sees an appointment of an enrolment.
create index concurrently if not exists appointment_by_enrolment on appointment (enrolment_id);
