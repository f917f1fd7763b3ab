-- A transaction whose end (SE) is missing in its file. What was read before this is taken for whole.
alter table feed_transaction add column is_cut boolean not null default false;
