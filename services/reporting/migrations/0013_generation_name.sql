-- A generation gets a name of its own, which never comes again: its number does when the database comes back from a
-- backup, and the groups of that number have read the log already. `is_counted`: how far the log has been read stands in
-- `reading_position`, beside the tables that were read; false until the next rebuild where it was not kept so far.
alter table generation add column name text;
alter table generation add column is_counted boolean not null default true;
update generation set is_counted = false where exists (select from inbox);
