# The coordinators. One device's way: request approved prepared issued bundled.
noinst_LIBRARIES += lib/flow/libpvflow.a
lib_flow_libpvflow_a_SOURCES = \
	lib/flow/actor.c lib/flow/actor.h \
	lib/flow/acts.c lib/flow/acts.h lib/flow/acts_impl.h \
	lib/flow/acts_store.c lib/flow/acts_text.c \
	lib/flow/anomalies.c lib/flow/anomalies.h lib/flow/anomaly_bundles.c \
	lib/flow/anomaly_count.c lib/flow/anomaly_impl.h \
	lib/flow/anomaly_watch.c lib/flow/anomaly_watch.h \
	lib/flow/adopt.c lib/flow/adopt.h lib/flow/anchors.c lib/flow/anchors.h lib/flow/answer.c \
	lib/flow/answer.h \
	lib/flow/approve.c lib/flow/approve.h \
	lib/flow/approvals.c lib/flow/approvals.h lib/flow/approvals_impl.h \
	lib/flow/approvals_fresh.c lib/flow/approvals_request.c \
	lib/flow/approvals_use.c \
	lib/flow/approved.c lib/flow/approved.h \
	lib/flow/audit.c lib/flow/audit.h lib/flow/audit_actors.c \
	lib/flow/audit_actors.h lib/flow/audit_authority.c \
	lib/flow/audit_bundles.c lib/flow/audit_devices.c \
	lib/flow/audit_crl.c lib/flow/audit_crl.h \
	lib/flow/audit_impl.h lib/flow/audit_line.c lib/flow/audit_line.h \
	lib/flow/audit_show.c lib/flow/audit_show.h \
	lib/flow/audit_stations.c lib/flow/audit_stations.h \
	lib/flow/audit_story.c lib/flow/audit_story.h \
	lib/flow/audit_ending.c lib/flow/audit_ends.c lib/flow/audit_entries.c lib/flow/audit_entries_ends.c \
	lib/flow/audit_entries_keys.c lib/flow/audit_entries_ends.h lib/flow/audit_entries.h \
	lib/flow/audit_extra.c lib/flow/audit_extra.h \
	lib/flow/audit_log.c lib/flow/audit_orders.c lib/flow/audit_people.c \
	lib/flow/audit_points.c \
	lib/flow/audit_points.h lib/flow/audit_tiles.c \
	lib/flow/audit_tiles.h lib/flow/authority.c lib/flow/authority.h \
	lib/flow/authority_json.c lib/flow/authority_json.h \
	lib/flow/authority_module.c \
	lib/flow/backends.h lib/flow/bundled.c lib/flow/bundled.h \
	lib/flow/cacert.c lib/flow/cacert.h lib/flow/cachain.c \
	lib/flow/cachain.h lib/flow/camake.c lib/flow/camake.h \
	lib/flow/caimport.c lib/flow/caimport.h \
	lib/flow/calist.c lib/flow/calist_log.c lib/flow/calist.h \
	lib/flow/publishothers.c lib/flow/publishothers.h \
	lib/flow/keydestroy.c lib/flow/keydestroy.h \
	lib/flow/ceremonyfolder.c \
	lib/flow/ceremonyfolder.h \
	lib/flow/certtext.c lib/flow/certtext.h \
	lib/flow/checkpoint.c lib/flow/checkpoint.h \
	lib/flow/checkpoint_keep.c lib/flow/checkpoint_keys.c lib/flow/checkpoint_keys.h \
	lib/flow/checkpoint_sign.c lib/flow/checkpoint_sign.h \
	lib/flow/clockaccept.c lib/flow/clockaccept.h lib/flow/contents.c \
	lib/flow/contents.h lib/flow/context.c lib/flow/context.h lib/flow/context_impl.h lib/flow/context_keys.c \
	lib/flow/cosigned.c lib/flow/cosigned.h \
	lib/flow/cosigned_take.c \
	lib/flow/csvtable.c lib/flow/csvtable.h \
	lib/flow/crlcollect.c lib/flow/crlcollect.h \
	lib/flow/crlissuer.c lib/flow/crlissuer.h lib/flow/crlmake.c \
	lib/flow/crlmake.h lib/flow/crlplaces.c lib/flow/crlplaces.h \
	lib/flow/crlrecord.c lib/flow/crlrecord.h \
	lib/flow/crlrow.c lib/flow/crlrow.h \
	lib/flow/crlstatus.c lib/flow/crlstatus.h \
	lib/flow/crlword.c lib/flow/crlword.h \
	lib/flow/crltail.c lib/flow/crltail.h \
	lib/flow/covered.c lib/flow/covered.h \
	lib/flow/crew.c lib/flow/crew.h lib/flow/datakey.c \
	lib/flow/datakey.h lib/flow/drift.c lib/flow/drift.h lib/flow/due.c lib/flow/due.h \
	lib/flow/decision.c lib/flow/decision.h \
	lib/flow/escrowcerts.c lib/flow/escrowcerts.h lib/flow/event.c lib/flow/event.h \
	lib/flow/factoryevent.c lib/flow/factoryevent.h \
	lib/flow/governance.c lib/flow/governance.h \
	lib/flow/governance_file.c lib/flow/governance_file.h \
	lib/flow/governance_held.c lib/flow/governance_rows.c \
	lib/flow/governance_walk.c \
	lib/flow/export.c lib/flow/export.h lib/flow/export_kek.c \
	lib/flow/exportchain.c lib/flow/exportchain.h \
	lib/flow/exportcrl.c lib/flow/exportcrl.h \
	lib/flow/exportlog.c lib/flow/exportlog.h \
	lib/flow/exportproof.c lib/flow/exportproof.h \
	lib/flow/dependants.c lib/flow/dependants.h \
	lib/flow/dependants_impl.h lib/flow/dependants_list.c \
	lib/flow/hostlookup.c lib/flow/hostlookup.h \
	lib/flow/httpget.c lib/flow/httpget.h \
	lib/flow/hostkey.c lib/flow/hostkey.h lib/flow/kept.c lib/flow/kept.h \
	lib/flow/judge.c lib/flow/judge.h lib/flow/pairing.c lib/flow/pairing.h \
	lib/flow/raised.c lib/flow/raised.h lib/flow/raised_acts.c \
	lib/flow/secrets_gate.c lib/flow/secrets_impl.h \
	lib/flow/secretsalt.c lib/flow/secretsalt.h \
	lib/flow/stationclaim.c lib/flow/stationclaim.h \
	lib/flow/subject.c lib/flow/subject.h \
	lib/flow/subject_acts.c lib/flow/subject_acts.h \
	lib/flow/subject_plan.c lib/flow/subject_plan.h \
	lib/flow/idset.c lib/flow/idset.h \
	lib/flow/issue.c lib/flow/issue.h \
	lib/flow/issue_context.c \
	lib/flow/issue_crew.c lib/flow/issue_impl.h \
	lib/flow/issue_start.c lib/flow/ctl.c lib/flow/ctl.h \
	lib/flow/issued.c lib/flow/issued.h lib/flow/issuekey.h lib/flow/kdfof.c lib/flow/kdfof.h \
	lib/flow/keybackup.c lib/flow/keybackup.h \
	lib/flow/keymake.c lib/flow/keymake.h lib/flow/keyrestore.c lib/flow/keyrestore.h lib/flow/keytransport.c lib/flow/keytransport.h lib/flow/logged.c lib/flow/logged_authority.c \
	lib/flow/logged_authority.h lib/flow/logged_state.c \
	lib/flow/linediff.c lib/flow/linediff.h lib/flow/linereport.c lib/flow/linereport.h \
	lib/flow/logged.h lib/flow/numbermap.c lib/flow/numbermap.h lib/flow/manifests.c \
	lib/flow/manifests.h lib/flow/order_results.c \
	lib/flow/order_results.h lib/flow/outcome.c lib/flow/outcome.h \
	lib/flow/ocspcert.c lib/flow/ocspcert.h lib/flow/ocspfiles.c \
	lib/flow/ocspfiles.h lib/flow/ocspfind.c \
	lib/flow/ocspfind.h lib/flow/ocsplink.c lib/flow/ocsplink.h lib/flow/ocspmake.c lib/flow/ocspmake.h \
	lib/flow/officerkey.c lib/flow/officerkey.h \
	lib/flow/officerkey_file.c lib/flow/officerkey_impl.h \
	lib/flow/officers.c lib/flow/officers.h \
	lib/flow/orders.c lib/flow/orders.h \
	lib/flow/orders_ending.c lib/flow/orders_ending.h \
	lib/flow/orders_close.c lib/flow/orders_close.h \
	lib/flow/orders_count.c lib/flow/orders_note.c lib/flow/orders_note.h \
	lib/flow/orders_scan.c lib/flow/orders_scan.h \
	lib/flow/outlock.c lib/flow/outlock.h \
	lib/flow/ownkey.c lib/flow/ownkey.h lib/flow/policydiff.c \
	lib/flow/policydiff.h lib/flow/policydiff_sample.c lib/flow/policytest.c \
	lib/flow/policytest.h lib/flow/policytest_case.c \
	lib/flow/policytest_cert.c lib/flow/policytest_facts.c \
	lib/flow/policytest_impl.h \
	lib/flow/parts.c lib/flow/parts.h lib/flow/people.c lib/flow/people.h \
	lib/flow/prepared.c lib/flow/prepared.h \
	lib/flow/publish.c lib/flow/publish.h lib/flow/publish_hook.c \
	lib/flow/publishaside.c lib/flow/publishaside.h \
	lib/flow/publishdir.c lib/flow/publishdir.h \
	lib/flow/quota.c lib/flow/quota.h \
	lib/flow/receiptlist.c lib/flow/receiptlist.h \
	lib/flow/receipts.c lib/flow/receipts.h \
	lib/flow/release.c lib/flow/release.h \
	lib/flow/released.c lib/flow/released.h \
	lib/flow/renewal.c lib/flow/renewal.h \
	lib/flow/rotate.c lib/flow/rotate.h lib/flow/rotate_due.c \
	lib/flow/rotate_impl.h \
	lib/flow/succession.c lib/flow/succession_open.c lib/flow/succession.h \
	lib/flow/quarantine.c lib/flow/quarantine.h \
	lib/flow/quarantine_device.c lib/flow/quarantine_device.h \
	lib/flow/prepared_impl.h lib/flow/prepared_restore.c \
	lib/flow/prepared_parts.c \
	lib/flow/prepared_row.c lib/flow/reader.c \
	lib/flow/record_checkpoint.c lib/flow/record_checkpoint.h \
	lib/flow/record_context.c lib/flow/record_context.h \
	lib/flow/remanifest.c lib/flow/remanifest.h \
	lib/flow/rotate_ca.c lib/flow/rotate_ca.h lib/flow/rotate_ca_build.c lib/flow/rotate_ca_cross.c \
	lib/flow/rotate_ca_impl.h lib/flow/rotate_ca_keys.c lib/flow/rotate_ca_move.c \
	lib/flow/rotate_key.c lib/flow/rotate_key.h \
	lib/flow/rotate_pin.c lib/flow/rotate_pin.h \
	lib/flow/reader.h lib/flow/reconcile.c lib/flow/reconcile.h \
	lib/flow/reconcile_devices.c lib/flow/reconcile_impl.h \
	lib/flow/reconcile_log.c lib/flow/reconcile_out.c \
	lib/flow/reconcile_report.c lib/flow/reconcile_token.c \
	lib/flow/records.c lib/flow/records.h \
	lib/flow/record_quarantine.h \
	lib/flow/request.c lib/flow/request.h lib/flow/request_body.c \
	lib/flow/request_wire.c \
	lib/flow/namelist.c lib/flow/namelist.h \
	lib/flow/revocation.c lib/flow/revocation.h \
	lib/flow/revoke.c lib/flow/revoke.h lib/flow/revoke_impl.h \
	lib/flow/revoke_retire.c lib/flow/revoke_select.c lib/flow/revoke_sum.c \
	lib/flow/revoke_ca.c lib/flow/revoke_ca.h \
	lib/flow/canewest.c lib/flow/canewest.h \
	lib/flow/castand.c lib/flow/castand.h lib/flow/keystand.c lib/flow/keystand.h \
	lib/flow/heldpath.c lib/flow/heldpath.h lib/flow/publish_hook_open.c \
	lib/flow/camake_again.c lib/flow/rotate_ca_cross.h lib/flow/rotate_ca_import.c lib/flow/rotate_ca_import.h \
	lib/flow/rotate_ca_give.c lib/flow/rotate_key_ended.c lib/flow/rotate_key_impl.h \
	lib/flow/keystand_rows.c lib/flow/keystand_rows.h \
	lib/flow/results.c \
	lib/flow/results.h lib/flow/results_line.c \
	lib/flow/results_line.h lib/flow/serialset.c \
	lib/flow/serialset.h lib/flow/settings.c lib/flow/settings.h \
	lib/flow/settings_accept.c lib/flow/settings_expected.c \
	lib/flow/settings_other.c lib/flow/settings_other.h lib/flow/secrets.c lib/flow/secrets.h \
	lib/flow/stored.c lib/flow/stored.h lib/flow/rows.c lib/flow/rows.h \
	lib/flow/sandbox.c lib/flow/sandbox.h lib/flow/signer.c \
	lib/flow/signer.h lib/flow/signer_answer.c \
	lib/flow/signer_fail.c lib/flow/signer_fail.h \
	lib/flow/signer_finish.c lib/flow/signer_group.c \
	lib/flow/signer_impl.h lib/flow/signer_log.c lib/flow/signer_log.h lib/flow/signer_token.c lib/flow/signer_work.c lib/flow/signing.c \
	lib/flow/signing.h \
	lib/flow/status_crl.c lib/flow/status_crl.h \
	lib/flow/status.c lib/flow/status.h lib/flow/tilefolder.c lib/flow/tilefolder.h \
	lib/flow/attested.c lib/flow/attested.h \
	lib/flow/attestkey.c lib/flow/attestkey.h \
	lib/flow/attestkey_impl.h lib/flow/attestkey_mac.c \
	lib/flow/attestkey_tpm.c lib/flow/attestkey_tpm.h \
	lib/flow/enrolment.c lib/flow/enrolment.h \
	lib/flow/evidencebox.c lib/flow/evidencebox.h \
	lib/flow/box.c lib/flow/box.h lib/flow/box_child.c lib/flow/box_impl.h \
	lib/flow/evidencebox_impl.h lib/flow/evidencebox_offer.c \
	lib/flow/evidencebox_wire.c \
	lib/flow/attestverify.c lib/flow/attestverify.h \
	lib/flow/attestverify_impl.h lib/flow/attestverify_record.c \
	lib/flow/attestverify_whose.c \
	lib/flow/challenge.c lib/flow/challenge.h \
	lib/flow/audit_attest.c \
	lib/flow/trustcerts.c lib/flow/trustcerts.h \
	lib/flow/status_ceremonies.c lib/flow/status_ceremonies.h \
	lib/flow/status_tokens.c lib/flow/status_tokens.h \
	lib/flow/tokenkeys.c lib/flow/tokenkeys.h \
	lib/flow/tokennote.c lib/flow/tokennote.h \
	lib/flow/tokens.c lib/flow/tokens.h lib/flow/tokensign.c \
	lib/flow/tokensign.h \
	lib/flow/wire.c lib/flow/wire.h \
	lib/flow/witness.c lib/flow/witness.h \
	lib/flow/witnesses.c lib/flow/witnesses.h \
	lib/flow/witnesskey.c lib/flow/witnesskey.h \
	lib/flow/workers.c lib/flow/workers.h \
	lib/flow/writer.c lib/flow/writer.h lib/flow/writer_admit.c \
	lib/flow/writer_check.c \
	lib/flow/writer_decide.c \
	lib/flow/writer_impl.h lib/flow/writer_intent.c \
	lib/flow/writer_held.c lib/flow/writer_held.h \
	lib/flow/writer_kdf.c lib/flow/writer_kdf.h lib/flow/writer_kept.c \
	lib/flow/writer_kept.h \
	lib/flow/writer_log.c lib/flow/writer_log.h \
	lib/flow/writer_parts.c lib/flow/writer_parts.h \
	lib/flow/writer_release.c lib/flow/writer_release.h \
	lib/flow/writer_replace.c lib/flow/writer_replace.h \
	lib/flow/writer_result.c
