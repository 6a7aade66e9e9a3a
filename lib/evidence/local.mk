noinst_LIBRARIES += lib/evidence/libpvevidence.a
lib_evidence_libpvevidence_a_SOURCES = \
	lib/evidence/chain.c lib/evidence/chain.h \
	lib/evidence/claimed.c lib/evidence/claimed.h \
	lib/evidence/dice.c \
	lib/evidence/eat.c lib/evidence/eat_cose.c lib/evidence/eat.h \
	lib/evidence/evidence.c lib/evidence/evidence.h \
	lib/evidence/evidence_impl.h \
	lib/evidence/makecred.c lib/evidence/ek.c lib/evidence/makecred.h \
	lib/evidence/psa.c lib/evidence/psa_claims.c lib/evidence/psa_claims.h \
	lib/evidence/tcbinfo.c lib/evidence/tcbinfo.h \
	lib/evidence/tpm2.c lib/evidence/tpm2_ak.c lib/evidence/tpm2_ak.h \
	lib/evidence/yubihsm.c lib/evidence/yubihsm.h
