"""Programme documents for members of the plan `lakeshore`, made from a few words."""

ZOSTER = """\
programme_id: street-zoster
version: 1
title: Zoster vaccination on Sesame Street
effective_on: 2025-11-15
time_zone: America/Chicago
plans: [lakeshore]
forecast: {vaccine_group: zoster, cdsi_group: Zoster}
phases:
  - {code: all, begins_on: 2025-11-15, age_from: 50}
priority: {base: 100, svi: {}, age: {}}
"""
HOMEBOUND = """\
programme_id: street-visits
version: 1
title: Visits at home
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
vaccine: {group: covid-19, doses_needed: 1}
segment: {homebound: true}
risk_model: social-risk.1
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 18}
priority: {base: 100, svi: {}, age: {}, risk: 500}
"""
TOP_HALF = """\
programme_id: street-top
version: 1
title: The half of the street with the highest risk
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
vaccine: {group: covid-19, doses_needed: 1}
risk_model: social-risk.1
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 18}
priority: {base: 0, svi: {}, age: {}, risk: 1000}
cap: {share: 0.5, by: risk, per: plan, redraw: monthly}
"""
ARMS = """\
programme_id: street-trial
version: 1
title: A trial
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
vaccine: {group: covid-19, doses_needed: 1}
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 18}
priority: {base: 0, svi: {}, age: {}}
arms: {unit: household, seed: sesame-2021, shares: {offered: 0.5, control: 0.5}}
"""
SCREENING = """\
programme_id: street-screening
version: 1
title: Screening on Sesame Street
effective_on: 2021-01-01
time_zone: America/Chicago
plans: [lakeshore]
service:
  code: colorectal-screening
  holds_months: {colonoscopy: 120, fecal-immunochemical-test: 12}
phases:
  - {code: all, begins_on: 2021-01-01, age_from: 45, age_to: 75}
priority: {base: 100, svi: {}, age: {}}
"""
