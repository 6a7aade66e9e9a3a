noinst_LIBRARIES += lib/seal/libpvseal.a
lib_seal_libpvseal_a_SOURCES = \
	lib/seal/atrest.c lib/seal/atrest.h \
	lib/seal/backup.c lib/seal/backup.h \
	lib/seal/transport.c lib/seal/transport.h \
	lib/seal/batch.c lib/seal/batch_open.c lib/seal/batch.h \
	lib/seal/batch_impl.h \
	lib/seal/binding.c lib/seal/bundle.c lib/seal/bundle.h \
	lib/seal/bundle_impl.h lib/seal/segment.c \
	lib/seal/config.c lib/seal/content.c lib/seal/content.h \
	lib/seal/content_impl.h \
	lib/seal/container.c lib/seal/container.h \
	lib/seal/descriptor.c lib/seal/descriptor_parse.c \
	lib/seal/descriptor.h \
	lib/seal/escrow.c lib/seal/escrow_content.c lib/seal/escrow.h \
	lib/seal/gcm.c lib/seal/gcm.h \
	lib/seal/hpke.c lib/seal/hpke_key.c lib/seal/hpke.h \
	lib/seal/hpke_impl.h \
	lib/seal/kdf.c lib/seal/kdf_cmac.c lib/seal/kdf.h \
	lib/seal/link.c lib/seal/link_exchange.c lib/seal/link.h \
	lib/seal/link_impl.h \
	lib/seal/manifest.c lib/seal/manifest_parse.c lib/seal/manifest.h \
	lib/seal/manifest_impl.h \
	lib/seal/ossl.h \
	lib/seal/receipt.c lib/seal/receipt.h \
	lib/seal/recipient.c lib/seal/recipient.h \
	lib/seal/shares.c lib/seal/shares_text.c lib/seal/shares.h \
	lib/seal/sign1.c lib/seal/sign1.h \
	lib/seal/wrap.c lib/seal/wrap.h
