-- The languages of which a roster says that the member speaks them; empty until a row says so.
alter table enrolment add column spoken text[] not null default '{}';

-- What was answered to a question, such as whether an interpreter is needed; null for what is no question.
alter table member_observation add column answer text;
