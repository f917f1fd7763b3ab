-- A file may end before its end: a person cancels it, or too many of its rows are rejected. `cut_short` says why.
alter table feed_file drop constraint feed_file_state_check;
alter table feed_file
    add constraint feed_file_state_check
        check (state in ('received', 'processing', 'processed', 'refused', 'held', 'cancelled', 'stopped')),
    drop constraint feed_file_decision_check,
    add constraint feed_file_decision_check check (decision in ('released', 'refused', 'cancelled')),
    add column cut_short text;

-- A file that was cancelled may be sent again.
alter table feed_file drop constraint feed_file_tenant_id_sha256_key;
drop index feed_file_by_content;
create unique index feed_file_by_bytes on feed_file (tenant_id, sha256) where state <> 'cancelled';
create unique index feed_file_by_content on feed_file (tenant_id, content_sha256) where state <> 'cancelled';

-- Files of one lane are read one after the other; of several lanes the one that waits longest has the next turn:
-- `served` numbers the turns. What was accepted before there were lanes is in its tenant's.
alter table feed_file
    add column lane text,
    add column served bigint not null default 0;
create sequence feed_turn;
create index feed_file_lane on feed_file (coalesce(lane, tenant_id), served);
