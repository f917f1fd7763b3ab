-- Services that help members, edition by edition as their directory said them; what members found there; and the Community
-- Supports that a plan elects. No member is in it: feedback names none.
create table directory_edition (
    tenant_id text not null,
    edition_no integer not null,
    source text not null,
    content_sha256 bytea not null,
    services integer not null,
    errors jsonb not null,
    imported_by text not null,
    imported_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, edition_no)
);
create table directory_service (
    tenant_id text not null,
    edition_no integer not null,
    service_id text not null,
    name text not null,
    organization text not null,
    description text not null,
    needs text[] not null,
    zips text[] not null,
    counties text[] not null,
    languages text[] not null,
    openings jsonb not null,
    capacity integer,
    cost numeric,
    eligibility text not null,
    minimum_age integer,
    maximum_age integer,
    telephone text not null,
    email text not null,
    url text not null,
    last_assured_on date,
    primary key (tenant_id, edition_no, service_id),
    foreign key (tenant_id, edition_no) references directory_edition
);
create index directory_service_by_need on directory_service using gin (needs);
create table service_feedback (
    feedback_id uuid primary key,
    tenant_id text not null,
    service_id text not null,
    outcome text not null,
    told_on date not null,
    told_by text not null,
    told_at timestamptz not null default clock_timestamp()
);
create index service_feedback_by_service on service_feedback (tenant_id, service_id);
create table support_election (
    tenant_id text not null,
    support text not null,
    county text not null,
    from_on date not null,
    until_on date,
    told_by text not null,
    told_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, support, county, from_on)
);

do $$
declare name text;
begin
    foreach name in array
        array['directory_edition', 'directory_service', 'service_feedback', 'support_election'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or tenant_id = current_setting(''vcc.tenant'', true))', name);
    end loop;
end $$;
