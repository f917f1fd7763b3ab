-- Which record it is: an offset names another one once a topic was deleted and made anew (its id tells), or once the
-- broker has lost the end of a partition (the record's own time tells).
alter table skipped_range add column topic_id uuid;
alter table dead_letter add column written_ms bigint not null default -1;
create unique index dead_letter_place on dead_letter (consumer, topic, "partition", "offset", written_ms);

-- How far a service whose tables can be read again has read each partition, in the transaction of what it read.
create table reading_position (
    consumer text not null,
    "partition" integer not null,
    topic_id uuid,
    next_offset bigint not null,
    primary key (consumer, "partition")
);
