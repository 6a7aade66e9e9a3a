#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/home.h"
#include "cmd/provdev/keys.h"
#include "cmd/provdev/provdev.h"
#include "lib/base/cleanup.h"

#define LIST_MAX (64u * 1024u * 1024u)
#define GROUP_DEVICES 64 /* one sync for that many devices */

CLEANUP_PTR(struct file_group, file_group_free);
CLEANUP_PTR(json_t, json_decref);

enum { OPT_ID = 256, OPT_SUBJ, OPT_SEALING, OPT_FORM, OPT_KEY, OPT_ALGORITHM,
       OPT_ROTATES };

/* A new folder; one that holds a device already is a conflict. */
static enum pv_code make_folder(const char *path, int *fd, struct err *err)
{
	enum pv_code code = dir_make(AT_FDCWD, path, 0700, err);

	if (code == PV_OK)
		code = dir_open(AT_FDCWD, path, fd, err);
	if (code != PV_OK)
		return code;
	if (faccessat(*fd, "id", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		err_object(err, path);
		return err_fail(err, PV_CONFLICT, "output.exists",
				"use another folder", "a device is there");
	}
	return PV_OK;
}

static enum pv_code set_option(struct keys_spec *s, int opt,
			       const char **rotates, struct err *err)
{
	switch (opt) {
	case OPT_ROTATES:
		*rotates = optarg;
		return PV_OK;
	case OPT_ID:
		s->id = optarg;
		return PV_OK;
	case OPT_SUBJ:
		s->subject = optarg;
		return PV_OK;
	case OPT_SEALING:
		s->sealing = true;
		return PV_OK;
	case OPT_FORM:
		s->form = optarg;
		return PV_OK;
	case OPT_ALGORITHM:
		s->algorithm = optarg;
		return PV_OK;
	case OPT_KEY:
		s->key = strcmp(optarg, "csr") == 0;
		if (!s->key && strcmp(optarg, "none") != 0)
			return usage_error(err, "--key is csr or none");
		return PV_OK;
	default:
		return usage_error(err, "unknown option");
	}
}

/* The device with the keys that it had: the certified one signs the new one. */
static enum pv_code open_before(const char *path, struct home *before,
				struct keys_spec *s, struct err *err)
{
	enum pv_code code = home_open(before, path, err);

	if (code == PV_OK && (!before->certified || !s->key))
		code = err_fail(err, PV_NOT_FOUND, "device.key", NULL,
				"the device has no certified key");
	s->before = before->certified;
	return code;
}

enum pv_code verb_keygen(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "id", required_argument, NULL, OPT_ID },
		{ "subj", required_argument, NULL, OPT_SUBJ },
		{ "subject", required_argument, NULL, OPT_SUBJ },
		{ "sealing", no_argument, NULL, OPT_SEALING },
		{ "form", required_argument, NULL, OPT_FORM },
		{ "key", required_argument, NULL, OPT_KEY },
		{ "algorithm", required_argument, NULL, OPT_ALGORITHM },
		{ "rotates", required_argument, NULL, OPT_ROTATES },
		{ NULL, 0, NULL, 0 }
	};
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(home_close) struct home before = HOME_INIT;
	struct keys_spec s = { .form = "plain",
			       .algorithm = "P-256",
			       .key = true };
	const char *rotates = NULL;
	enum pv_code code = PV_OK;
	int opt;

	while (code == PV_OK &&
	       (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		code = set_option(&s, opt, &rotates, err);
	if (code != PV_OK)
		return code;
	if (argc - optind != 1)
		return usage_error(err, "keygen takes one folder");
	code = keys_check(&s, err);
	if (code == PV_OK && rotates)
		code = open_before(rotates, &before, &s, err);
	if (code == PV_OK)
		code = make_folder(argv[optind], &fd, err);
	if (code == PV_OK)
		code = file_group_new(&g, err);
	if (code == PV_OK)
		code = keys_make(g, fd, &s, err);
	return code == PV_OK ? file_group_commit(g, err) : code;
}

static const char *text_of(const json_t *j, const char *key, const char *other)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : other;
}

/* Makes the device of one line; its folder stays open in *fd. */
static enum pv_code make_one(struct file_group *g, const json_t *j, int *fd,
			     struct err *err)
{
	struct keys_spec s = {
		.id = text_of(j, "device", NULL),
		.subject = text_of(j, "subj", NULL),
		.form = text_of(j, "form", "plain"),
		.algorithm = text_of(j, "algorithm", "P-256"),
		.key = strcmp(text_of(j, "key", "csr"), "none") != 0,
		.sealing = json_is_true(json_object_get(j, "sealing")),
	};
	const char *dir = text_of(j, "dir", NULL);
	enum pv_code code = keys_check(&s, err);

	if (code == PV_OK && !dir)
		code = err_fail(err, PV_INPUT, "device.dir", NULL,
				"a line names no folder");
	if (code == PV_OK)
		code = make_folder(dir, fd, err);
	return code == PV_OK ? keys_make(g, *fd, &s, err) : code;
}

struct batch {
	struct file_group *group;
	int fds[GROUP_DEVICES];
	size_t n;
};

static enum pv_code flush_batch(struct batch *b, bool commit, struct err *err)
{
	enum pv_code code = commit ? file_group_commit(b->group, err) : PV_OK;

	while (b->n > 0)
		fd_cleanup(&b->fds[--b->n]);
	return code;
}

static enum pv_code make_line(struct batch *b, const char *line, size_t len,
			      struct err *err)
{
	CLEANUP(cleanup_json_decref)
	json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	enum pv_code code;

	if (!json_is_object(j))
		return err_fail(err, PV_INPUT, "json.syntax", NULL,
				"a line is not a JSON object");
	b->fds[b->n] = -1;
	code = make_one(b->group, j, &b->fds[b->n], err);
	b->n++;
	if (code == PV_OK && b->n == GROUP_DEVICES)
		code = flush_batch(b, true, err);
	return code;
}

enum pv_code verb_keygen_many(int argc, char **argv, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct batch b = { .n = 0 };
	enum pv_code code;
	const char *p, *end, *nl;

	buf_init(&text, LIST_MAX);
	if (argc != 2)
		return usage_error(err, "keygen-many takes one file");
	code = file_read(AT_FDCWD, argv[1], 0, &text, err);
	if (code == PV_OK)
		code = file_group_new(&b.group, err);
	p = (const char *)text.data;
	end = p + text.len;
	for (; code == PV_OK && p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		if (nl > p)
			code = make_line(&b, p, (size_t)(nl - p), err);
	}
	if (code == PV_OK)
		code = flush_batch(&b, true, err);
	else
		(void)flush_batch(&b, false, err);
	file_group_free(b.group);
	return code;
}

enum pv_code verb_csr(int argc, char **argv, struct err *err)
{
	static const struct option options[] = { { "subj", required_argument,
						   NULL, OPT_SUBJ },
						 { NULL, 0, NULL, 0 } };
	CLEANUP(home_close) struct home h = HOME_INIT;
	CLEANUP(buf_release) struct buf pem;
	const char *subject = NULL, *out = NULL;
	enum pv_code code;
	int opt;

	buf_init(&pem, 16384);
	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (opt == OPT_SUBJ)
			subject = optarg;
		else if (opt == 'o')
			out = optarg;
		else
			return usage_error(err, "unknown option");
	}
	if (argc - optind != 1)
		return usage_error(err, "csr takes one folder");
	code = home_open(&h, argv[optind], err);
	if (code != PV_OK)
		return code;
	if (!h.certified)
		return err_fail(err, PV_NOT_FOUND, "device.key", NULL,
				"the device has no certified key");
	code = keys_request(h.certified, h.id, subject, &pem, err);
	if (code != PV_OK)
		return code;
	return file_write(out ? AT_FDCWD : h.dirfd, out ? out : "csr.pem", 0600,
			  pem.data, pem.len, err);
}
