-- What scheduling has heard, what sites offer, and who holds which place.
-- Locks are taken in one order: person, appointment, block; each kind by id.

-- Bookings, fulfilments and doses of one person are numbered under the person's lock: a higher number came later.
create sequence moment;

create table business_day (
    single boolean primary key default true check (single),
    business_on date not null
);

create table programme (
    programme_id text primary key,
    version integer not null,
    vaccine_group text not null,
    began_on date not null
);

-- A row for every member token ever heard of; it is what a request or a batch locks to decide about that person.
create table person (
    member_token uuid primary key,
    merged_into uuid check (merged_into <> member_token)
);
create index person_by_survivor on person (merged_into) where merged_into is not null;

-- The copy of eligibility's facts, as far as booking needs it.
create table enrolment (
    enrolment_id uuid not null,
    programme_id text not null,
    tenant_id text not null,
    member_token uuid not null,
    version integer not null,
    standing text not null
        check (standing in ('eligible', 'ineligible', 'vaccinated', 'disenrolled', 'deceased', 'merged')),
    primary key (enrolment_id, programme_id)
);

create table dose (
    dose_id uuid primary key,
    version integer not null,
    member_token uuid not null,
    vaccine_group text not null,
    administered_on date not null,
    retracted boolean not null,
    appointment_id uuid,
    heard_no bigint not null default nextval('moment')
);
create index dose_by_member on dose (member_token);

create table site (
    site_id text primary key,
    name text not null,
    zip5 text not null,
    time_zone text not null,
    kind text not null check (kind in ('mass', 'pharmacy', 'mobile', 'home'))
);

create table site_product (
    site_id text not null references site,
    cvx text not null,
    vaccine_group text not null,
    primary key (site_id, cvx)
);

-- `reserved_for` is the plan that the State opened the block for; `held_for` is empty once every slot is released.
create table block (
    block_id uuid primary key,
    site_id text not null references site,
    week_on date not null check (extract(isodow from week_on) = 1),
    cvx text not null,
    vaccine_group text not null,
    reserved_for text,
    held_for text,
    capacity integer not null check (capacity >= 1),
    booked integer not null default 0 check (booked >= 0),
    fulfilled integer not null default 0 check (fulfilled >= 0),
    released integer not null default 0 check (released between 0 and capacity),
    version integer not null default 1,
    changed_on date not null,
    check (booked + fulfilled <= capacity),
    unique nulls not distinct (site_id, week_on, reserved_for, cvx)
);

create table slot (
    slot_id uuid primary key,
    block_id uuid not null references block,
    held_for text,
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    start_on date not null,
    capacity integer not null check (capacity >= 1)
);
create index slot_by_block on slot (block_id);
create index slot_held on slot (start_on) where held_for is not null;

create table appointment (
    appointment_id uuid primary key,
    version integer not null,
    status text not null check (status in ('booked', 'fulfilled', 'cancelled', 'noshow', 'entered-in-error')),
    tenant_id text not null,
    enrolment_id uuid not null,
    member_token uuid not null,
    programme_id text not null,
    vaccine_group text not null,
    site_id text not null references site,
    slot_id uuid references slot,
    block_id uuid references block,
    start_at timestamptz not null,
    start_on date not null,
    walk_in boolean not null,
    changes integer not null default 0 check (changes between 0 and 3),
    cancellation_reason text,
    cancelled_late boolean not null default false,
    cvx text,
    mvx text,
    lot text,
    administered_on date,
    since_no bigint not null default nextval('moment'),
    changed_on date not null,
    unique (slot_id, appointment_id),
    check (walk_in = (slot_id is null) and walk_in = (block_id is null)),
    check ((status = 'cancelled') = (cancellation_reason is not null)),
    check (status <> 'fulfilled' or (cvx is not null and lot is not null and administered_on is not null)),
    check (not walk_in or status in ('fulfilled', 'entered-in-error'))
);
-- One live booking per person and programme, over all plans.
create unique index appointment_live on appointment (member_token, programme_id) where status = 'booked';
create index appointment_live_enrolment on appointment (enrolment_id) where status = 'booked';
create index appointment_fulfilled on appointment (member_token) where status = 'fulfilled';
create index appointment_by_day on appointment (site_id, start_on);

-- Every place of a slot is a row with room for one appointment: that is why a slot can't be oversold.
create table slot_place (
    slot_id uuid not null references slot,
    place integer not null check (place >= 1),
    appointment_id uuid unique,
    primary key (slot_id, place),
    foreign key (slot_id, appointment_id) references appointment (slot_id, appointment_id)
);
create index slot_place_free on slot_place (slot_id, place) where appointment_id is null;

-- Whether a slot that the tenant can't see is there at all, so that it can be told the true reason. It looks as the
-- service for the length of one query, and tells nothing but yes or no.
create function slot_held_for_another(wanted uuid) returns boolean language plpgsql as $$
declare
    mine constant text := coalesce(current_setting('vcc.tenant', true), '');
    is_there boolean;
begin
    perform set_config('vcc.tenant', '*', true);
    is_there := exists (select from slot where slot_id = wanted);
    perform set_config('vcc.tenant', mine, true);
    return is_there;
end
$$;

alter table enrolment enable row level security;
alter table enrolment force row level security;
create policy tenant_isolation on enrolment
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

alter table appointment enable row level security;
alter table appointment force row level security;
create policy tenant_isolation on appointment
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- Doses belong to a person and to no plan: only the service's own work sees them.
alter table dose enable row level security;
alter table dose force row level security;
create policy service_only on dose using (current_setting('vcc.tenant', true) = '*');

-- A block is also seen by everybody once some of it is released, because booking there changes its counts.
alter table block enable row level security;
alter table block force row level security;
create policy held_or_open on block
    using (current_setting('vcc.tenant', true) in ('*', held_for) or held_for is null or released > 0);

alter table slot enable row level security;
alter table slot force row level security;
create policy held_or_open on slot
    using (current_setting('vcc.tenant', true) in ('*', held_for) or held_for is null);
