#include "cmd/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/notechars.h"

#define NOTE_MAX 4096

static enum pv_code lost(struct err *err)
{
	return err_errno(err, errno == EPIPE ? PV_INTERRUPTED : PV_STORAGE,
			 "output.lost", "run the same command again",
			 "cannot write to standard output");
}

enum pv_code out_json(json_t *value, struct err *err)
{
	/* ASCII: what a terminal obeys is an escape, whoever wrote it. */
	size_t flags = JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII;
	int rc;

	if (!value)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"cannot make the output");
	errno = EIO;
	rc = json_dumpf(value, stdout, flags);
	json_decref(value);
	if (rc != 0 || putchar('\n') == EOF)
		return lost(err);
	return PV_OK;
}

enum pv_code out_bytes(struct span bytes, struct err *err)
{
	if (bytes.len && fwrite(bytes.p, 1, bytes.len, stdout) != bytes.len)
		return lost(err);
	return PV_OK;
}

void out_safe(struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.p[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			putchar(c);
		else
			printf("\\x%02x", c);
	}
}

void out_text(const char *before, const char *text)
{
	fputs(before, stdout);
	out_safe((struct span){ (const uint8_t *)text, strlen(text) });
}

enum pv_code out_flush(struct err *err)
{
	bool failed = ferror(stdout) != 0;

	if (failed)
		errno = EIO;
	if (fflush(stdout) != 0 || failed)
		return lost(err);
	return PV_OK;
}

void out_note(const struct app *app, const char *fmt, ...)
{
	char raw[NOTE_MAX], text[NOTE_MAX];
	struct span s = { (const uint8_t *)raw, 0 };
	va_list ap;

	if (app->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	s.len = strlen(raw);
	notechars_clean(text, sizeof(text), s);
	fprintf(stderr, "%s\n", text);
}

void out_devices(uint64_t devices, uint64_t credentials)
{
	printf("%llu device%s", (unsigned long long)devices, err_s(devices));
	if (credentials != devices)
		printf(", %llu credential%s", (unsigned long long)credentials,
		       err_s(credentials));
}

static void name_verb(const struct app *app, struct err *err)
{
	static const char help[] = "see --help";
	char rest[sizeof(err->hint)];
	char *at = strstr(err->hint, help);

	if (!at)
		return;
	snprintf(rest, sizeof(rest), "%s", at + strlen(help));
	snprintf(at, sizeof(err->hint) - (size_t)(at - err->hint),
		 "see `provctl %s%s--help'%s", app->verb ? app->verb : "",
		 app->verb ? " " : "", rest);
}

static void error_json(const struct err *err)
{
	json_t *o =
		json_pack("{s:{s:i, s:s, s:s, s:s, s:s, s:s}}", "error", "code",
			  (int)err->code, "name", pv_code_name(err->code),
			  "object", err->object, "rule", err->rule, "message",
			  err->message, "hint", err->hint);

	if (o && json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0)
		putchar('\n');
	json_decref(o);
	fflush(stdout);
}

/* The object FILE#/pointer without the pointer when the message has it. */
static int object_len(const struct err *err)
{
	const char *pointer = strchr(err->object, '#');
	const char *at = pointer ? strstr(err->message, " at ") : NULL;
	size_t len = pointer ? strlen(pointer + 1) : 0;

	for (; at; at = strstr(at + 1, " at "))
		if (len > 0 ? strncmp(at + 4, pointer + 1, len) == 0
			    : strncmp(at + 4, "the root", 8) == 0)
			return (int)(pointer - err->object);
	return (int)strlen(err->object);
}

void out_error(const struct app *app, const struct err *said)
{
	struct err whole = *said;
	const struct err *err = &whole;

	name_verb(app, &whole);
	if (app->json) {
		error_json(err);
		return;
	}
	fflush(stdout);
	fprintf(stderr, "provctl: %.*s%s%s\n", object_len(err), err->object,
		err->object[0] ? ": " : "",
		err->message[0] ? err->message : pv_code_name(err->code));
	if (err->rule[0])
		fprintf(stderr, "  rule: %s\n", err->rule);
	if (err->ckr)
		fprintf(stderr, "  module: CKR 0x%lx\n", err->ckr);
	if (err->hint[0])
		fprintf(stderr, "  next: %s\n", err->hint);
}

enum pv_code out_folder(const char *path, int *folder, const char **base,
			struct err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];

	*base = slash ? slash + 1 : path;
	if (!**base || strcmp(*base, ".") == 0 || strcmp(*base, "..") == 0)
		return err_fail(err, PV_INPUT, "output.path", NULL,
				"the output path names no file");
	if (!slash)
		return dir_open(AT_FDCWD, ".", folder, err);
	if ((size_t)(slash - path) + 2 > sizeof(dir))
		return err_fail(err, PV_INPUT, "output.path", NULL,
				"the output path is too long");
	snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - path), path);
	return dir_open(AT_FDCWD, dir, folder, err);
}

enum pv_code out_stage(struct out_staged *s, const char *path, mode_t mode,
		       struct span bytes, struct err *err)
{
	const char *base;
	enum pv_code rc;

	s->bytes = bytes;
	if (strcmp(path, "-") == 0)
		return PV_OK;
	rc = out_folder(path, &s->folder, &base, err);
	if (rc == PV_OK)
		rc = file_group_new(&s->g, err);
	if (rc == PV_OK)
		rc = (s->replace ? file_group_replace : file_group_add)(
			s->g, s->folder, base, mode, bytes.p, bytes.len, err);
	return rc;
}

enum pv_code out_give(struct out_staged *s, struct err *err)
{
	return s->g ? file_group_commit(s->g, err) : out_bytes(s->bytes, err);
}

void out_staged_release(struct out_staged *s)
{
	file_group_free(TAKE(s->g));
	fd_cleanup(&s->folder);
}

enum pv_code out_file(const char *path, mode_t mode, struct span bytes,
		      struct err *err)
{
	CLEANUP(out_staged_release) struct out_staged s = OUT_STAGED_INIT;
	enum pv_code rc = out_stage(&s, path, mode, bytes, err);

	return rc == PV_OK ? out_give(&s, err) : rc;
}
