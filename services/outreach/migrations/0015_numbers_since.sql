-- Since which business day the present number or address is there; nothing where no other was heard of before it.
alter table enrolment
    add column phone_since_on date,
    add column address_since_on date,
    add column email_since_on date;
