-- Of whom a registry said that the data are protected before its reports were withheld: their doses are derived anew once.
create table withheld_since (member_token uuid primary key);
alter table withheld_since enable row level security;
alter table withheld_since force row level security;
create policy tenant_isolation on withheld_since using (current_setting('vcc.tenant', true) = '*');
do $$
begin
    perform set_config('vcc.tenant', '*', true);
    insert into withheld_since (member_token)
    select member_token from registry_consent where is_protected
    union
    select member_token from member_statement where is_protected
    on conflict do nothing;
end
$$;
