-- Members referred to partners, each step of it, and who has to hear of one. No name and no telephone is in it. A partner's
-- people are bound to their organisation by `vcc.sites`, as clerks are to a site.
create table referral (
    referral_id uuid primary key,
    tenant_id text not null,
    case_id uuid not null references outreach_case,
    enrolment_id uuid not null,
    partner_id text not null,
    kind text not null,
    need text not null,
    fields text[] not null,
    support text,
    "authorization" text,
    certification text,
    service_id text,
    gates_appointment_id uuid,
    requested_on date not null,
    requested_by text not null,
    status text not null,
    status_reason text,
    status_on date not null,
    due_on date,
    is_escalated boolean not null,
    version integer not null,
    foreign key (tenant_id, partner_id) references partner
);
create index referral_by_enrolment on referral (enrolment_id);
create index referral_by_partner on referral (tenant_id, partner_id, referral_id);
create index referral_due on referral (due_on) where due_on is not null and not is_escalated;

-- Each version as it came; `answered_by` is a worker's code or the partner's.
create table referral_step (
    referral_id uuid not null references referral,
    version integer not null,
    tenant_id text not null,
    status text not null,
    status_reason text,
    status_on date not null,
    is_by_partner boolean not null,
    answered_by text not null,
    answered_at timestamptz not null default clock_timestamp(),
    primary key (referral_id, version)
);
create table referral_notice (
    notice_id uuid primary key,
    referral_id uuid not null references referral,
    tenant_id text not null,
    recipient text not null,
    status text not null,
    status_on date not null,
    told_by text,
    told_at timestamptz
);
create index referral_notice_open on referral_notice (tenant_id, notice_id) where told_at is null;

do $$
declare name text;
begin
    foreach name in array array['referral', 'referral_step', 'referral_notice'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_isolation on %I using (current_setting(''vcc.tenant'', true) = ''*'''
            ' or tenant_id = current_setting(''vcc.tenant'', true))', name);
    end loop;
end $$;
create policy partner_isolation on referral as restrictive using (acts_at(partner_id));
