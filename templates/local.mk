templatesdir = $(pkgdatadir)/templates
dist_templates_DATA = templates/template.schema.json \
	templates/roster.schema.json templates/order.schema.json \
	templates/plan.schema.json templates/binding.schema.json \
	templates/root-ca.json templates/root-ca-offline.json \
	templates/issuing-ca.json templates/issuing-2-ca.json \
	templates/matter-paa.json templates/matter-pai.json \
	templates/matter-dac.json templates/ieee-802.1ar-idevid.json \
	templates/aws-iot.json templates/azure-dps.json \
	templates/tls-client.json templates/tls-client-short.json \
	templates/symmetric-sensor.json

plansdir = $(pkgdatadir)/templates/plans
dist_plans_DATA = templates/plans/issuing-new.json \
	templates/plans/issuing-next.json \
	templates/plans/issuing-online.json \
	templates/plans/issuing-rollover.json \
	templates/plans/restore.json \
	templates/plans/root-backup.json templates/plans/root-crl.json \
	templates/plans/root-issuing.json templates/plans/root-offline.json \
	templates/plans/root-sign-new.json templates/plans/root-sign-next.json \
	templates/plans/softhsm-demo.json \
	templates/plans/transport-issuing.json templates/plans/transport-root.json

examplesdir = $(pkgdatadir)/templates/examples
dist_examples_DATA = templates/examples/roster.json \
	templates/examples/binding.json templates/examples/order.json \
	templates/examples/field-sensor.json templates/examples/gateway.json \
	templates/examples/field-sensor.cases.json \
	templates/examples/issuing-ca-sharded.json
