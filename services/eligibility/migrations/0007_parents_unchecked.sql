-- Each check of a parent costs more than the child's own row, and there are five children to a roster's row. Parents are
-- never deleted, and whoever writes a child has locked or written its parent in the same transaction.
alter table enrolment drop constraint enrolment_token_fkey;
alter table person_identifier drop constraint person_identifier_token_fkey;
alter table person_key drop constraint person_key_token_fkey;
alter table member_statement drop constraint member_statement_token_fkey;
alter table dose drop constraint dose_token_fkey;
alter table dose_report drop constraint dose_report_token_fkey;
alter table dose_report drop constraint dose_report_dose_id_fkey;
alter table decision drop constraint decision_enrolment_id_fkey;
alter table feed_row drop constraint feed_row_file_id_fkey;
