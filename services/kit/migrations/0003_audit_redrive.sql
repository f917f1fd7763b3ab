-- Operators who replay or discard dead letters stand in the trail too. The wider check admits all that the old code
-- writes, so it may come before the rollout.
alter table audit drop constraint audit_action_check;
alter table audit add constraint audit_action_check
    check (action in ('read', 'export', 'denied', 'redriven', 'discarded'));
