-- A notice of a lost booking that was given by mistake: it leaves `loss_notice`, and stays on record here.
create table loss_notice_retraction (
    retraction_id bigint generated always as identity primary key,
    appointment_id uuid not null references appointment,
    case_id uuid not null references outreach_case,
    tenant_id text not null,
    how text not null,
    worker_id text not null,
    noted_at timestamptz not null,
    retracted_by text not null,
    reason text not null,
    retracted_at timestamptz not null
);
create index loss_notice_retraction_by_case on loss_notice_retraction (case_id);
create index loss_notice_by_case on loss_notice (case_id);
alter table loss_notice_retraction enable row level security;
alter table loss_notice_retraction force row level security;
create policy tenant_isolation on loss_notice_retraction
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));

-- The booking that was taken away, why, and how the member heard of it without a call: told with the case.
alter table outreach_case
    add column lost_appointment_id uuid,
    add column lost_reason text,
    add column lost_told text;

-- Whom this concerns is to be decided on, and told of, again.
select set_config('vcc.tenant', '*', true);
insert into waiting_member (member_token, heard_at)
select distinct member_token, now() from outreach_case
where flags like '%appointment-lost%' or case_id in (select case_id from loss_notice)
on conflict do nothing;
