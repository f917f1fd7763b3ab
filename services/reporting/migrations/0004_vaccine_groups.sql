-- A combination vaccine counts for each of its groups; empty: the one group alone, as in facts of before.
alter table dose_version add column vaccine_groups text[] not null default '{}';
alter table dose add column vaccine_groups text[] not null default '{}';

-- Every group that a dose counts for.
create function groups_of(vaccine_group text, vaccine_groups text[]) returns text[]
immutable parallel safe language sql as $$
    select case when vaccine_groups = '{}' then array[vaccine_group] else vaccine_groups end
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
            and p.vaccine_group = any (groups_of(d.vaccine_group, d.vaccine_groups))
            and d.action <> 'retract'
            and not d.is_partial
            and d.cvx <> all (p.cvx_not_counted)
            and (p.doses_since_on is null or d.administered_on >= p.doses_since_on)
    ) end)::integer as vaccinated
from enrolment e
join programme p using (programme_id)
where e.enrolled and in_scope(e.reasons);
