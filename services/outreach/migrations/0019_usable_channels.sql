-- By which channels a number or address is known that is not known to be wrong, by rosters and workers; none said: nothing
-- was heard. And which channels a worker's word gave another number or address: what was tried before says nothing of it.
alter table member_contact add column usable text;
alter table contact_correction add column renews text not null default '';
