-- What a programme is after is told by the fact, where it is not a number of doses: then eligibility says who is
-- vaccinated. Rows from before the fields are of programmes that count doses.
alter table enrolment_version
    add column vaccinated boolean not null default false,
    add column rule text not null default 'doses',
    add column arm text;
alter table enrolment
    add column vaccinated boolean not null default false,
    add column rule text not null default 'doses',
    add column arm text;
alter table dose_version add column is_partial boolean not null default false;
alter table dose add column is_partial boolean not null default false;

-- In scope: nothing but the place of living, the vaccination itself, the calendar or the size of the programme stands
-- against the member. Whom the vaccine is not for (contraindicated, not recommended), or of whom that is not known, is
-- out of it.
create or replace function in_scope(reasons text[]) returns boolean immutable parallel safe language sql as $$
    select reasons <@ array[
        'already-vaccinated', 'area-not-vulnerable', 'area-unknown',
        'programme-not-begun', 'between-phases', 'programme-ended',
        'immune', 'not-yet-due', 'service-received', 'below-cap', 'cap-not-drawn', 'control-arm'
    ]
$$;

create or replace view member_cell with (security_invoker = true) as
select
    e.member_token,
    e.enrolment_id,
    e.programme_id,
    e.tenant_id,
    coalesce(e.zip5, 'unknown') as zip5,
    coalesce(e.age_band, 'unknown') as age_band,
    e.race_ethnicity,
    svi_group(e.svi_level, e.svi_value) as svi_group,
    (e.status = 'eligible')::integer as eligible,
    (case when e.rule <> 'doses' then e.vaccinated else (
        select count(distinct d.administered_on) >= p.doses_needed
        from dose d
        where d.member_token = e.member_token
            and d.vaccine_group = p.vaccine_group
            and d.action <> 'retract'
            and not d.is_partial
            and d.cvx <> all (p.cvx_not_counted)
            and (p.doses_since_on is null or d.administered_on >= p.doses_since_on)
    ) end)::integer as vaccinated
from enrolment e
join programme p using (programme_id)
where e.enrolled and in_scope(e.reasons);

-- Cells that were counted by what held before.
select set_config('vcc.tenant', '*', true);
delete from coverage_cell;
insert into coverage_cell
select programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group,
    count(*)::int, sum(eligible)::int, sum(vaccinated)::int
from member_cell group by 1, 2, 3, 4, 5, 6;
