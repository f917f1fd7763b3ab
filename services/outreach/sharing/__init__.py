"""Whether a member's data may leave for a partner: agreements, members' own consents, and the one rule over both."""
