-- Which vaccine a block is for, so that a programme's report shows its own slots only. Empty for what was told before
-- `slot-pool` said it.
alter table slot_pool_version add column vaccine_group text;
