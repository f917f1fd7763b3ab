-- Who is to be expected: name, birth date and address of an enrolment's member, as eligibility told them last, sealed; none
-- where they were withdrawn, and the version stays, so that no older record revives them. They are opened beside an
-- appointment alone: whoever is bound to sites has them of whom he sees one.
create table member_contact (
    enrolment_id uuid primary key,
    tenant_id text not null,
    version integer not null,
    sealed_details bytea
);
alter table member_contact enable row level security;
alter table member_contact force row level security;
create policy tenant_isolation on member_contact
    using (current_setting('vcc.tenant', true) = '*' or tenant_id = current_setting('vcc.tenant', true));
create policy site_isolation on member_contact as restrictive using (
    coalesce(current_setting('vcc.sites', true), '') = ''
    or exists (select from appointment where appointment.enrolment_id = member_contact.enrolment_id)
);
