-- Every write, denial, read and export says its purpose, its route and how it ended. A denial for want of a token has no
-- principal. The old code writes none of these columns: its rows were done or, by their action, denied. The trail is long
-- and written by every request: nothing here reads it while it is locked. What stands in it is checked by 0015, and an
-- index comes with whoever searches it.
alter table audit alter column principal drop not null;
alter table audit
    add column purpose text,
    add column route text,
    add column outcome text not null default 'done',
    add constraint audit_purpose_check check (purpose ~ '^[A-Z]{3,16}$') not valid,
    add constraint audit_outcome_check check (outcome in ('done', 'refused', 'denied')) not valid;
