noinst_LIBRARIES += lib/store/libpvstore.a
lib_store_libpvstore_a_SOURCES = \
	lib/store/store.c lib/store/store.h lib/store/store_ops.h \
	lib/store/store_types.h lib/store/store_device.h \
	lib/store/store_log.h lib/store/store_checkpoint.h \
	lib/store/store_people.h lib/store/store_people_types.h \
	lib/store/store_order.h lib/store/store_held.h \
	lib/store/store_secret.h lib/store/store_lifecycle_types.h \
	lib/store/store_history.h lib/store/store_revoke.h \
	lib/store/store_crl.h lib/store/store_renew.h \
	lib/store/store_attest.h lib/store/store_attest_types.h \
	lib/store/store_evidence.h \
	lib/store/sqlite_attest.h lib/store/sqlite_attest.c \
	lib/store/sqlite_evidence.c \
	lib/store/sql.c lib/store/sql.h \
	lib/store/filecheck.c lib/store/filecheck.h \
	lib/store/sealed.c lib/store/sealed.h \
	lib/store/keys.c lib/store/keys.h \
	lib/store/tally.c lib/store/tally.h \
	lib/store/sqlite.h lib/store/sqlite_impl.h lib/store/sqlite_ops.h \
	lib/store/sqlite_open.c lib/store/sqlite_create.c \
	lib/store/sqlite_schema.c lib/store/sqlite_sealed.c \
	lib/store/sqlite_query.c lib/store/sqlite_txn.c \
	lib/store/sqlite_name.c lib/store/sqlite_template.c \
	lib/store/sqlite_device.c lib/store/sqlite_result.c \
	lib/store/sqlite_row.c lib/store/sqlite_find.c \
	lib/store/sqlite_count.c lib/store/sqlite_log.c \
	lib/store/sqlite_check.c lib/store/sqlite_checkpoint.c lib/store/sqlite_recount.c \
	lib/store/sqlite_wal.c lib/store/sqlite_lifecycle.h \
	lib/store/sqlite_ca.c lib/store/sqlite_renewal.c \
	lib/store/sqlite_revoke.c lib/store/sqlite_crl.c \
	lib/store/sqlite_retire.c lib/store/sqlite_renew.c \
	lib/store/sqlite_govern.c lib/store/sqlite_people.c \
	lib/store/sqlite_digest.c \
	lib/store/sqlite_people.h lib/store/sqlite_order.c \
	lib/store/sqlite_held.c lib/store/sqlite_secret.c
