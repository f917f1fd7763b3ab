-- Nobody looks by ranges of blocks any more. A transaction of its own that makes nothing: where somebody reads the table for
-- long, it comes again until it has its moment.
drop index inbox_by_age;
