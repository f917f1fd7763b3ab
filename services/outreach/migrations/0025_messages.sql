-- Text messages and e-mails to members: what is queued, under way, and what became of it. Neither the text nor the address is here: the
-- text is made when it is sent, and of the address only a keyed digest stays, by which an answer finds whose it is.
create table message (
    message_id uuid primary key,
    tenant_id text not null,
    case_id uuid not null references outreach_case,
    enrolment_id uuid not null,
    channel text not null check (channel in ('text', 'email')),
    purpose text not null,
    template text not null,
    template_version integer,
    language text,
    status text not null check (status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'dropped')),
    reason text,
    queued_by text not null,
    queued_at timestamptz not null default clock_timestamp(),
    not_before_at timestamptz not null,
    tries integer not null default 0,
    sending_at timestamptz,
    ended_at timestamptz,
    reservation_id uuid,
    attempt_id uuid,
    address_digest bytea,
    reference text,
    delivered_at timestamptz,
    bounced_at timestamptz,
    resolved_by text,
    resolved_for text
);
create index message_queued on message (not_before_at) where status = 'queued';
create index message_under_way on message (sending_at) where status = 'sending';
create index message_of_minute on message (tenant_id, channel, sending_at);
create index message_by_case on message (case_id);
create index message_by_address on message (address_digest) where address_digest is not null;
create index message_by_reference on message (reference) where reference is not null;
create index message_by_status on message (status, queued_at, message_id);

-- What members wrote back. The words are sealed; a person reads those that a machine does not wholly understand.
create table message_reply (
    reply_id uuid primary key,
    tenant_id text not null,
    case_id uuid not null,
    enrolment_id uuid not null,
    channel text not null,
    received_at timestamptz not null,
    sealed_text bytea not null,
    read_by text,
    read_at timestamptz
);
create index message_reply_unread on message_reply (received_at, reply_id) where read_at is null;
create index message_reply_by_enrolment on message_reply (enrolment_id);

-- Callbacks of providers that were taken, by their ids: what comes again changes nothing.
create table message_callback (
    provider text not null,
    callback_id text not null,
    taken_at timestamptz not null,
    primary key (provider, callback_id)
);
create index message_callback_by_age on message_callback (taken_at);

do $$
declare name text;
begin
    foreach name in array array['message', 'message_reply'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or tenant_id = current_setting(''vcc.tenant'', true))', name);
    end loop;
end $$;
