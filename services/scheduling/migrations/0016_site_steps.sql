-- How far somebody who came has got, and why he was not vaccinated; who was not has his place until its time is over.
alter table appointment
    add column site_step text,
    add column not_given_reason text,
    -- Of the dose: by which route and where in the body it was given (HL7 tables 0162 and 0163), and how often what was
    -- recorded of it was corrected.
    add column dose_route text,
    add column dose_body_site text,
    add column dose_corrections integer not null default 0;

-- What who came answered before a dose, to each question by its code; the newest answers.
create table screening (
    appointment_id uuid primary key references appointment,
    tenant_id text not null,
    site_id text not null,
    answers jsonb not null,
    screened_at timestamptz not null
);
alter table screening enable row level security;
alter table screening force row level security;
create policy tenant_isolation on screening
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
create policy site_isolation on screening as restrictive using (acts_at(site_id));
