-- Who is whom, programmes and the open day in the shape that all services keep them in. The release before goes on
-- working: what it says of a merge is kept in step with the person of each token, and the other way round.

alter table person add column person_token uuid;
update person set person_token = coalesce(merged_into, member_token);
alter table person alter column person_token set not null;
create index person_by_person on person (person_token);

create function keep_merges_in_step() returns trigger language plpgsql as $$
begin
    if new.person_token is null or (tg_op = 'UPDATE' and new.merged_into is distinct from old.merged_into) then
        new.person_token := coalesce(new.merged_into, new.member_token);
    end if;
    new.merged_into := nullif(new.person_token, new.member_token);
    return new;
end
$$;
create trigger merges_in_step before insert or update on person for each row execute function keep_merges_in_step();

-- What these rows did not keep has the contract's defaults; scheduling does not ask for it.
alter table programme_version
    add column title text not null default '',
    add column time_zone text not null default 'UTC',
    add column doses_needed integer not null default 1,
    add column doses_since_on date,
    add column cvx_not_counted text[] not null default '{}';
alter table programme
    add column title text not null default '',
    add column effective_on date not null default '-infinity',
    add column time_zone text not null default 'UTC',
    add column doses_needed integer not null default 1,
    add column doses_since_on date,
    add column cvx_not_counted text[] not null default '{}',
    alter column began_on set default '-infinity';
update programme set effective_on = held.effective_on
from programme_version as held
where (programme.programme_id, programme.version) = (held.programme_id, held.version);
