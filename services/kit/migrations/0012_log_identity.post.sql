-- The new key, with the record's time in it, holds alone once no old code names the old one.
alter table dead_letter drop constraint "dead_letter_consumer_topic_partition_offset_key";
