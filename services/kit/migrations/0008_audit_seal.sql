-- Closed batches of the trail, each seal over its rows and the seal before: whoever changes or removes a sealed row breaks
-- every seal from there on. A batch holds the rows after the batch before, up to `through_id`. `format` says what exactly
-- was digested, so that a later one can be told apart.
create table audit_seal (
    number bigint primary key check (number > 0),
    through_id bigint not null unique,
    row_count integer not null,
    sha256 bytea not null check (octet_length(sha256) = 32),
    format smallint not null default 1,
    sealed_at timestamptz not null default clock_timestamp()
);
create trigger audit_seal_append_only before update or delete or truncate on audit_seal
    for each statement execute function refuse_audit_change();
revoke update, delete, truncate on audit_seal from current_user;

-- Whoever may add seals can't add one that no other could follow. Of the caller's own tables none is taken for these.
create function refuse_odd_seal() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if new.number <> (select coalesce(max(number), 0) + 1 from audit_seal)
        or new.through_id <= (select coalesce(max(through_id), 0) from audit_seal)
        or new.through_id > (select coalesce(max(audit_id), 0) from audit)
    then
        raise exception 'a seal follows the one before, and ends with a row that is there'
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger audit_seal_follows before insert on audit_seal for each row execute function refuse_odd_seal();

-- Numbers come from the sequence alone. The trail is long and written by every request: what stands in it is not read.
alter table audit add constraint audit_id_check check (audit_id > 0) not valid;

-- Whom each row names, to be found by: under row-level security an index serves only comparisons that can't leak, and
-- that of arrays is none. Rows of before are put in by 0019. Longer names than this identify nobody.
create table audit_subject (
    subject text not null,
    audit_id bigint not null,
    tenant_id text not null,
    primary key (subject, audit_id)
);
alter table audit_subject enable row level security;
alter table audit_subject force row level security;
create policy tenant_isolation on audit_subject
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
create trigger audit_subject_append_only before update or delete or truncate on audit_subject
    for each statement execute function refuse_audit_change();
revoke update, delete, truncate on audit_subject from current_user;

-- As the owner: whoever adds to the trail neither sees nor writes this table.
create function save_audit_subjects() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into public.audit_subject (subject, audit_id, tenant_id)
    select distinct left(named, 200), new.audit_id, new.tenant_id from unnest(new.subjects) as named
    where named is not null
    on conflict do nothing;
    return null;
end
$$;
create trigger audit_subjects_saved after insert on audit
    for each row when (cardinality(new.subjects) > 0) execute function save_audit_subjects();
