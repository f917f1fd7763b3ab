"""What others told of members: eligibility's answer for each enrolment, and reports of deaths."""
