/*
 * Any bytes as a file of KEKs: a record that is found is the device's, a whole
 * one, and stands in the bytes as it was given out.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "cmd/provdev/kek.h"
#include "tests/fuzz/fuzz.h"

#define ID "S0000000001"

static void check_found(const struct secret *found, const uint8_t *data,
			size_t len)
{
	struct kek_record rec;

	FUZZ_CHECK(kek_parse(&rec, found->data, found->len));
	FUZZ_CHECK(kek_is_for(&rec, ID));
	FUZZ_CHECK(rec.device.len == strlen(ID) &&
		   memcmp(rec.device.p, ID, strlen(ID)) == 0);
	FUZZ_CHECK(rec.kek.len == KEK_KEY_LEN && rec.auth.len == KEK_KEY_LEN &&
		   rec.receipt.len == KEK_KEY_LEN);
	FUZZ_CHECK(memmem(data, len, found->data, found->len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("keks", MFD_CLOEXEC);
	SECRET found = SECRET_INIT;
	struct kek_record rec;
	struct err err;

	FUZZ_SECRETS();
	(void)!kek_parse(&rec, data, len);
	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(len == 0 || write(fd, data, len) == (ssize_t)len);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	err_init(&err);
	if (kek_find(fd, ID, &found, &err) == PV_OK)
		check_found(&found, data, len);
	else
		FUZZ_CHECK(err.code == PV_INPUT || err.code == PV_NOT_FOUND);
	close(fd);
	return 0;
}
