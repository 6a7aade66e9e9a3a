# Tests. `make check' runs all of them; `make check-kill', `make check-kill-rotate',
# `make check-races' and `make clean-root' are the long ones. tests/wired.sh fails
# when a test here is missing.
AM_CFLAGS += $(CHECK_CFLAGS)
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)

# The vectors' table is made anew by each unit test (VECTORS_DIR).
AM_TESTS_ENVIRONMENT = \
	srcdir='$(abs_srcdir)'; export srcdir; \
	builddir='$(abs_builddir)'; export builddir; \
	PROVCTL='$(abs_builddir)/cmd/provctl$(EXEEXT)'; export PROVCTL; \
	PROVDEV='$(abs_builddir)/cmd/provdev/provdev$(EXEEXT)'; \
	export PROVDEV; \
	VECTORS_DIR='$(abs_builddir)/tests/vectors'; export VECTORS_DIR; \
	$(MKDIR_P) "$$VECTORS_DIR"; \
	rm -f "$$VECTORS_DIR/`basename $$f`.tsv";

# What unit tests share.
check_LIBRARIES += tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = \
	tests/unit/authority_fix.c \
	tests/unit/authority_fix.h \
	tests/unit/casefiles.c \
	tests/unit/box_fix.h \
	tests/unit/casefiles.h \
	tests/unit/cbor_float.h \
	tests/unit/crl_fix.c \
	tests/unit/crl_fix.h \
	tests/unit/device_fixture.c \
	tests/unit/device_fixture.h \
	tests/unit/device_fixture_crypto.c \
	tests/unit/device_fixture_impl.h \
	tests/unit/device_fixture_sign.c \
	tests/unit/device_fixture_store.c \
	tests/unit/device_fixture_table.c \
	tests/unit/evidence_chain.c \
	tests/unit/evidence_chain.h \
	tests/unit/evidence_fix.c \
	tests/unit/evidence_fix.h \
	tests/unit/evidence_psa.h \
	tests/unit/log_event.h \
	tests/unit/log_fix.c \
	tests/unit/log_fix.h \
	tests/unit/log_folder.c \
	tests/unit/log_folder.h \
	tests/unit/ceremony_lines.c tests/unit/ceremony_lines.h \
	tests/unit/linkline.h \
	tests/unit/notepair.h \
	tests/unit/officer_fix.h \
	tests/unit/people.h \
	tests/unit/p11_fault.c \
	tests/unit/p11_fault.h \
	tests/unit/p11_workers.c \
	tests/unit/p11_workers.h \
	tests/unit/approval_want.h \
	tests/unit/governance_fix.h \
	tests/unit/issued_fix.c \
	tests/unit/issued_fix.h \
	tests/unit/people_acts.c \
	tests/unit/people_acts.h \
	tests/unit/people_fix.c \
	tests/unit/people_fix.h \
	tests/unit/provdev_fixture.c \
	tests/unit/provdev_fixture.h \
	tests/unit/seal_keys.h \
	tests/unit/seal_reader.c \
	tests/unit/seal_reader.h \
	tests/unit/seal_sample.h \
	tests/unit/seal_vec.h \
	tests/unit/softhsm.c \
	tests/unit/softhsm.h \
	tests/unit/store_fix.c \
	tests/unit/store_fix.h \
	tests/unit/store_rig.h \
	tests/unit/tpm2_fix.h \
	tests/unit/transport_fix.h tests/unit/transport_outside.h \
	tests/unit/unit.c \
	tests/unit/unit.h \
	tests/unit/x509_dump.c \
	tests/unit/x509_dump.h \
	tests/unit/x509_fixture.c \
	tests/unit/x509_fixture.h
UNIT_LIBS = tests/unit/libunit.a cmd/libpvcmd.a pkcs11/libpvpkcs11.a $(PV_LIBS) \
	lib/device/libpvdevice.a lib/device/libpvdevmbed.a lib/base/libpvbase.a \
	$(PV_LIBS_LIBS) $(MBEDTLS_LIBS) $(LIBP11_LIBS) $(P11KIT_LIBS) $(SECCOMP_LIBS) $(CHECK_LIBS) -lm
# For every program below that says nothing else.
LDADD = $(UNIT_LIBS)

UNIT_TESTS = \
	tests/unit/check_actor \
	tests/unit/check_acts tests/unit/check_acts_sign \
	tests/unit/check_approval \
	tests/unit/check_approval_text \
	tests/unit/check_approvals_fresh \
	tests/unit/check_anchors \
	tests/unit/check_approval_render \
	tests/unit/check_approval_request \
	tests/unit/check_atrest \
	tests/unit/check_audit \
	tests/unit/check_audit_actors \
	tests/unit/check_audit_entries \
	tests/unit/check_askcheck \
	tests/unit/check_audit_line \
	tests/unit/check_audit_show \
	tests/unit/check_audit_stations \
	tests/unit/check_anomaly_watch \
	tests/unit/check_audit_story \
	tests/unit/check_audit_tiles \
	tests/unit/check_authority \
	tests/unit/check_backup \
	tests/unit/check_backupcheck \
	tests/unit/check_badkeys \
	tests/unit/check_base64 \
	tests/unit/check_batch \
	tests/unit/check_binding \
	tests/unit/check_box \
	tests/unit/check_buf \
	tests/unit/check_bundle \
	tests/unit/check_caimport \
	tests/unit/check_cbor \
	tests/unit/check_cbor_float \
	tests/unit/check_ceremony \
	tests/unit/check_ceremonycheck tests/unit/check_ceremonycheck_approvals \
	tests/unit/check_ceremonycheck_keys tests/unit/check_keyseen \
	tests/unit/check_ceremonypoints tests/unit/check_ceremonytext \
	tests/unit/check_checkpoint tests/unit/check_keystand \
	tests/unit/check_cert \
	tests/unit/check_chain \
	tests/unit/check_container \
	tests/unit/check_content \
	tests/unit/check_cose \
	tests/unit/check_cose_vectors \
	tests/unit/check_cosigned \
	tests/unit/check_crl \
	tests/unit/check_crl_compare \
	tests/unit/check_crltail \
	tests/unit/check_csr \
	tests/unit/check_csvtable \
	tests/unit/check_csr_within \
	tests/unit/check_csr_build \
	tests/unit/check_decide \
	tests/unit/check_der \
	tests/unit/check_descriptor \
	tests/unit/check_device \
	tests/unit/check_device_attack \
	tests/unit/check_device_content \
	tests/unit/check_device_crypto \
	tests/unit/check_device_envelope \
	tests/unit/check_device_grammar \
	tests/unit/check_device_limits \
	tests/unit/check_device_link \
	tests/unit/check_device_order \
	tests/unit/check_device_refuse \
	tests/unit/check_device_state \
	tests/unit/check_err \
	tests/unit/check_evidencebox \
	tests/unit/check_evidencebox_offer \
	tests/unit/check_evidence_dice \
	tests/unit/check_evidence_psa \
	tests/unit/check_evidence_token \
	tests/unit/check_evidence_tpm2 \
	tests/unit/check_escrow \
	tests/unit/check_fileio \
	tests/unit/check_gcm \
	tests/unit/check_governance \
	tests/unit/check_governance_rows \
	tests/unit/check_judge \
	tests/unit/check_pairing \
	tests/unit/check_settings \
	tests/unit/check_shares \
	tests/unit/check_slots \
	tests/unit/check_hostlookup \
	tests/unit/check_staging \
	tests/unit/check_hpke \
	tests/unit/check_httpget \
	tests/unit/check_idset \
	tests/unit/check_issuer \
	tests/unit/check_json \
	tests/unit/check_kdf \
	tests/unit/check_kdfof \
	tests/unit/check_kept \
	tests/unit/check_keycheck \
	tests/unit/check_keycheck_rsa \
	tests/unit/check_keybackup \
	tests/unit/check_keytransport \
	tests/unit/check_keydestroy \
	tests/unit/check_keymake \
	tests/unit/check_keytable \
	tests/unit/check_known \
	tests/unit/check_lint_args \
	tests/unit/check_lint_limits \
	tests/unit/check_linediff \
	tests/unit/check_linereport \
	tests/unit/check_lineio \
	tests/unit/check_link \
	tests/unit/check_linkframe \
	tests/unit/check_log_checkpoint \
	tests/unit/check_log_cosign \
	tests/unit/check_log_decode \
	tests/unit/check_log_entry \
	tests/unit/check_log_govern \
	tests/unit/check_log_lifecycle \
	tests/unit/check_log_lines \
	tests/unit/check_log_proof \
	tests/unit/check_log_tile \
	tests/unit/check_log_tilefiles \
	tests/unit/check_log_tilereader \
	tests/unit/check_log_tilewriter \
	tests/unit/check_log_tlogproof \
	tests/unit/check_log_tree \
	tests/unit/check_log_witness \
	tests/unit/check_makecred \
	tests/unit/check_manifest \
	tests/unit/check_matter \
	tests/unit/check_media \
	tests/unit/check_mediabox \
	tests/unit/check_namelist \
	tests/unit/check_note \
	tests/unit/check_notekey \
	tests/unit/check_opts \
	tests/unit/check_ocsp \
	tests/unit/check_officerkey \
	tests/unit/check_order_results \
	tests/unit/check_orderfile \
	tests/unit/check_numbermap \
	tests/unit/check_quota \
	tests/unit/check_ownkey \
	tests/unit/check_p11_child \
	tests/unit/check_p11_derive \
	tests/unit/check_p11_keygen \
	tests/unit/check_p11_keys \
	tests/unit/check_p11_list \
	tests/unit/check_p11_init \
	tests/unit/check_p11_login \
	tests/unit/check_p11_module \
	tests/unit/check_p11_person \
	tests/unit/check_p11_point \
	tests/unit/check_p11_pool \
	tests/unit/check_p11_publics \
	tests/unit/check_p11_rv \
	tests/unit/check_p11_seal \
	tests/unit/check_p11_session \
	tests/unit/check_p11_sign \
	tests/unit/check_p11_threads \
	tests/unit/check_p11_token \
	tests/unit/check_p11_uri \
	tests/unit/check_p11_backup \
	tests/unit/check_p11_transport \
	tests/unit/check_p11_wrap \
	tests/unit/check_pattern \
	tests/unit/check_p256 \
	tests/unit/check_parts \
	tests/unit/check_pem \
	tests/unit/check_pin \
	tests/unit/check_plan \
	tests/unit/check_plan_backup \
	tests/unit/check_policy_oid \
	tests/unit/check_policydiff \
	tests/unit/check_policytest \
	tests/unit/check_prepared \
	tests/unit/check_profiles \
	tests/unit/check_provdev \
	tests/unit/check_provdev_attest \
	tests/unit/check_provdev_fault \
	tests/unit/check_publish_hook \
	tests/unit/check_pvtime \
	tests/unit/check_quorum \
	tests/unit/check_receipt \
	tests/unit/check_receipts \
	tests/unit/check_recipient \
	tests/unit/check_record_context \
	tests/unit/check_reconcile \
	tests/unit/check_remanifest \
	tests/unit/check_renewal \
	tests/unit/check_request \
	tests/unit/check_results \
	tests/unit/check_roles \
	tests/unit/check_roster \
	tests/unit/check_rotate \
	tests/unit/check_rows \
	tests/unit/check_sandbox \
	tests/unit/check_secret \
	tests/unit/check_secret_input \
	tests/unit/check_secrets \
	tests/unit/check_serialset \
	tests/unit/check_sha256 \
	tests/unit/check_signer \
	tests/unit/check_stationclaim \
	tests/unit/check_status_crl \
	tests/unit/check_store \
	tests/unit/check_store_attest \
	tests/unit/check_store_crash \
	tests/unit/check_store_crl \
	tests/unit/check_store_device \
	tests/unit/check_store_evidence \
	tests/unit/check_store_fault \
	tests/unit/check_store_held \
	tests/unit/check_store_keys \
	tests/unit/check_store_log \
	tests/unit/check_store_open \
	tests/unit/check_store_order \
	tests/unit/check_store_people \
	tests/unit/check_store_renewal \
	tests/unit/check_store_result \
	tests/unit/check_store_renew \
	tests/unit/check_store_revoke \
	tests/unit/check_store_sealed \
	tests/unit/check_store_wal \
	tests/unit/check_store_secret \
	tests/unit/check_stored \
	tests/unit/check_subject_acts \
	tests/unit/check_subject_plan \
	tests/unit/check_succession \
	tests/unit/check_table \
	tests/unit/check_tbs \
	tests/unit/check_tbs_lint \
	tests/unit/check_tcbinfo \
	tests/unit/check_template \
	tests/unit/check_template_cases \
	tests/unit/check_term \
	tests/unit/check_tokenkeys \
	tests/unit/check_tokens \
	tests/unit/check_transcript \
	tests/unit/check_transport \
	tests/unit/check_text \
	tests/unit/check_tpm2_ak \
	tests/unit/check_value \
	tests/unit/check_weakkey \
	tests/unit/check_wire \
	tests/unit/check_witness \
	tests/unit/check_witnesskey \
	tests/unit/check_workers \
	tests/unit/check_wrap \
	tests/unit/check_writer \
	tests/unit/check_writer_held \
	tests/unit/check_yubihsm
check_PROGRAMS += $(UNIT_TESTS)

# provdev on a disk that fails when it is told to.
check_PROGRAMS += tests/unit/provdev_faulty
tests_unit_provdev_faulty_SOURCES = $(cmd_provdev_provdev_SOURCES) \
	tests/unit/provdev_faults.c
tests_unit_provdev_faulty_LDADD = $(cmd_provdev_provdev_LDADD)
tests_unit_provdev_faulty_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=fsync,--wrap=syncfs,--wrap=renameat

tests_unit_check_device_grammar_SOURCES = tests/unit/check_device_grammar.c \
	tests/fuzz/fuzz_device.c tests/fuzz/fuzz_device.h tests/fuzz/fuzz.h
tests_unit_check_slots_SOURCES = tests/unit/check_slots.c \
	docs/firmware/slots.c docs/firmware/slots.h
tests_unit_check_staging_SOURCES = tests/unit/check_staging.c \
	docs/firmware/slots.c docs/firmware/slots.h docs/firmware/board.h \
	docs/firmware/staging.c docs/firmware/staging.h

# Fuzz targets with the standalone main: the corpus as a test.
check_PROGRAMS += tests/fuzz/replay_cbor
tests_fuzz_replay_cbor_SOURCES = tests/fuzz/fuzz_cbor.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_cose
tests_fuzz_replay_cose_SOURCES = tests/fuzz/fuzz_cose.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_receipt
tests_fuzz_replay_receipt_SOURCES = tests/fuzz/fuzz_receipt.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_device
tests_fuzz_replay_device_SOURCES = tests/fuzz/fuzz_device.c \
	tests/fuzz/fuzz_device.h tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_bundle
tests_fuzz_replay_bundle_SOURCES = tests/fuzz/fuzz_bundle.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_crl
tests_fuzz_replay_crl_SOURCES = tests/fuzz/fuzz_crl.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_csr
tests_fuzz_replay_csr_SOURCES = tests/fuzz/fuzz_csr.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_entry
tests_fuzz_replay_entry_SOURCES = tests/fuzz/fuzz_entry.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_evidence_dice
tests_fuzz_replay_evidence_dice_SOURCES = tests/fuzz/fuzz_evidence_dice.c \
	tests/fuzz/fuzz_evidence.h tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_evidence_psa
tests_fuzz_replay_evidence_psa_SOURCES = tests/fuzz/fuzz_evidence_psa.c \
	tests/fuzz/fuzz_evidence.h tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_evidence_tpm2
tests_fuzz_replay_evidence_tpm2_SOURCES = tests/fuzz/fuzz_evidence_tpm2.c \
	tests/fuzz/fuzz_evidence.h tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_json
tests_fuzz_replay_json_SOURCES = tests/fuzz/fuzz_json.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_linereport
tests_fuzz_replay_linereport_SOURCES = tests/fuzz/fuzz_linereport.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_note
tests_fuzz_replay_note_SOURCES = tests/fuzz/fuzz_note.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_request
tests_fuzz_replay_request_SOURCES = tests/fuzz/fuzz_request.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_tbs
tests_fuzz_replay_tbs_SOURCES = tests/fuzz/fuzz_tbs.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_template
tests_fuzz_replay_template_SOURCES = tests/fuzz/fuzz_template.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_authority
tests_fuzz_replay_authority_SOURCES = tests/fuzz/fuzz_authority.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_base64
tests_fuzz_replay_base64_SOURCES = tests/fuzz/fuzz_base64.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_escrow
tests_fuzz_replay_escrow_SOURCES = tests/fuzz/fuzz_escrow.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_ocsp
tests_fuzz_replay_ocsp_SOURCES = tests/fuzz/fuzz_ocsp.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_pem
tests_fuzz_replay_pem_SOURCES = tests/fuzz/fuzz_pem.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_rows
tests_fuzz_replay_rows_SOURCES = tests/fuzz/fuzz_rows.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_yubihsm
tests_fuzz_replay_yubihsm_SOURCES = tests/fuzz/fuzz_yubihsm.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_wire
tests_fuzz_replay_wire_SOURCES = tests/fuzz/fuzz_wire.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_kek
tests_fuzz_replay_kek_SOURCES = tests/fuzz/fuzz_kek.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h \
	cmd/provdev/kek.c cmd/provdev/kek.h
check_PROGRAMS += tests/fuzz/replay_uri
tests_fuzz_replay_uri_SOURCES = tests/fuzz/fuzz_uri.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_checkpoint
tests_fuzz_replay_checkpoint_SOURCES = tests/fuzz/fuzz_checkpoint.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_tile
tests_fuzz_replay_tile_SOURCES = tests/fuzz/fuzz_tile.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_approval
tests_fuzz_replay_approval_SOURCES = tests/fuzz/fuzz_approval.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_order
tests_fuzz_replay_order_SOURCES = tests/fuzz/fuzz_order.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_roster
tests_fuzz_replay_roster_SOURCES = tests/fuzz/fuzz_roster.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_transcript
tests_fuzz_replay_transcript_SOURCES = tests/fuzz/fuzz_transcript.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_tlogproof
tests_fuzz_replay_tlogproof_SOURCES = tests/fuzz/fuzz_tlogproof.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_link_device
tests_fuzz_replay_link_device_SOURCES = tests/fuzz/fuzz_link_device.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_link_host
tests_fuzz_replay_link_host_SOURCES = tests/fuzz/fuzz_link_host.c \
	tests/unit/linkline.h \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_share
tests_fuzz_replay_share_SOURCES = tests/fuzz/fuzz_share.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_backup
tests_fuzz_replay_backup_SOURCES = tests/fuzz/fuzz_backup.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_transport
tests_fuzz_replay_transport_SOURCES = tests/fuzz/fuzz_transport.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_sums
tests_fuzz_replay_sums_SOURCES = tests/fuzz/fuzz_sums.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_media
tests_fuzz_replay_media_SOURCES = tests/fuzz/fuzz_media.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_offer
tests_fuzz_replay_offer_SOURCES = tests/fuzz/fuzz_offer.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h
check_PROGRAMS += tests/fuzz/replay_chain
tests_fuzz_replay_chain_SOURCES = tests/fuzz/fuzz_chain.c \
	tests/fuzz/replay_main.c tests/fuzz/fuzz.h

# Programs that scripts use.
check_PROGRAMS += tests/cli/attester tests/cli/evidence tests/cli/keyvalue tests/cli/month tests/cli/people tests/cli/relay tests/cli/scan tests/cli/sql tests/cli/tamper \
	tests/interop/make_bundle \
	tests/interop/make_wrong tests/interop/make_log tests/interop/make_crl \
	tests/interop/tpm2
tests_cli_scan_LDADD = lib/base/libpvbase.a $(CRYPTO_LIBS)
tests_cli_sql_LDADD = $(SQLITE_LIBS)
tests_cli_tamper_SOURCES = tests/cli/tamper.c tests/cli/tamper.h \
	tests/cli/tamper_folder.c tests/cli/tamper_store.c
# Preloaded, so it is made without what sanitizers put into programs.
check_DATA += tests/cli/clock.so
tests/cli/clock.so: tests/cli/clock.c tests/cli/.dirstamp
	$(AM_V_CC)$(CC) $(AM_CPPFLAGS) -O2 -Wall -Wextra -fPIC -shared \
		-o $@ $(srcdir)/tests/cli/clock.c
CLEANFILES += tests/cli/clock.so
check_DATA += tests/cli/die.so
tests/cli/die.so: tests/cli/die.c tests/cli/.dirstamp
	$(AM_V_CC)$(CC) $(AM_CPPFLAGS) -O2 -Wall -Wextra -fPIC -shared \
		-o $@ $(srcdir)/tests/cli/die.c -ldl
CLEANFILES += tests/cli/die.so
check_DATA += tests/cli/failing.so
tests/cli/failing.so: tests/cli/failing.c tests/cli/.dirstamp
	$(AM_V_CC)$(CC) $(AM_CPPFLAGS) -O2 -Wall -Wextra -fPIC -shared \
		-o $@ $(srcdir)/tests/cli/failing.c -ldl
CLEANFILES += tests/cli/failing.so
check_DATA += tests/cli/modes.so
tests/cli/modes.so: tests/cli/modes.c tests/cli/.dirstamp
	$(AM_V_CC)$(CC) $(AM_CPPFLAGS) -O2 -Wall -Wextra -fPIC -shared \
		-o $@ $(srcdir)/tests/cli/modes.c
CLEANFILES += tests/cli/modes.so

# A PKCS#11 module whose calls can be made slow or wrong.
check_DATA += tests/fault/shim.so
tests/fault/shim.so: tests/fault/shim.c
	$(AM_V_CC)$(MKDIR_P) tests/fault && $(CC) $(CPPFLAGS) -D_GNU_SOURCE \
		-DFAULT_MODULE='"$(SOFTHSM_MODULE)"' $(P11KIT_CFLAGS) \
		$(CFLAGS) -shared -fPIC -o $@ $(srcdir)/tests/fault/shim.c -ldl
CLEANFILES += tests/fault/shim.so

CLI_TESTS = \
	tests/cli/actor_removed.sh \
	tests/cli/actors.sh \
	tests/cli/attest_bad.sh tests/cli/attest_enrol.sh \
	tests/cli/attest_dice.sh tests/cli/attest_tpm.sh tests/cli/attest_verify.sh \
	tests/cli/attest_formats.sh \
	tests/cli/approval_race.sh \
	tests/cli/approve.sh \
	tests/cli/approve_bad.sh tests/cli/approve_list.sh \
	tests/cli/approve_screen.sh \
	tests/cli/approve_template.sh \
	tests/cli/anomalies.sh \
	tests/cli/attest_key.sh tests/cli/attest_people.sh \
	tests/cli/audit_show.sh \
	tests/cli/badlog.sh \
	tests/cli/bundle_bad.sh \
	tests/cli/canary.sh \
	tests/cli/certonly.sh \
	tests/cli/ceremony.sh tests/cli/ceremony_approvals.sh \
	tests/cli/ceremony_backup.sh tests/cli/ceremony_backup_kill.sh \
	tests/cli/ceremony_list_medium.sh tests/cli/ceremony_medium.sh \
	tests/cli/ceremony_destroy.sh tests/cli/ceremony_ended.sh tests/cli/ceremony_later_on.sh \
	tests/cli/ceremony_kill.sh tests/cli/ceremony_again.sh tests/cli/ceremony_half_year.sh tests/cli/ceremony_later.sh \
	tests/cli/ceremony_log_keys.sh \
	tests/cli/ceremony_later_kill.sh tests/cli/ceremony_later_backup.sh \
	tests/cli/ceremony_later_ca.sh tests/cli/ceremony_later_roster.sh \
	tests/cli/ceremony_beside.sh tests/cli/ceremony_stops.sh \
	tests/cli/ceremony_revoked.sh \
	tests/cli/ceremony_restore.sh \
	tests/cli/ceremony_room.sh \
	tests/cli/ceremony_rooms.sh tests/cli/ceremony_ruled.sh \
	tests/cli/ceremony_held.sh \
	tests/cli/ceremony_token.sh \
	tests/cli/ceremony_transcript.sh tests/cli/ceremony_tty.sh \
	tests/cli/ceremony_gap.sh tests/cli/ceremony_gap_bad.sh \
	tests/cli/ceremony_gap_kill.sh tests/cli/ceremony_gap_new.sh tests/cli/ceremony_gap_next.sh \
	tests/cli/ceremony_gap_roll.sh \
	tests/cli/ceremony_gap_ruled.sh tests/cli/ceremony_gap_second.sh \
	tests/cli/ceremony_transport.sh \
	tests/cli/ceremony_amiss.sh \
	tests/cli/ceremony_transport_kill.sh tests/cli/ceremony_transport_later.sh \
	tests/cli/ceremony_transport_later_kill.sh \
	tests/cli/checkpoint.sh \
	tests/cli/clock.sh \
	tests/cli/clock_accept.sh \
	tests/cli/covered.sh \
	tests/cli/witness_approval.sh \
	tests/cli/config_guard.sh \
	tests/cli/uncovered.sh \
	tests/cli/clock_witness.sh \
	tests/cli/crl.sh \
	tests/cli/crl_bad.sh tests/cli/crl_days.sh tests/cli/crl_one.sh \
	tests/cli/crl_edited.sh \
	tests/cli/deny.sh \
	tests/cli/dependants.sh \
	tests/cli/drift.sh \
	tests/cli/edited.sh \
	tests/cli/edited_authority.sh \
	tests/cli/event.sh \
	tests/cli/exports.sh \
	tests/cli/export_crl.sh tests/cli/exportlog.sh \
	tests/cli/exportproof.sh \
	tests/cli/fits.sh \
	tests/cli/forged.sh \
	tests/cli/faults.sh \
	tests/cli/firstday.sh \
	tests/cli/governance.sh \
	tests/cli/held.sh \
	tests/cli/init.sh \
	tests/cli/kill.sh \
	tests/cli/large.sh \
	tests/cli/link.sh \
	tests/cli/logkeys.sh \
	tests/cli/lifecycle_bad.sh \
	tests/cli/receipt_failed.sh \
	tests/cli/receipt_lost.sh \
	tests/cli/rollover.sh \
	tests/cli/rollover_root.sh \
	tests/cli/rotate_tokens.sh \
	tests/cli/rotate_ca.sh \
	tests/cli/rotate_keys.sh \
	tests/cli/rotate_parts.sh tests/cli/rotate_pin.sh \
	tests/cli/newer.sh \
	tests/cli/node.sh \
	tests/cli/ocsp.sh tests/cli/ocsp_later.sh \
	tests/cli/officer.sh \
	tests/cli/order.sh \
	tests/cli/order_alone.sh \
	tests/cli/order_day.sh \
	tests/cli/order_edited.sh \
	tests/cli/order_end.sh \
	tests/cli/order_race.sh \
	tests/cli/outputs.sh \
	tests/cli/people_bad.sh \
	tests/cli/places.sh \
	tests/cli/places_race.sh \
	tests/cli/playbook.sh \
	tests/cli/policy_diff.sh \
	tests/cli/profiles.sh \
	tests/cli/publish.sh tests/cli/publish_folder.sh \
	tests/cli/publish_pass.sh \
	tests/cli/quarantine.sh \
	tests/cli/rate.sh \
	tests/cli/reconcile.sh tests/cli/reconcile_rotated.sh tests/cli/release.sh \
	tests/cli/requests.sh \
	tests/cli/resume.sh \
	tests/cli/receipt.sh tests/cli/replace.sh \
	tests/cli/retire.sh tests/cli/retry.sh tests/cli/revoke.sh \
	tests/cli/revoke_ca.sh \
	tests/cli/acts.sh tests/cli/raised.sh tests/cli/raised_race.sh tests/cli/revoke_edited.sh tests/cli/revoke_people.sh \
	tests/cli/revoke_publish.sh tests/cli/rotate.sh \
	tests/cli/rotate_fields.sh \
	tests/cli/successor.sh \
	tests/cli/rotate_due.sh tests/cli/rotate_kdf.sh tests/cli/rotate_kill.sh \
	tests/cli/sealed_once.sh \
	tests/cli/secret.sh \
	tests/cli/secret_token.sh \
	tests/cli/staged.sh tests/cli/stages.sh \
	tests/cli/station.sh tests/cli/stranger_key.sh \
	tests/cli/tamper.sh \
	tests/cli/thread.sh \
	tests/cli/witness.sh \
	tests/cli/words.sh
SCRIPT_TESTS = \
	tests/lint.sh \
	tests/lint_test.sh \
	tests/wired.sh \
	tests/invalid.sh \
	tests/units.sh \
	tests/man.sh \
	tests/device_tables.sh \
	tests/firmware/qemu.sh \
	tests/freestanding.sh \
	tests/fuzz/replay.sh \
	tests/interop/schema.sh \
	tests/interop/bundles.sh \
	tests/interop/ceremony_chain.sh \
	tests/interop/crl.sh \
	tests/interop/log.sh \
	tests/interop/swtpm.sh \
	tests/vectors.sh

TESTS += $(UNIT_TESTS) $(SCRIPT_TESTS) $(CLI_TESTS)
# The table is complete when those that fill it are done.
tests/vectors.log: $(UNIT_TESTS:=.log)

EXTRA_DIST += tests/firmware/build.sh tests/firmware/identity.sh \
	tests/firmware/mbedtls.sh tests/coverage_receiver.sh
EXTRA_DIST += $(SCRIPT_TESTS) $(CLI_TESTS) \
	tests/fault/shim.c \
	tests/fuzz/corpora.sh \
	tests/fuzz/fuzz.sh \
	tests/bind_plan.sh \
	tests/flip.sh \
	tests/gap.sh tests/gap_kills.sh tests/later.sh tests/transport.sh \
	tests/keepers.sh \
	tests/transcript.sh \
	tests/kills.sh \
	tests/lib.sh \
	tests/chains.sh \
	tests/attest.sh \
	tests/people.sh \
	tests/secrets.sh \
	tests/tokens.sh \
	tests/setup.sh \
	tests/count.sh \
	tests/clean-root.sh \
	tests/cli/room.exp \
	tests/cli/clock.c \
	tests/cli/die.c tests/cli/failing.c \
	tests/cli/modes.c \
	tests/lint.awk \
	tests/lint.allow \
	tests/unit/valgrind.supp \
	tests/data \
	tests/invalid \
	tests/demo/contents.jq \
	tests/demo/receipt.sh \
	tests/demo/staged.sh \
	tests/interop/bundle_parse.mjs \
	tests/interop/bundle_reader.mjs \
	tests/interop/cbor_strict.mjs \
	tests/interop/open_bundle.mjs \
	tests/interop/package-lock.json \
	tests/interop/pages.sh \
	tests/interop/package.json \
	tests/interop/schema.mjs \
	tests/interop/verify_checkpoint.mjs \
	tests/interop/verify_chain.go \
	tests/interop/verify_crl.go \
	tests/interop/verify_log.go tests/interop/verify_note.go \
	tests/interop/verify_proof.mjs

.PHONY: check-kill check-kill-ceremony check-kill-rotate check-pages check-races check-valgrind check-sanitizers \
	clean-root coverage-receiver fuzz fuzz-target
# 30 seeded moments of SIGKILL instead of a few.
check-kill: cmd/provctl$(EXEEXT) cmd/provdev/provdev$(EXEEXT)
	@srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' KILLS=30 \
	PROVCTL='$(abs_builddir)/cmd/provctl$(EXEEXT)' \
	PROVDEV='$(abs_builddir)/cmd/provdev/provdev$(EXEEXT)' \
	$(SHELL) $(srcdir)/tests/cli/kill.sh

# Ceremonies of every kind killed at each sync, rename and call to the token.
check-kill-ceremony: cmd/provctl$(EXEEXT) cmd/provdev/provdev$(EXEEXT) \
		tests/cli/die.so tests/fault/shim.so
	@for t in $(srcdir)/tests/cli/ceremony*_kill.sh; do \
		srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' KILL_STEP=1 \
		PROVCTL='$(abs_builddir)/cmd/provctl$(EXEEXT)' \
		PROVDEV='$(abs_builddir)/cmd/provdev/provdev$(EXEEXT)' \
		$(SHELL) "$$t" || exit 1; \
	done

# The printed pages of ceremonies, in Chromium; PAGES=DIR keeps them.
check-pages: cmd/provctl$(EXEEXT) cmd/provdev/provdev$(EXEEXT)
	@srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' PAGES='$(PAGES)' \
	PROVCTL='$(abs_builddir)/cmd/provctl$(EXEEXT)' \
	PROVDEV='$(abs_builddir)/cmd/provdev/provdev$(EXEEXT)' \
	$(SHELL) $(srcdir)/tests/interop/pages.sh

# 100 of them in rotations of 500 devices.
check-kill-rotate: cmd/provctl$(EXEEXT) cmd/provdev/provdev$(EXEEXT) \
		tests/cli/sql$(EXEEXT) tests/cli/clock.so
	@srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' KILLS=100 \
	DEVICES=500 PROVCTL='$(abs_builddir)/cmd/provctl$(EXEEXT)' \
	PROVDEV='$(abs_builddir)/cmd/provdev/provdev$(EXEEXT)' \
	$(SHELL) $(srcdir)/tests/cli/rotate_kill.sh

# Rounds of 8 processes for the last ten of an order, and for one approval.
RACE_ROUNDS = 200
check-races: cmd/provctl$(EXEEXT) cmd/provdev/provdev$(EXEEXT) \
		tests/cli/sql$(EXEEXT)
	@for race in order_race approval_race; do \
		srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' ROUNDS=$(RACE_ROUNDS) \
		PROVCTL='$(abs_builddir)/cmd/provctl$(EXEEXT)' \
		PROVDEV='$(abs_builddir)/cmd/provdev/provdev$(EXEEXT)' \
		$(SHELL) $(srcdir)/tests/cli/$$race.sh || exit 1; \
	done

# Every unit test under valgrind: what one fork of it leaks or misreads fails it.
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full \
	--show-leak-kinds=definite,indirect \
	--errors-for-leak-kinds=definite,indirect \
	--suppressions=$(abs_srcdir)/tests/unit/valgrind.supp
check-valgrind:
	$(MAKE) check TESTS='$(UNIT_TESTS)' LOG_COMPILER='$(VALGRIND)' \
		CK_TIMEOUT_MULTIPLIER=30

# All of `make check' in a build of its own, with ASan and UBSan.
check-sanitizers:
	$(MKDIR_P) sanitizers
	cd sanitizers && $(abs_srcdir)/configure -q --enable-werror \
		--enable-sanitizers $(SANITIZERS_CONFIGURE)
	$(MAKE) -C sanitizers check CK_TIMEOUT_MULTIPLIER=10

# Branches of the receiver that its tests and its corpus take.
RECEIVER_TESTS = $(filter tests/unit/check_device%,$(UNIT_TESTS))
coverage-receiver:
	$(MKDIR_P) coverage
	cd coverage && $(abs_srcdir)/configure -q CC='$(CC)' \
		CFLAGS='-g -O0 --coverage'
	$(MAKE) -s -C coverage $(RECEIVER_TESTS) tests/fuzz/replay_device
	srcdir='$(abs_srcdir)' \
		$(SHELL) '$(srcdir)/tests/coverage_receiver.sh' coverage

# make fuzz FUZZ=cbor TIME=60: libFuzzer on tests/fuzz/fuzz_cbor.c in a build of
# its own with clang, ASan and UBSan; fuzzing/corpus/cbor has what it found.
# libFuzzer is no dependency of anything else, so it is asked for here alone.
TIME = 60
FUZZ_CC = clang
FUZZ_PROBE = int LLVMFuzzerTestOneInput(const char *p, unsigned long n); \
	int LLVMFuzzerTestOneInput(const char *p, unsigned long n) \
	{ return p && !n; }
fuzz:
	@test -n '$(FUZZ)' && test -f '$(srcdir)/tests/fuzz/fuzz_$(FUZZ).c' || { \
		echo "usage: make fuzz FUZZ=TARGET [TIME=SECONDS]; targets:" \
			$$(cd $(srcdir)/tests/fuzz && ls fuzz_*.c | \
				sed 's/^fuzz_//; s/\.c$$//') >&2; exit 2; }
	@$(MKDIR_P) fuzzing
	@echo '$(FUZZ_PROBE)' | $(FUZZ_CC) \
		-fsanitize=fuzzer,address,undefined -x c - \
		-o fuzzing/probe 2>fuzzing/probe.log || { \
		cat fuzzing/probe.log; \
		echo "make fuzz: $(FUZZ_CC) cannot link libFuzzer: install" \
			"clang and libclang-rt-14-dev (apt-get install" \
			"clang libclang-rt-14-dev)" >&2; exit 2; }
	test -f fuzzing/config.status || { cd fuzzing && \
		$(abs_srcdir)/configure -q --enable-sanitizers \
		CC='$(FUZZ_CC)' CFLAGS='-g -O1 -fsanitize=fuzzer-no-link' \
		$(SANITIZERS_CONFIGURE); }
	$(MAKE) -C fuzzing fuzz-target FUZZ='$(FUZZ)'
	srcdir='$(abs_srcdir)' builddir='$(abs_builddir)/fuzzing' \
		$(SHELL) '$(srcdir)/tests/fuzz/fuzz.sh' '$(FUZZ)' '$(TIME)'

# In the build for it: the objects of the target's replay, another main.
fuzz-target: tests/fuzz/replay_$(FUZZ)$(EXEEXT)
	$(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
		-fsanitize=fuzzer `echo '$(tests_fuzz_replay_$(FUZZ)_OBJECTS)' | \
			sed 's|tests/fuzz/replay_main[^ ]*||'` \
		$(UNIT_LIBS) $(LIBS) -o tests/fuzz/fuzz_$(FUZZ)

# A fresh Debian 12 root with none of the packages: ./demo twice and ./check.
clean-root:
	@$(SHELL) $(srcdir)/tests/clean-root.sh

include tests/bench/local.mk

clean-local: clean-tests
.PHONY: clean-tests
clean-tests:
	rm -rf tests/vectors fuzzing
