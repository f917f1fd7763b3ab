-- outside of a transaction
create index concurrently if not exists case_assigned on outreach_case (assigned_to, rank desc, case_id desc)
    where assigned_to is not null;

create index concurrently if not exists case_unassigned on outreach_case (rank desc, case_id desc)
    where status = 'open' and held_by is null and callback_at is null and assigned_to is null;

create index concurrently if not exists attempt_hard on attempt (worker_id, attempted_on) where hard_call;
