-- Whom a registry's number is of, as the patient file of its extract says: the dose rows there bear the number only.
create table registry_patient (
    type text not null,
    assigner text not null,
    value text not null,
    birth_on date not null,
    sex text not null,
    primary key (type, assigner, value)
);
alter table registry_patient enable row level security;
alter table registry_patient force row level security;
create policy tenant_isolation on registry_patient using (current_setting('vcc.tenant', true) = '*');
