-- The token by which a decision named its member, who may have been two since. None: decided before it was kept.
alter table vital_override add column named_token uuid;
