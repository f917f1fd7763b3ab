-- outside of a transaction
-- Senders poll what became of a file: how many of its doses still wait.
create index concurrently if not exists dose_report_by_file on dose_report (file_id);
