/* The publish hook's file: opened once, and looked at. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/heldpath.h"
#include "lib/flow/publishdir.h"
#include "lib/flow/settings.h"
#include "lib/log/lines.h"

#define RULE "publish.hook"
#define HASH_LINE "publish_hook_sha256 "
#define CHUNK 4096u

CLEANUP_PTR(struct sha256, sha256_free);

static enum pv_code hash_file(int fd, char hex[2 * SHA256_LEN + 1],
			      struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *h = NULL;
	uint8_t room[CHUNK], hash[SHA256_LEN];
	enum pv_code rc = sha256_new(&h, err);
	off_t at = 0;
	ssize_t n = 1;

	if (rc != PV_OK)
		return rc;
	sha256_begin(h);
	while (n > 0) {
		n = pread(fd, room, sizeof(room), at);
		if (n < 0)
			return err_errno(err, PV_STORAGE, RULE, NULL,
					 "cannot read it");
		sha256_add(h, (struct span){ room, (size_t)n });
		at += n;
	}
	rc = sha256_end(h, hash, err);
	if (rc == PV_OK)
		hex_encode(hash, SHA256_LEN, hex);
	return rc;
}

enum pv_code publish_hook_accepted(struct store *store,
				   char hex[static 2 * SHA256_LEN + 1],
				   struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct span rest, line, value;
	bool found = false;
	enum pv_code rc;

	hex[0] = '\0';
	buf_init(&text, SETTINGS_MAX);
	rc = settings_recorded(store, &text, &found, err);
	rest = buf_span(&text);
	while (rc == PV_OK && found && settings_next(&rest, &line))
		if (lines_after(line, HASH_LINE, &value) &&
		    value.len == 2 * (size_t)SHA256_LEN) {
			memcpy(hex, value.p, value.len);
			hex[value.len] = '\0';
		}
	return rc;
}

static enum pv_code check_bytes(int fd, const char *accepted, struct err *err)
{
	char hex[2 * SHA256_LEN + 1];
	enum pv_code rc = hash_file(fd, hex, err);

	if (rc != PV_OK || strcmp(hex, accepted) == 0)
		return rc;
	return err_fail(err, PV_DENIED, RULE,
			"put it back, or take it as it is: `provctl config "
			"accept'",
			"it is not the command that was accepted");
}

enum pv_code publish_hook_open(const struct authority *a, const char *accepted,
			       int *fd, struct err *err)
{
	struct stat st;
	bool own = false;
	enum pv_code rc;

	if (a->publish_hook[0] != '/')
		return err_fail(err, PV_DENIED, RULE,
				"write its absolute path in provctl.json",
				"publish_hook is no absolute path");
	rc = file_open(AT_FDCWD, a->publish_hook, FILEIO_NOT_WRITABLE_BY_OTHERS,
		       fd, err);
	if (rc == PV_OK && fstat(*fd, &st) != 0)
		rc = err_errno(err, PV_STORAGE, RULE, NULL,
			       "cannot inspect it");
	if (rc == PV_OK && !(st.st_mode & 0111))
		rc = err_fail(err, PV_DENIED, RULE, "make it executable",
			      "it is not executable");
	if (rc == PV_OK)
		rc = heldpath_check(a->publish_hook, RULE, "it", &own, err);
	return rc == PV_OK ? check_bytes(*fd, accepted, err) : rc;
}
