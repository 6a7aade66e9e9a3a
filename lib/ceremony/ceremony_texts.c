/* Printed shares: where it counts, their texts lie on the medium one by one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/filesweep.h"
#include "lib/base/notechars.h"
#include "lib/ceremony/ceremony_backup.h"
#include "lib/ceremony/media.h"

#define ASKED_MAX 3 /* times for one file; then the step ends */

static void close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Also one that was on its way there, whose name goes on behind it. */
static bool is_text(const char *name)
{
	return strstr(name, ".share-") && strstr(name, ".txt");
}

/* As people may see it: whoever had the medium gave it. */
static void take_name(const char *name, char file[NAME_MAX + 1])
{
	notechars_clean(file, NAME_MAX + 1,
			(struct span){ (const uint8_t *)name, strlen(name) });
}

/* One of them, of whichever key and split; "": there is none. */
static enum pv_code find_text(const struct ceremony *c, char file[NAME_MAX + 1],
			      struct err *err)
{
	CLEANUP(close_folder) DIR *d = NULL;
	CLEANUP(fd_cleanup) int fd = -1;
	const struct dirent *entry;
	struct err why;
	enum pv_code rc;

	file[0] = '\0';
	err_init(&why);
	rc = media_open(c->opts->media, c->a->name, &fd, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	/* What a crash left of one on its way there. */
	rc = file_sweep_told(fd, NULL, NULL, err);
	if (rc != PV_OK)
		return rc;
	d = fdopendir(fd);
	if (d)
		(void)TAKE_FD(fd);
	errno = d ? 0 : errno;
	while (d && !file[0] && (entry = readdir(d)) != NULL) {
		if (is_text(entry->d_name))
			take_name(entry->d_name, file);
		errno = 0;
	}
	/* What was not looked at may be one. */
	return errno == 0 ? PV_OK
			  : err_errno(err, PV_STORAGE, "dir.read", NULL,
				      "cannot look into the medium's folder");
}

enum pv_code ceremony_lock_shares(struct ceremony *c, struct err *err)
{
	if (shares_lock_memory())
		return PV_OK;
	return CEREMONY_PUT(c, "unlocked",
			    { "memory", "where shares are made and joined" },
			    { "next", "have no swap on this machine, or raise "
				      "its limit of locked memory" });
}

enum pv_code ceremony_texts_gone(struct ceremony *c, struct err *err)
{
	char file[NAME_MAX + 1], text[NAME_MAX + 128];

	if (ceremony_rehearses(c))
		return PV_OK;
	for (unsigned asked = 0;; asked++) {
		enum pv_code rc = find_text(c, file, err);

		if (rc != PV_OK || !file[0])
			return rc;
		if (asked == ASKED_MAX)
			break;
		snprintf(text, sizeof(text),
			 "Destroy the file %s: it lies on the medium still. "
			 "Done",
			 file);
		rc = ceremony_ask(c, text, err);
		if (rc != PV_OK)
			return rc;
	}
	err_object(err, file);
	return err_fail(err, PV_DENIED, "shares.left",
			"destroy the file, then `provctl ceremony resume'",
			"the text of a printed share lies on the medium");
}
