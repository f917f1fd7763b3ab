-- What stands is copied for every plan.
select set_config('vcc.tenant', '*', true);

-- Who says that a person has died: each source's newest word. `source` is the kind and who of it, such as
-- roster:lakeshore, registry:cair, attempt:<id>.
create table vital_statement (
    token uuid not null,
    source text not null,
    tenant_id text not null,
    word text not null check (word in ('deceased', 'alive', 'possible', 'nothing')),
    said_at timestamptz not null,
    since_at timestamptz not null,
    heard_at timestamptz not null,
    death_on date,
    reported_at timestamptz,
    version integer not null,
    primary key (token, source)
);

-- What a person decided about it. What was withdrawn stays, to be looked up.
create table vital_override (
    override_id uuid primary key,
    token uuid not null,
    tenant_id text not null,
    is_deceased boolean not null,
    death_on date,
    decided_on date not null,
    decided_at timestamptz not null,
    reason text not null,
    decided_by text not null,
    withdrawn_at timestamptz,
    withdrawn_by text
);
create index vital_override_by_token on vital_override (token);

-- PD1-12 and PD1-11 as each registry said them last, with the day from which it says so and the message's instant.
create table registry_consent (
    token uuid not null,
    source text not null,
    tenant_id text not null,
    is_protected boolean,
    protected_on date,
    protected_at timestamptz,
    publicity text not null,
    publicity_on date,
    publicity_at timestamptz,
    primary key (token, source)
);

-- Whether the first day was set into another time than the calendar's: nobody opens the next one by the clock then.
alter table clock add column is_simulated boolean not null default false;

create index decision_death_reported on decision (enrolment_id) where fact->'reasons' ? 'death-reported';

-- Until now one mark on the person said that some plan had said so: it counts as the word of each plan that has him, said
-- now. Code of before this goes on to set it.
create function keep_death() returns trigger language plpgsql as $$
begin
    insert into vital_statement (token, source, tenant_id, word, said_at, since_at, heard_at, death_on, version)
    select token, 'roster:' || tenant_id, tenant_id, 'deceased', now(), now(), now(),
        new.death_on, 0
    from enrolment where token = new.token and not is_retired
    on conflict do nothing;
    return new;
end
$$;
create trigger keep_death after insert or update of is_deceased on person
    for each row when (new.is_deceased) execute function keep_death();
insert into vital_statement (token, source, tenant_id, word, said_at, since_at, heard_at, death_on, version)
select token, 'roster:' || tenant_id, tenant_id, 'deceased', now(), now(), now(), death_on, 0
from person join enrolment using (token) where is_deceased and not is_retired;

do $$
declare
    name text;
begin
    foreach name in array array['vital_statement', 'vital_override', 'registry_consent'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    foreach name in array array['vital_statement', 'vital_override', 'registry_consent'] loop
        execute format('create policy tenant_isolation on %1$I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or (tenant_id in (''*'', current_setting(''vcc.tenant'', true)) and exists (select from enrolment'
            ' where enrolment.token = %1$I.token and enrolment.tenant_id = current_setting(''vcc.tenant'', true))))',
            name);
    end loop;
end
$$;
