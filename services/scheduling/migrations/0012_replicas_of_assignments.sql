-- Who is whom as it was told, version by version: for whom each token stands, so that two who were one come apart again.
-- The release before goes on writing the person alone; what it wrote counts as long as no version was told.
alter table person
    add column assigned_to uuid,
    add column version integer not null default 0;
update person set assigned_to = person_token where person_token <> member_token;
