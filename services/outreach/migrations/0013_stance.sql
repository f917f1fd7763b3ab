-- What a member made known of one vaccine is her stance; "standing" is scheduling's word for what eligibility answers.
alter table statement rename column standing to stance;
