-- A full list may come in several files: whoever sends them says which list they are parts of, and of how many.
alter table feed_file
    add column list_name text,
    add column part integer,
    add column parts integer,
    add constraint feed_file_part check (
        (list_name is null) = (part is null) and (part is null) = (parts is null) and part between 1 and parts
    );
create index feed_file_by_list on feed_file (tenant_id, list_name) where list_name is not null;
-- Of a part that is not the one which completed its list: the list's absence is told by that one.
alter table feed_absence drop constraint feed_absence_absence_check;
alter table feed_absence add constraint feed_absence_absence_check
    check (absence in ('applied', 'incomplete', 'too-many', 'released', 'refused', 'part'));
