-- outside of a transaction
-- By what somebody who is booked is found at the site; bookings from before have none.
alter table appointment add column if not exists booking_code text;

create unique index concurrently if not exists appointment_live_code on appointment (booking_code) where status = 'booked';
