#include "lib/flow/ceremonyfolder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/note.h"
#include "lib/base/sha256.h"
#include "lib/flow/authority_json.h"

void ceremony_folder(const struct plan *plan, char name[CEREMONY_NAME_MAX])
{
	snprintf(name, CEREMONY_NAME_MAX, CEREMONY_FOLDER "/%s-%u", plan->name,
		 plan->version);
}

enum pv_code ceremony_folder_open(int home_fd, const struct plan *plan, int *fd,
				  struct err *err)
{
	char name[CEREMONY_NAME_MAX];
	enum pv_code rc;

	ceremony_folder(plan, name);
	rc = dir_open(home_fd, name, fd, err);
	if (rc == PV_OK && flock(*fd, LOCK_EX | LOCK_NB) != 0)
		rc = err_fail(err, PV_CONFLICT, "ceremony.busy",
			      "wait until that run has ended",
			      "another run has this ceremony");
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

enum pv_code ceremony_folder_same(int fd, struct span text, const char *path,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf there;
	enum pv_code rc;

	buf_init(&there, PLAN_SIZE_MAX);
	rc = file_read(fd, CEREMONY_PLAN_FILE, FILEIO_NOFOLLOW | FILEIO_PRIVATE,
		       &there, err);
	if (rc != PV_OK || span_equal(buf_span(&there), text))
		return rc;
	err_object(err, path);
	return err_fail(err, PV_DENIED, "ceremony.other",
			"give the plan that it began with: it lies in the "
			"ceremony's folder",
			"the ceremony of that name and version was begun with "
			"another plan");
}

enum pv_code ceremony_folder_home(int fd, char hex[65], struct err *err)
{
	CLEANUP(buf_release) struct buf home;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&home, AUTHORITY_JSON_MAX);
	rc = file_read(fd, CEREMONY_HOME_FILE, FILEIO_NOFOLLOW | FILEIO_PRIVATE,
		       &home, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&home), hash, err);
	if (rc == PV_OK)
		hex_encode(hash, sizeof(hash), hex);
	return rc;
}

static enum pv_code put(int fd, const char *file, struct span bytes,
			struct file_group *g, struct err *err)
{
	return bytes.len == 0 ? PV_OK
			      : file_group_add(g, fd, file, 0600, bytes.p,
					       bytes.len, err);
}

enum pv_code ceremony_folder_keep(int fd, const struct ceremony_kept *k,
				  struct file_group *g, struct err *err)
{
	char hex[2 * sizeof(k->rehearsed->sha256) + 1] = "";
	enum pv_code rc = put(fd, CEREMONY_ROSTER_FILE, k->roster, g, err);

	if (k->rehearsed)
		hex_encode(k->rehearsed->sha256, sizeof(k->rehearsed->sha256),
			   hex);
	if (rc == PV_OK)
		rc = put(fd, CEREMONY_APPROVALS_FILE, k->approvals, g, err);
	if (rc == PV_OK)
		rc = put(fd, CEREMONY_NEXT_ROSTER_FILE, k->next, g, err);
	if (rc == PV_OK)
		rc = put(fd, CEREMONY_APPROVED_FILE, k->approved, g, err);
	if (rc == PV_OK)
		rc = put(fd, CEREMONY_REHEARSED_FILE,
			 (struct span){ (const uint8_t *)hex, strlen(hex) }, g,
			 err);
	return rc == PV_OK ? put(fd, CEREMONY_PLAN_FILE, k->plan, g, err) : rc;
}

enum pv_code ceremony_folder_take_rehearsed(int fd,
					    struct transcript_head *head,
					    struct err *err)
{
	CLEANUP(buf_release) struct buf hex;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&hex, 2 * sizeof(head->sha256));
	rc = file_read(fd, CEREMONY_REHEARSED_FILE,
		       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &hex, &why);
	memset(head, 0, sizeof(*head));
	if (rc == PV_OK && buf_cstr(&hex) &&
	    hex.len == 2 * sizeof(head->sha256) &&
	    hex_decode(buf_cstr(&hex), head->sha256, sizeof(head->sha256)))
		return PV_OK;
	if (rc != PV_OK && rc != PV_NOT_FOUND && rc != PV_INPUT) {
		*err = why;
		return rc;
	}
	return err_fail(err, PV_DENIED, "plan.rehearsed",
			"begin it with `provctl ceremony run', in another "
			"folder",
			"the ceremony's folder says of no rehearsal");
}

bool ceremony_folder_ended(int fd)
{
	return faccessat(fd, TRANSCRIPT_NOTE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

/* ---- how far it came ---- */

static enum pv_code take_step(void *ctx, const struct transcript_line *line,
			      struct err *err)
{
	uint32_t *reached = ctx;

	(void)err;
	if (strcmp(line->event, "step") == 0 && line->step > *reached)
		*reached = line->step;
	return PV_OK;
}

enum pv_code ceremony_folder_reached(int fd, uint32_t *reached, struct err *err)
{
	const struct transcript_sink sink = { take_step, reached };
	CLEANUP(buf_release) struct buf lines;
	struct transcript_head head;
	struct err why;
	enum pv_code rc;

	*reached = 0;
	err_init(&why);
	buf_init(&lines, TRANSCRIPT_SIZE_MAX);
	rc = file_read(fd, TRANSCRIPT_FILE, FILEIO_NOFOLLOW, &lines, &why);
	/* A run may have been stopped before its first line. */
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	/* What a crash has cut short is no line. */
	while (lines.len > 0 && lines.data[lines.len - 1] != '\n')
		lines.len--;
	return transcript_read(buf_span(&lines), &sink, &head, err);
}

enum pv_code ceremony_folder_read(int fd, struct buf *lines, struct buf *note,
				  struct err *err)
{
	enum pv_code rc;

	buf_init(lines, TRANSCRIPT_SIZE_MAX);
	buf_init(note, NOTE_SIZE_MAX);
	rc = file_read(fd, TRANSCRIPT_FILE, FILEIO_NOFOLLOW, lines, err);
	return rc == PV_OK ? file_read(fd, TRANSCRIPT_NOTE_FILE,
				       FILEIO_NOFOLLOW, note, err)
			   : rc;
}
