# provctl itself: thin verbs; only backends.c names a token or a database.
# What unit tests use, too, is a library.
noinst_LIBRARIES += cmd/libpvcmd.a
cmd_libpvcmd_a_SOURCES = \
	cmd/backends.c cmd/backends.h \
	cmd/opts.c cmd/opts.h \
	cmd/pin.c cmd/pin.h \
	cmd/prompt.c cmd/prompt.h \
	cmd/secret.h cmd/secret_input.c \
	cmd/table.c cmd/table.h cmd/term.c cmd/term.h

bin_PROGRAMS += cmd/provctl
cmd_provctl_SOURCES = \
	cmd/app.h cmd/main.c \
	cmd/audit.h cmd/audit_anomalies.c cmd/audit_cosign.c cmd/audit_findings.c \
	cmd/audit_findings.h cmd/audit_folder.c cmd/audit_help.c \
	cmd/audit_reconcile.c cmd/audit_show.c cmd/audit_verify.c \
	cmd/audit_witness.c \
	cmd/ceremony.h cmd/ceremony_explain.c cmd/ceremony_files.c cmd/ceremony_print.c cmd/ceremony_moved.c cmd/ceremony_moved.h \
	cmd/ceremony_files.h cmd/ceremony_help.c cmd/ceremony_later.c cmd/ceremony_log.c \
	cmd/ceremony_people.c cmd/ceremony_run.c cmd/ceremony_screen.c \
	cmd/ceremony_verify.c cmd/cmd_ceremony.c \
	cmd/confirm.c cmd/confirm.h cmd/approve.h cmd/approve_list.c cmd/cmd_approve.c cmd/cmd_clock.c cmd/cmd_config.c cmd/cmd_officer.c \
	cmd/cmd_order.c cmd/order.h cmd/order_help.c cmd/order_show.c \
	cmd/attest_challenge.c cmd/attest_explain.c \
	cmd/attest_verify.c cmd/attest_verify.h cmd/attest_pieces.c \
	cmd/attest_enrol.c cmd/attest_enrol.h cmd/attest_enrol_list.c cmd/attest_enrol_tpm.c \
	cmd/attest_group.c cmd/attest_group.h cmd/attest_help.c cmd/attest_lines.c \
	cmd/attest.h cmd/attest_event.c cmd/attest_intake.c cmd/attest_intake.h \
	cmd/attest_key.c cmd/attest_missing.c cmd/attest_receipt.c \
	cmd/attest_release.c cmd/attest_release.h cmd/cmd_attest.c cmd/crewrun.c cmd/crewrun.h \
	cmd/officer.h cmd/officer_help.c cmd/officer_review.c cmd/officer_used.c \
	cmd/cmd_audit.c cmd/cmd_export.c cmd/cmd_init.c cmd/cmd_issue.c \
	cmd/cmd_policy.c cmd/cmd_quarantine.c cmd/cmd_revoke.c \
	cmd/cmd_rotate.c cmd/cmd_secret.c cmd/cmd_status.c \
	cmd/export.h cmd/export_authority.c cmd/export_chain.c cmd/export_crl.c \
	cmd/export_ocsp.c cmd/export_device.c cmd/export_kek.c \
	cmd/export_help.c cmd/export_inventory.c cmd/export_items.c cmd/export_log.c \
	cmd/export_stream.c \
	cmd/guard.c cmd/guard.h cmd/harden.c cmd/harden.h \
	cmd/inventory.h cmd/inventory_row.c cmd/newpin.c cmd/newpin.h \
	cmd/issue_help.c cmd/issue_input.c cmd/issue_input.h \
	cmd/issue_opts.c cmd/issue_summary.c cmd/issue_summary.h \
	cmd/out.c cmd/out.h cmd/out_stream.c cmd/out_stream.h \
	cmd/publish.c cmd/publish.h \
	cmd/policy.h cmd/policy_adopt.c cmd/policy_diff.c \
	cmd/policy_drift.c cmd/policy_help.c cmd/policy_show.c \
	cmd/policy_test.c cmd/quarantine.h cmd/quarantine_help.c cmd/quarantine_device.c \
	cmd/revoke.h cmd/revoke_ca.c cmd/revoke_help.c cmd/revoke_tell.c \
	cmd/rotate.h cmd/rotate_asked.c cmd/rotate_asked.h \
	cmd/rotate_back.c cmd/rotate_ca.c cmd/rotate_crl.c \
	cmd/rotate_device.c cmd/rotate_due.c cmd/rotate_help.c \
	cmd/rotate_key.c cmd/rotate_keys_help.c cmd/rotate_pin.c \
	cmd/secret_help.c cmd/secret_list.c \
	cmd/session.c cmd/session.h cmd/session_log.c cmd/status_crls.c \
	cmd/status_dependants.c \
	cmd/status_json.c cmd/status_json.h
cmd_provctl_LDADD = cmd/libpvcmd.a pkcs11/libpvpkcs11.a $(PV_LIBS) \
	$(PV_LIBS_LIBS) $(LIBP11_LIBS) $(P11KIT_LIBS) $(SECCOMP_LIBS) -lm

include cmd/provdev/local.mk
