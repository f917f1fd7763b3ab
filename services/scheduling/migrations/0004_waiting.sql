-- Members whose live bookings a programme may have changed, until they are settled.
create table waiting_member (
    member_token uuid primary key,
    heard_at timestamptz not null
);
