-- Why eligibility answered as it did, and which reports of the member's death it has weighed in that answer.
alter table enrolment add column reasons text[] not null default '{}';
alter table enrolment add column death_reports_until timestamptz;

-- What workers and sites said of somebody's death; it pauses the person until eligibility has weighed it. Like persons it
-- is no plan's: tokens and instants, asked by every plan's requests. `reported_at` is empty while only the retraction is
-- known.
create table death_report (
    report_id uuid primary key,
    member_token uuid not null,
    reported_at timestamptz,
    retracted boolean not null default false
);
create index death_report_by_member on death_report (member_token) where not retracted;

create function death_is_reported(tokens uuid[], weighed_until timestamptz) returns boolean language sql stable as $$
    select exists (
        select from death_report
        where member_token = any (tokens) and not retracted and reported_at > coalesce(weighed_until, '-infinity')
    )
$$;

-- Every group of a combination vaccine; empty in rows from before: the one of `vaccine_group`.
alter table dose add column vaccine_groups text[];

-- `booked_on`: the business day on which the booking was made; in rows from before at least the day of the last change.
alter table appointment add column by_rule boolean not null default false;
alter table appointment add column outcome_overdue boolean not null default false;
alter table appointment add column booked_on date;
alter table appointment add column late_reason text;
create index appointment_overdue on appointment (start_on) where status = 'booked';

-- The dose of a vaccine that was recorded for a person on a day, whichever plan or site recorded it: it looks as the
-- service for the length of one query.
create function recorded_dose(tokens uuid[], of_group text, given_on date) returns uuid language plpgsql as $$
declare
    my_tenant constant text := coalesce(current_setting('vcc.tenant', true), '');
    my_sites constant text := coalesce(current_setting('vcc.sites', true), '');
    found_id uuid;
begin
    perform set_config('vcc.tenant', '*', true), set_config('vcc.sites', '', true);
    select appointment_id into found_id from appointment
    where member_token = any (tokens) and status = 'fulfilled' and vaccine_group = of_group
        and administered_on = given_on
    order by appointment_id limit 1;
    perform set_config('vcc.tenant', my_tenant, true), set_config('vcc.sites', my_sites, true);
    return found_id;
end
$$;

-- Whether a member of the plan was ever heard of, asked by whoever opens a block for it.
create function plan_is_known(plan text) returns boolean language plpgsql as $$
declare
    my_tenant constant text := coalesce(current_setting('vcc.tenant', true), '');
    is_known boolean;
begin
    perform set_config('vcc.tenant', '*', true);
    is_known := exists (select from enrolment where tenant_id = plan);
    perform set_config('vcc.tenant', my_tenant, true);
    return is_known;
end
$$;
create index enrolment_by_plan on enrolment (tenant_id);

-- Blocks of a site that are not over, with the live bookings in them, whosever they are.
create function blocks_from(at_site text, from_on date)
returns table (block_id uuid, week_on date, cvx text, vaccine_group text, bookings bigint) language plpgsql as $$
declare
    my_tenant constant text := coalesce(current_setting('vcc.tenant', true), '');
begin
    perform set_config('vcc.tenant', '*', true);
    return query
        select block.block_id, block.week_on, block.cvx, block.vaccine_group, (
            select count(*) from appointment
            where appointment.block_id = block.block_id and status = 'booked' and start_on >= from_on
        )
        from block
        where site_id = at_site
            and exists (select from slot where slot.block_id = block.block_id and start_on >= from_on)
        order by block.week_on, block.block_id;
    perform set_config('vcc.tenant', my_tenant, true);
end
$$;
create index appointment_live_block on appointment (block_id) where status = 'booked';

-- Whoever is bound to sites sees and writes rows of those sites only, besides what the tenant may.
create policy site_isolation on appointment as restrictive using (acts_at(site_id));
create policy site_isolation on block as restrictive using (acts_at(site_id));
create policy site_isolation on slot as restrictive using (
    coalesce(current_setting('vcc.sites', true), '') = ''
    or exists (select from block where block.block_id = slot.block_id)
);
alter table site enable row level security;
alter table site force row level security;
create policy site_isolation on site using (acts_at(site_id));
alter table site_product enable row level security;
alter table site_product force row level security;
create policy site_isolation on site_product using (acts_at(site_id));
