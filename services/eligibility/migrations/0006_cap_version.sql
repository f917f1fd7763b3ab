-- Which version of a programme was looked at on that day: another one is looked at again on the same day. 0: by code that
-- did not say.
alter table cap_considered add column programme_version integer not null default 0;
