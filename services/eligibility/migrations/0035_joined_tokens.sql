-- By whom a join is found: the token that it retired, and those that stood for that one. A row each, since row security
-- lets no index over an array be used. Kept by the database, so that the version that runs meanwhile keeps them too.
create table joined_token (
    member_token uuid not null,
    join_id uuid not null references person_join on delete cascade,
    primary key (member_token, join_id)
);
alter table joined_token enable row level security;
alter table joined_token force row level security;
create policy tenant_isolation on joined_token using (current_setting('vcc.tenant', true) = '*');

create function save_joined_tokens() returns trigger language plpgsql as $$
begin
    insert into joined_token (member_token, join_id)
    select distinct named, new.join_id from unnest(new.tokens || new.retired) as named;
    return null;
end
$$;
create trigger joined_tokens_saved after insert on person_join for each row execute function save_joined_tokens();
insert into joined_token (member_token, join_id)
select distinct named, join_id from person_join cross join lateral unnest(tokens || retired) as named;
