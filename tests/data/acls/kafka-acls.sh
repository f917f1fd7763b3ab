#!/bin/sh
# The rights of every service, made from the catalog of topics. The brokers must refuse what nobody has allowed
# (allow.everyone.if.no.acl.found=false).
set -eu
: "${BOOTSTRAP_SERVERS:?names the brokers}" "${ADMIN_CONFIG:?names a file with the login of who may alter rights}"
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-admin --group eligibility. --resource-pattern-type prefixed --operation Describe
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-admin --group outreach. --resource-pattern-type prefixed --operation Describe
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-admin --group reporting. --resource-pattern-type prefixed --operation Describe
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-admin --group scheduling. --resource-pattern-type prefixed --operation Describe
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-admin --topic vcc. --resource-pattern-type prefixed --operation AlterConfigs --operation Create --operation Describe --operation DescribeConfigs
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --group eligibility. --resource-pattern-type prefixed --operation Delete --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.appointment.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.business-day-opened.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.contact-attempt.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.dose-administered.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.feed-file.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.member-contact.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.member-eligibility.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-eligibility --topic vcc.programme.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --group outreach. --resource-pattern-type prefixed --operation Delete --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.appointment.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.business-day-opened.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.case.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.contact-attempt.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.dose-administered.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.member-contact.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.member-eligibility.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.programme.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.referral.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-outreach --topic vcc.target-zips.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --group reporting. --resource-pattern-type prefixed --operation Delete --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.appointment.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.business-day-opened.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.case.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.contact-attempt.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.dose-administered.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.feed-file.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.member-eligibility.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.programme.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.referral.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.slot-pool.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-reporting --topic vcc.target-zips.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --group scheduling. --resource-pattern-type prefixed --operation Delete --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.appointment.v1 --resource-pattern-type literal --operation Read --operation Write
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.business-day-opened.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.contact-attempt.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.dose-administered.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.member-contact.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.member-eligibility.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.programme.v1 --resource-pattern-type literal --operation Read
kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_CONFIG" --add --allow-principal User:vcc-scheduling --topic vcc.slot-pool.v1 --resource-pattern-type literal --operation Read --operation Write
