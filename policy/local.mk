noinst_LIBRARIES += policy/libpvpolicy.a
policy_libpvpolicy_a_SOURCES = \
	policy/ceremonyhtml.c policy/ceremonyhtml.h policy/ceremonytext.c \
	policy/ceremonytext.h \
	policy/node.c policy/node.h policy/oid.c policy/oid.h \
	policy/pattern.c policy/pattern.h \
	policy/parts.h policy/rules.h policy/template.h policy/template_impl.h \
	policy/template.c policy/template_device.c policy/template_roles.c \
	policy/template_cert.c policy/template_ext.c policy/template_san.c \
	policy/template_value.c \
	policy/template_parts.c policy/template_config.c \
	policy/template_limits.c policy/template_attest.c \
	policy/lint.c policy/lint_parts.c policy/lint_cert.c \
	policy/lint_limits.c policy/lint_matter.c policy/lint_stage.c \
	policy/show.c \
	policy/order.h policy/facts.h policy/decide.h policy/decide_impl.h \
	policy/decide.c policy/decide_key.c policy/decide_device.c \
	policy/decide_limits.c policy/decide_release.c \
	policy/decide_rotate.c \
	policy/binding.c policy/binding.h policy/plan.c policy/plan.h \
	policy/plan_backup.c policy/plan_gap.c policy/plan_impl.h \
	policy/plan_present.c policy/plan_steps.c policy/plan_transport.c \
	policy/roster.c policy/roster.h policy/quorum.c policy/quorum.h \
	policy/approval.c policy/approval.h policy/approval_count.c \
	policy/hours.c policy/hours.h policy/orderfile.c policy/orderfile.h \
	policy/approval_request.c policy/approval_request.h \
	policy/approval_render.c policy/approval_render.h \
	policy/roles.c policy/roles.h \
	policy/weakkey.c policy/weakkey.h

# Rows that check_decide.c includes.
EXTRA_DIST += tests/unit/decide_rows.inc
