-- What was agreed with partners about members' data, and to what members consented themselves.
create table agreement (
    tenant_id text not null,
    agreement_id text not null,
    version integer not null,
    partner_id text not null,
    agreement_kind text not null,
    parties jsonb not null,
    purposes text[] not null,
    fields text[] not null,
    from_on date not null,
    until_on date,
    ended_on date,
    signed_on date,
    document text,
    has_kept_apart boolean not null,
    changed_by text not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, agreement_id),
    foreign key (tenant_id, partner_id) references partner,
    check ((signed_on is null) = (document is null))
);
create index agreement_by_partner on agreement (tenant_id, partner_id);

-- By enrolment: it follows the member when his token changes. Withdrawn it stays on record.
create table sharing_consent (
    consent_id uuid primary key,
    tenant_id text not null,
    enrolment_id uuid not null,
    partner_id text not null,
    purpose text not null,
    needs text[] not null,
    is_written boolean not null,
    given_on date not null,
    until_on date,
    withdrawn_on date,
    withdrawn_by text,
    told_by text not null,
    told_at timestamptz not null default clock_timestamp(),
    foreign key (tenant_id, partner_id) references partner
);
create index sharing_consent_by_enrolment on sharing_consent (enrolment_id);

do $$
declare name text;
begin
    foreach name in array array['agreement', 'sharing_consent'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or tenant_id = current_setting(''vcc.tenant'', true))', name);
    end loop;
end $$;
