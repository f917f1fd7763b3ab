-- Versions of programmes, each of which holds from its day on; `programme` keeps what holds on the open day.
create table programme_version (
    programme_id text not null,
    version integer not null,
    vaccine_group text not null,
    effective_on date not null,
    primary key (programme_id, version)
);
insert into programme_version select programme_id, version, vaccine_group, began_on from programme;

-- The tenant that may describe a site anew, besides those who act for all; none: nobody else.
alter table site add column described_by text;
