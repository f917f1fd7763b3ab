-- The live booking that the person of these tokens has for a vaccine, or under a programme, with whichever plan and at
-- whichever site, but for one: its id alone, so that nothing of another plan's row is shown.
create function live_booking(tokens uuid[], of_group text, of_programme text, but uuid) returns uuid language plpgsql as $$
declare
    my_tenant constant text := coalesce(current_setting('vcc.tenant', true), '');
    my_sites constant text := coalesce(current_setting('vcc.sites', true), '');
    found_id uuid;
begin
    perform set_config('vcc.tenant', '*', true), set_config('vcc.sites', '', true);
    select appointment_id into found_id from appointment
    where member_token = any (tokens) and status = 'booked' and appointment_id is distinct from but
        and (vaccine_group = of_group or programme_id = of_programme)
    order by appointment_id limit 1;
    perform set_config('vcc.tenant', my_tenant, true), set_config('vcc.sites', my_sites, true);
    return found_id;
end
$$;
