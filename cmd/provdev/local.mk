# The simulated device: for tests and the demo, never installed.
noinst_PROGRAMS += cmd/provdev/provdev
cmd_provdev_provdev_SOURCES = \
	cmd/provdev/main.c cmd/provdev/provdev.h \
	cmd/provdev/keys.c cmd/provdev/keys.h \
	cmd/provdev/keygen.c \
	cmd/provdev/program.c cmd/provdev/program.h \
	cmd/provdev/kek.c cmd/provdev/kek.h \
	cmd/provdev/home.c cmd/provdev/home.h \
	cmd/provdev/state.c cmd/provdev/state.h \
	cmd/provdev/store.c cmd/provdev/store.h \
	cmd/provdev/tree.c cmd/provdev/tree.h \
	cmd/provdev/open.c \
	cmd/provdev/receive.c cmd/provdev/receive.h \
	cmd/provdev/link.c \
	cmd/provdev/linkstage.c cmd/provdev/linkstage.h \
	cmd/provdev/attest.c cmd/provdev/attest.h \
	cmd/provdev/attest_psa.c cmd/provdev/attest_dice.c \
	cmd/provdev/attest_key.c \
	cmd/provdev/json_cbor.c cmd/provdev/json_cbor.h \
	cmd/provdev/configs.c cmd/provdev/configs.h \
	cmd/provdev/show.c
cmd_provdev_provdev_LDADD = lib/device/libpvdevice.a lib/base/libpvbase.a \
	$(JANSSON_LIBS) $(CRYPTO_LIBS) -lm
