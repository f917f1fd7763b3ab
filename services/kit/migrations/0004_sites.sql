-- Whether the transaction may see this site's rows: it is bound to sites as it is to a tenant. `vcc.sites` holds their ids
-- with commas between; not set, it is bound to none, and sees those of all.
create function acts_at(site_id text) returns boolean language sql stable parallel safe as $$
    select coalesce(current_setting('vcc.sites', true), '') = ''
        or site_id = any (string_to_array(current_setting('vcc.sites', true), ','))
$$;
