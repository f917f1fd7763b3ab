-- Programmes and the open day in the shape that all services keep them in. The release before goes on working: it knows
-- days by their time zone.

alter table programme add column began_on date not null default '-infinity';
update programme set began_on = first.effective_on
from (select programme_id, min(effective_on) as effective_on from programme_version group by 1) as first
where programme.programme_id = first.programme_id;

-- One row: the latest day.
delete from business_day as earlier using business_day as later
where (earlier.business_on, earlier.time_zone) < (later.business_on, later.time_zone);
alter table business_day
    add column single boolean not null default true check (single),
    alter column time_zone set default '';
create unique index business_day_single on business_day (single);
