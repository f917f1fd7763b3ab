-- What only the release before had asked for.
drop view member;
alter table business_day drop column time_zone, add primary key using index business_day_single;
