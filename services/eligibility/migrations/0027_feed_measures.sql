-- What files did lately is asked every few seconds for the metrics, and must not cost as much as all files ever.
create index feed_file_processed_at on feed_file (processed_at);
create index feed_file_received_at on feed_file (received_at);
