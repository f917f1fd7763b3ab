-- How far everybody has been asked again since a rule changed; no row: nobody is to be asked. A cursor instead of a mark on
-- each decision: with a million members the marks alone would take longer than a statement may.
create table sweep (
    is_only boolean primary key default true check (is_only),
    after_token uuid not null
);
