"""Cases opened, ranked and closed, claimed by workers; contacts with members logged."""
