-- Merges in two directions, by the version of the retired token's assignment; none: told before there were versions.
-- The release before writes neither column.
alter table member_merge
    add column version integer,
    add column is_split boolean;
alter table member_merge drop constraint member_merge_pkey;
create unique index member_merge_told
    on member_merge (retired_token, surviving_token, merged_on, coalesce(version, 0));
