-- One word for one thing: the random token that stands for a person is `member_token` here too, as in every event and in
-- the other services. Indexes, keys and policies follow a column's name by themselves; a function's text does not.
do $$
declare
    place record;
begin
    for place in
        select table_name as name from information_schema.columns
        join information_schema.tables using (table_catalog, table_schema, table_name)
        where table_schema = current_schema() and column_name = 'token' and table_type = 'BASE TABLE'
    loop
        execute format('alter table %I rename column token to member_token', place.name);
    end loop;
end
$$;

create or replace function keep_death() returns trigger language plpgsql as $$
begin
    insert into vital_statement (member_token, source, tenant_id, word, said_at, since_at, heard_at, death_on, version)
    select member_token, 'roster:' || tenant_id, tenant_id, 'deceased', now(), now(), now(),
        new.death_on, 0
    from enrolment where member_token = new.member_token and not is_retired
    on conflict do nothing;
    return new;
end
$$;
