-- When a listing was made: of two lists of one week the later holds, whichever is heard last. Null: heard before this.
alter table target_zip add column occurred_at timestamptz;
