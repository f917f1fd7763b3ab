-- Every list is one of feed_absence's, also those of before it was there. What feed_file tells of absence (absence,
-- absent_ended, absent_before, absent_on) stays for the code of before this; nothing else reads or writes it.
select set_config('vcc.tenant', '*', true);
insert into feed_absence (file_id, plan, said_at, said_on, before_no, absence, ended)
select file_id, plan, said_at,
    coalesce(absent_on, (said_at at time zone 'UTC')::date, (received_at at time zone 'UTC')::date),
    coalesce(absent_before, file_no), absence, absent_ended
from feed_file
where plan is not null and absence is not null
    and not exists (select from feed_absence where feed_absence.file_id = feed_file.file_id);
create index feed_absence_waiting on feed_absence (file_id) where absence in ('too-many', 'released');

-- `digest` is of what stands between ST and SE: by it a transaction is known that comes again under its number, and
-- `repeats` is the file that brought it first. What was read before this has none.
alter table feed_transaction
    add column digest text,
    add column repeats uuid references feed_file;
create index feed_transaction_by_digest on feed_transaction (plan, sender, digest) where digest is not null;
create index feed_transaction_by_number on feed_transaction (plan, sender, regexp_replace(control, '#[0-9]+$', ''));
drop index feed_transaction_by_control;
