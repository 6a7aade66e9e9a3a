noinst_LIBRARIES += lib/base/libpvbase.a
lib_base_libpvbase_a_SOURCES = lib/hsm.h \
	lib/base/err.c lib/base/err.h lib/base/cleanup.h \
	lib/base/mem.c lib/base/mem.h \
	lib/base/secret.c lib/base/secret.h \
	lib/base/buf.c lib/base/buf.h \
	lib/base/base64.c lib/base/base64.h \
	lib/base/fileio.c lib/base/filegroup.c lib/base/fileio.h \
	lib/base/filesweep.h \
	lib/base/pem.c lib/base/pem.h \
	lib/base/sha256.c lib/base/sha256.h \
	lib/base/text.c lib/base/text.h \
	lib/base/json.c lib/base/json.h \
	lib/base/cbor.c lib/base/cbor_read.c lib/base/cbor_write.c \
	lib/base/cbor_float.c lib/base/cbor_impl.h lib/base/cbor_read.h \
	lib/base/cbor.h \
	lib/base/cbor_mem.h \
	lib/base/cose.c lib/base/cose.h \
	lib/base/cobs.c lib/base/cobs.h \
	lib/base/lineio.c lib/base/lineio.h \
	lib/base/linkframe.c lib/base/linkframe.h \
	lib/base/note.c lib/base/notekey.c lib/base/note.h \
	lib/base/notechars.c lib/base/notechars.h \
	lib/base/p256.c lib/base/p256.h \
	lib/base/pvtime.c lib/base/pvtime.h
