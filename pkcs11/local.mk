noinst_LIBRARIES += pkcs11/libpvpkcs11.a
pkcs11_libpvpkcs11_a_SOURCES = pkcs11/pkcs11.h pkcs11/cryptoki.h \
	pkcs11/attrs.c pkcs11/attrs.h \
	pkcs11/backup.c pkcs11/backup.h \
	pkcs11/certificate.c \
	pkcs11/child.c pkcs11/child.h \
	pkcs11/derive.c pkcs11/derive.h \
	pkcs11/destroy.c pkcs11/destroy.h \
	pkcs11/facts.c pkcs11/facts.h \
	pkcs11/hsm.c \
	pkcs11/keygen.c pkcs11/keygen.h \
	pkcs11/keys.c pkcs11/keys.h \
	pkcs11/life.c pkcs11/life.h \
	pkcs11/list.c pkcs11/list.h \
	pkcs11/lock.c pkcs11/lock.h \
	pkcs11/module.c pkcs11/module.h \
	pkcs11/object.c pkcs11/object.h \
	pkcs11/op.c pkcs11/op.h \
	pkcs11/point.c pkcs11/point.h \
	pkcs11/person.c \
	pkcs11/pool.c pkcs11/pool.h \
	pkcs11/preflight.c \
	pkcs11/publics.c \
	pkcs11/quirks.c pkcs11/quirks.h \
	pkcs11/random.c pkcs11/random.h \
	pkcs11/rv.c pkcs11/rv.h \
	pkcs11/seal.c pkcs11/seal.h \
	pkcs11/session.c pkcs11/session.h \
	pkcs11/setpin.c \
	pkcs11/sign.c pkcs11/sign.h \
	pkcs11/token.c pkcs11/token.h \
	pkcs11/transport.c pkcs11/transport.h \
	pkcs11/uri.c pkcs11/uri.h \
	pkcs11/wrap.c pkcs11/wrap.h
