-- A booking that somebody else than the member took away, of a member whom nobody may call: what was done instead of a
-- call, so that he does not come to a closed door. Never changed.
create table loss_notice (
    appointment_id uuid primary key references appointment,
    case_id uuid not null references outreach_case,
    tenant_id text not null,
    how text not null,
    worker_id text not null,
    noted_at timestamptz not null default clock_timestamp()
);
alter table loss_notice enable row level security;
alter table loss_notice force row level security;
create policy tenant_isolation on loss_notice
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

create index case_closed_with_flags on outreach_case (changed_on, case_id) where status = 'closed' and flags <> '';

-- Whom this concerns is to be decided on again.
select set_config('vcc.tenant', '*', true);
insert into waiting_member (member_token, heard_at)
select distinct outreach_case.member_token, now()
from outreach_case join appointment using (enrolment_id, programme_id)
where outreach_case.status = 'closed' and closed_reason in ('opted-out', 'unreachable', 'ineligible')
    and appointment.status = 'cancelled'
on conflict do nothing;
