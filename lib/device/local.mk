# The receiver: freestanding C99. Only crypto_openssl is a host's business;
# crypto_mbedtls is for firmware and, here, for tests.
noinst_LIBRARIES += lib/device/libpvdevice.a
lib_device_libpvdevice_a_SOURCES = \
	lib/device/result.c lib/device/result.h lib/device/port.h \
	lib/device/impl.h lib/device/util.c \
	lib/device/device.c lib/device/device.h \
	lib/device/descriptor.c lib/device/batch.c lib/device/binding.c \
	lib/device/manifest.c lib/device/keys.c lib/device/hpke.c \
	lib/device/segment.c \
	lib/device/receipt.c lib/device/receipt.h \
	lib/device/container.c lib/device/container.h \
	lib/device/link.c lib/device/link.h \
	lib/device/content.c lib/device/content.h \
	lib/device/crypto_openssl.c lib/device/crypto_openssl.h

check_LIBRARIES += lib/device/libpvdevmbed.a
lib_device_libpvdevmbed_a_SOURCES = \
	lib/device/crypto_mbedtls.c lib/device/crypto_mbedtls.h
