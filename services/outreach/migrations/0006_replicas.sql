-- Who is whom, programmes and the open day in the shape that all services keep them in. The release before goes on
-- working: it knows `member` as a view, and days by their time zone.

alter table member rename to person;
alter index member_by_person rename to person_by_person;
create view member as select member_token, person_token from person;

-- What these rows did not keep has the contract's defaults; outreach does not ask for it.
alter table programme_version
    add column doses_needed integer not null default 1,
    add column doses_since_on date,
    add column cvx_not_counted text[] not null default '{}';
alter table programme
    add column effective_on date not null default '-infinity',
    add column doses_needed integer not null default 1,
    add column doses_since_on date,
    add column cvx_not_counted text[] not null default '{}',
    add column began_on date not null default '-infinity';
update programme set began_on = first.effective_on
from (select programme_id, min(effective_on) as effective_on from programme_version group by 1) as first
where programme.programme_id = first.programme_id;
update programme set effective_on = held.effective_on
from programme_version as held
where (programme.programme_id, programme.version) = (held.programme_id, held.version);

-- One row: the latest day.
delete from business_day as earlier using business_day as later
where (earlier.business_on, earlier.time_zone) < (later.business_on, later.time_zone);
alter table business_day
    add column single boolean not null default true check (single),
    alter column time_zone set default '';
create unique index business_day_single on business_day (single);
