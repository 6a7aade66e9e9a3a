# Interfaces that belong to no layer, and the order in which layers are linked.
PV_LIBS = lib/ceremony/libpvceremony.a lib/flow/libpvflow.a policy/libpvpolicy.a \
	lib/evidence/libpvevidence.a lib/x509/libpvx509.a \
	lib/seal/libpvseal.a lib/store/libpvstore.a lib/log/libpvlog.a \
	lib/base/libpvbase.a
PV_LIBS_LIBS = $(TSS2_MU_LIBS) $(GFSHARE_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(CRYPTO_LIBS)
