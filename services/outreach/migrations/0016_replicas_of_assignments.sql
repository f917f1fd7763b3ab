-- Who is whom as it was told, version by version: for whom each token stands, so that two who were one come apart again.
-- The release before goes on writing the person alone; what it wrote counts as long as no version was told.
alter table person
    add column assigned_to uuid,
    add column version integer not null default 0;
update person set assigned_to = person_token where person_token <> member_token;

-- A statement goes with the enrolment of whose member it was said. What a person asked of callers while he was one with
-- another holds for both once they are two: nobody is called whom somebody asked not to call.
alter table statement add column enrolment_id uuid;
select set_config('vcc.tenant', '*', true);
update statement set enrolment_id = attempt.enrolment_id from attempt where attempt.attempt_id = statement.source_id;
update statement set enrolment_id = appointment.enrolment_id
from appointment where appointment.appointment_id = statement.source_id;
create index statement_by_enrolment on statement (enrolment_id);
-- Since when a token stands for another one; no row where that was not told.
create table joined_token (
    member_token uuid primary key,
    joined_at timestamptz not null
);
create table statement_for_both (
    source_id uuid not null,
    member_token uuid not null,
    primary key (source_id, member_token)
);
create index statement_for_both_by_member on statement_for_both (member_token);
