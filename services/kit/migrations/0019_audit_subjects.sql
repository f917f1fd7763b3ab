-- outside of a transaction
-- Whom the rows of before name, ten thousand rows a transaction, beside everybody who writes; what a run that was cut off
-- has put in stands there already. Rows since 0008 put themselves in.

do $$
declare
    done bigint := 0;
    through bigint;
begin
    loop
        perform set_config('vcc.tenant', '*', true);
        select max(audit_id) into through from (
            select audit_id from audit where audit_id > done order by audit_id limit 10000
        ) as batch;
        exit when through is null;
        insert into audit_subject (subject, audit_id, tenant_id)
        select distinct left(named, 200), audit_id, tenant_id from audit cross join unnest(subjects) as named
        where audit_id > done and audit_id <= through and named is not null
        on conflict do nothing;
        commit;
        done := through;
    end loop;
end
$$;
