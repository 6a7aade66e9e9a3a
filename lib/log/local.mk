noinst_LIBRARIES += lib/log/libpvlog.a
lib_log_libpvlog_a_SOURCES = \
	lib/log/transcript.c lib/log/transcript.h lib/log/transcript_read.c \
	lib/log/ceremony.c lib/log/ceremony.h \
	lib/log/checkpoint.c lib/log/checkpoint.h \
	lib/log/cosign.c lib/log/cosign.h \
	lib/log/entry.c lib/log/entry.h \
	lib/log/events.c lib/log/events.h \
	lib/log/attest.c lib/log/attest.h \
	lib/log/acts.c lib/log/acts.h lib/log/claim.c lib/log/claim.h \
	lib/log/factory.c lib/log/factory.h \
	lib/log/govern.c lib/log/govern.h \
	lib/log/lifecycle.c lib/log/lifecycle.h \
	lib/log/lines.c lib/log/lines.h \
	lib/log/tree.c lib/log/tree.h \
	lib/log/proof.c lib/log/proof.h \
	lib/log/tile.c lib/log/tile.h \
	lib/log/tilefiles.c lib/log/tilefiles.h \
	lib/log/tilereader.c lib/log/tilereader.h \
	lib/log/tilewriter.c lib/log/tilewriter.h \
	lib/log/tlogproof.c lib/log/tlogproof.h \
	lib/log/witness.c lib/log/witness.h
