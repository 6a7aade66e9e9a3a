noinst_LIBRARIES += lib/x509/libpvx509.a
lib_x509_libpvx509_a_SOURCES = lib/x509/profile.h \
	lib/x509/der.c lib/x509/der_write.c lib/x509/der.h \
	lib/x509/oid.c lib/x509/oids.h \
	lib/x509/ctx.c lib/x509/ctx.h \
	lib/x509/keycheck.c lib/x509/keycheck_rsa.c lib/x509/keycheck.h \
	lib/x509/name.c lib/x509/csr_parts.h \
	lib/x509/csr_build.c lib/x509/csr_build.h \
	lib/x509/csr.c lib/x509/csr_verify.c lib/x509/csr_within.c \
	lib/x509/csr.h \
	lib/x509/matter.c lib/x509/matter.h \
	lib/x509/issuer.c lib/x509/issuer.h \
	lib/x509/value.c lib/x509/value.h \
	lib/x509/crl.c lib/x509/crl.h lib/x509/crl_compare.c \
	lib/x509/crl_lint.c lib/x509/crl_read.c lib/x509/crl_read.h \
	lib/x509/ocsp.c lib/x509/ocsp.h lib/x509/ocsp_read.c \
	lib/x509/ocsp_read.h \
	lib/x509/tbs.c lib/x509/tbs_ext.c lib/x509/tbs_impl.h lib/x509/tbs.h \
	lib/x509/tbs_lint.c lib/x509/lint_ext.c lib/x509/lint_impl.h \
	lib/x509/tbs_lint.h \
	lib/x509/keytable.c lib/x509/keytable.h \
	lib/x509/cert.c lib/x509/ecdsa.c lib/x509/cert.h
