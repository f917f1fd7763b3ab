-- Attempts that were entered in error count from the day on which that was said no longer.
create table attempt_retraction (
    attempt_id uuid primary key,
    tenant_id text not null,
    retracted_on date not null
);
alter table attempt_retraction enable row level security;
alter table attempt_retraction force row level security;
create policy tenant_isolation on attempt_retraction
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- An attempt with the day since which it does not stand. The two facts may come in either order.
create view attempt_told with (security_invoker = true) as
select a.*, r.retracted_on from contact_attempt as a left join attempt_retraction as r using (attempt_id);
