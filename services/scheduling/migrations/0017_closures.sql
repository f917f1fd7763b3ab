-- Days and blocks of a site that were closed, and why (HL7's reasons for cancelling); nobody books in a slot of one.
create table closure (
    closure_id uuid primary key,
    site_id text not null references site,
    closed_on date,
    block_id uuid references block,
    reason text not null,
    cancelled integer not null,
    closed_at timestamptz not null,
    reopened_at timestamptz,
    check ((closed_on is null) <> (block_id is null))
);
alter table closure enable row level security;
alter table closure force row level security;
create policy site_isolation on closure using (acts_at(site_id));
alter table slot add column closure_id uuid;
