-- With whom a plan works: organisations, groups that govern, and what their meetings decided. Contacts are people of the
-- organisation, no members.
create table partner (
    tenant_id text not null,
    partner_id text not null,
    version integer not null,
    name text not null,
    kind text not null,
    status text not null,
    relation text not null,
    confirmed_on date,
    asks text[] not null,
    offers text[] not null,
    aim text not null,
    meets text not null,
    needs text[] not null,
    counties text[] not null,
    contacts jsonb not null,
    contracts jsonb not null,
    changed_by text not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, partner_id)
);
create table partner_group (
    tenant_id text not null,
    group_id text not null,
    version integer not null,
    name text not null,
    county text not null,
    backbone text not null,
    members text[] not null,
    aim text not null,
    meets text not null,
    changed_by text not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, group_id),
    foreign key (tenant_id, backbone) references partner
);

-- Of a group or of a partner; never changed.
create table meeting_decision (
    decision_id uuid primary key,
    tenant_id text not null,
    partner_id text,
    group_id text,
    met_on date not null,
    decided text not null,
    told_by text not null,
    told_at timestamptz not null default clock_timestamp(),
    check ((partner_id is null) <> (group_id is null)),
    foreign key (tenant_id, partner_id) references partner,
    foreign key (tenant_id, group_id) references partner_group
);
create index meeting_decision_by_partner on meeting_decision (tenant_id, partner_id, met_on);
create index meeting_decision_by_group on meeting_decision (tenant_id, group_id, met_on);

do $$
declare name text;
begin
    foreach name in array array['partner', 'partner_group', 'meeting_decision'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or tenant_id = current_setting(''vcc.tenant'', true))', name);
    end loop;
end $$;
