-- Of a list and a statement of one instant the control number says which is newer.
alter table feed_absence
    add column said_by text not null default '',
    add column said_no bigint not null default 0;
