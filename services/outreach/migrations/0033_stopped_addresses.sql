-- Numbers and mailboxes from which a STOP came, by keyed digests: whoever has one is written to no more, whomever it was
-- meant for. Of no plan.
create table stopped_address (
    channel text not null,
    address_digest bytea not null,
    stopped_at timestamptz not null,
    primary key (channel, address_digest)
);
