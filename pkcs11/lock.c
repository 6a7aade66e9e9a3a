#include "pkcs11/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lib/base/fileio.h"
#include "pkcs11/child.h"

#define RULE "hsm.lock"
#define WAIT_STEP_MS 5
#define NAME_HASH_LEN 16 /* bytes of SHA-256 in a file name */

/* "module-<hex>.lock": a path may be longer than a file name. */
static enum pv_code name_of(const char *module, char name[64], struct err *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[2 * NAME_HASH_LEN + 1];

	if (EVP_Digest(module, strlen(module), hash, NULL, EVP_sha256(),
		       NULL) != 1)
		return err_fail(err, PV_INTERNAL, RULE, NULL,
				"no name for the module's lock file");
	hex_encode(hash, NAME_HASH_LEN, hex);
	snprintf(name, 64, "module-%s.lock", hex);
	return PV_OK;
}

static enum pv_code folder_open(const char *lock_dir, int *fd, struct err *err)
{
	enum pv_code rc = dir_make(AT_FDCWD, lock_dir, 0700, err);
	struct stat st;

	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, lock_dir, fd, err);
	if (rc != PV_OK)
		return rc;
	if (fstat(*fd, &st) != 0)
		return err_errno(err, PV_STORAGE, RULE, NULL, "%s", lock_dir);
	if (st.st_mode & S_IWOTH)
		return err_fail(err, PV_DENIED, RULE, "chmod o-w the folder",
				"lock folder %s is writable by others",
				lock_dir);
	return PV_OK;
}

/* Tries until the clock has run out: flock itself has no time-out. */
static enum pv_code wait_for(int fd, unsigned timeout_s, struct err *err)
{
	const struct timespec step = { 0, WAIT_STEP_MS * 1000000L };
	unsigned long wait_s =
		P11_LOCK_PATIENCE *
		(unsigned long)(timeout_s ? timeout_s : P11_TIMEOUT_DEFAULT_S);
	unsigned long tries = wait_s * 1000 / WAIT_STEP_MS;

	for (unsigned long i = 0; i <= tries; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return PV_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, PV_STORAGE, RULE, NULL,
					 "the module's lock file");
		nanosleep(&step, NULL);
	}
	return err_fail(err, PV_HSM_TEMP, RULE,
			"another provctl is logging in; run again",
			"the module's lock was busy for %lu s", wait_s);
}

enum pv_code p11_lock_take(struct p11_lock *lock, const char *lock_dir,
			   const char *module, unsigned timeout_s,
			   struct err *err)
{
	CLEANUP(fd_cleanup) int dir = -1;
	CLEANUP(fd_cleanup) int fd = -1;
	char name[64];
	enum pv_code rc;

	if (!lock_dir)
		return PV_OK;
	rc = name_of(module, name, err);
	if (rc == PV_OK)
		rc = folder_open(lock_dir, &dir, err);
	if (rc != PV_OK)
		return rc;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, PV_STORAGE, RULE, NULL, "%s/%s", lock_dir,
				 name);
	rc = wait_for(fd, timeout_s, err);
	if (rc != PV_OK)
		return rc;
	lock->fd = fd;
	fd = -1;
	return PV_OK;
}

void p11_lock_release(struct p11_lock *lock)
{
	if (lock->fd < 0)
		return;
	/* Said aloud: a forked child may still share the description. */
	flock(lock->fd, LOCK_UN);
	close(lock->fd);
	lock->fd = -1;
}
