-- The row as it was read, sealed; `document` is what stood in plain text before.
alter table doubtful_row add column sealed_document bytea;
