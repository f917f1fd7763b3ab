insert into sealing (begun_at) values (clock_timestamp());
