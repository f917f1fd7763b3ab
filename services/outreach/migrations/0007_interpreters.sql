-- Whether the member needs an interpreter, as eligibility's facts say; those from before say nothing of it.
alter table enrolment add column interpreter_needed text not null default 'unknown';
