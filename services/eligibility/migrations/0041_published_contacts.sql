-- outside of a transaction
-- Whoever has a member's contact details erased need not read all that was ever told of contacts.
create index concurrently if not exists published_contacts on published (aggregateid)
where aggregatetype = 'vcc.member-contact.v1';
