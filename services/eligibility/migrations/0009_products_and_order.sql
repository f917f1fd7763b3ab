-- Which statement about a member is the newest, files that wait for a person, and what each row changed.
-- `spans` hold two more values each, the kind of product and the product; a span without them counts as medical until
-- a row names its product.

alter table enrolment
    add column said_at timestamptz,
    add column said_by text not null default '',
    add column said_no bigint not null default 0,
    add column family_number text not null default '',
    add column first_file_no bigint not null default 0;

alter table feed_file drop constraint feed_file_state_check;
alter table feed_file
    add constraint feed_file_state_check check (state in ('received', 'processing', 'processed', 'refused', 'held')),
    add column content_sha256 text,
    add column said_at timestamptz,
    add column held text,
    add column decision text check (decision in ('released', 'refused')),
    add column decided_by text,
    add column decided_at timestamptz,
    add column decided_why text,
    add column absent_before bigint,
    add column absent_on date,
    add column changes jsonb not null default '{}';
create unique index feed_file_by_content on feed_file (tenant_id, content_sha256);
create index feed_file_absence_released on feed_file (file_no) where absence = 'released';
create index feed_file_held on feed_file (file_no) where state = 'held' or absence = 'too-many';

alter table feed_row add column changes text;

-- The transactions (ST) of rosters, by which later files are put in order. `control` is ISA13, GS06 and ST02.
create table feed_transaction (
    file_id uuid not null references feed_file,
    control text not null,
    sender text not null,
    plan text not null,
    reference text not null,
    said_at timestamptz,
    said_no bigint not null,
    is_full boolean not null,
    primary key (file_id, control)
);
create index feed_transaction_by_control on feed_transaction (plan, sender, control);
create index feed_transaction_by_reference on feed_transaction (plan, sender, reference);
create index feed_transaction_full on feed_transaction (plan, sender, said_at) where is_full;
alter table feed_transaction enable row level security;
alter table feed_transaction force row level security;
create policy tenant_isolation on feed_transaction using (current_setting('vcc.tenant', true) = '*'
    or exists (select from feed_file where feed_file.file_id = feed_transaction.file_id
        and current_setting('vcc.tenant', true) in (feed_file.tenant_id, feed_file.plan)));
