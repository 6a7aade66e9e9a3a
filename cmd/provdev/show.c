/*
 * `provdev show`: which configurations there are, and what is active, as JSON.
 * Secrets, keys and files stand there by length; with --reveal as hex, and then
 * only in a file of mode 0600.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/configs.h"
#include "cmd/provdev/home.h"
#include "cmd/provdev/json_cbor.h"
#include "cmd/provdev/provdev.h"
#include "cmd/provdev/state.h"
#include "cmd/provdev/tree.h"
#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

#define CONTENT_MAX (256u * 1024u * 1024u)

CLEANUP_PTR(json_t, json_decref);

static json_t *base64_of(struct cbor_bytes v)
{
	char *text = malloc(BASE64_LEN(v.len) + 1);
	json_t *j = NULL;

	if (text) {
		base64_encode(v.p, v.len, text);
		j = json_string(text);
	}
	free(text);
	return j;
}

/* Bytes that may be secret. */
static json_t *guarded(struct cbor_bytes v, bool reveal)
{
	char *text;
	json_t *j = NULL;

	if (!reveal)
		return json_pack("{s:I}", "bytes", (json_int_t)v.len);
	text = malloc(2 * v.len + 1);
	if (text) {
		hex_encode(v.p, v.len, text);
		j = json_string(text);
		secret_wipe(text, 2 * v.len);
	}
	free(text);
	return j;
}

static json_t *list_of(struct cbor_bytes list)
{
	json_t *j = json_array();
	struct cbor_reader r;
	struct cbor_bytes der;
	uint64_t n;

	pvdev_content_open(&r, &n, list);
	while (pvdev_content_next(&r, &n, NULL, &der))
		json_array_append_new(j, base64_of(der));
	return j;
}

static json_t *map_of(struct cbor_bytes map, bool reveal)
{
	json_t *j = json_object();
	struct cbor_reader r;
	struct cbor_bytes name, value;
	uint64_t n;

	pvdev_content_open(&r, &n, map);
	while (pvdev_content_next(&r, &n, &name, &value)) {
		char *key = strndup((const char *)name.p, name.len);

		if (key)
			json_object_set_new(j, key, guarded(value, reveal));
		free(key);
	}
	return j;
}

static json_t *content_json(const struct pvdev_content *c, bool reveal)
{
	json_t *j = json_object();

	if (c->certificate.p)
		json_object_set_new(j, "certificate",
				    base64_of(c->certificate));
	if (c->chain.p)
		json_object_set_new(j, "chain", list_of(c->chain));
	if (c->anchors.p)
		json_object_set_new(j, "anchors", list_of(c->anchors));
	if (c->key.p)
		json_object_set_new(j, "key", guarded(c->key, reveal));
	if (c->config.p)
		json_object_set_new(j, "config", json_from_cbor(c->config));
	if (c->secrets.p)
		json_object_set_new(j, "secrets", map_of(c->secrets, reveal));
	if (c->files.p)
		json_object_set_new(j, "files", map_of(c->files, reveal));
	return j;
}

struct showing {
	json_t *components;
	bool reveal;
};

static enum pv_code show_component(void *arg, int dirfd, const char *name,
				   struct err *err)
{
	struct showing *s = arg;
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(buf_wipe) struct buf b;
	struct pvdev_content c;
	const char *why = NULL;
	enum pv_code code;

	buf_init(&b, CONTENT_MAX);
	code = dir_open(dirfd, name, &fd, err);
	if (code == PV_OK)
		code = file_read(fd, "content.cbor", FILEIO_NOFOLLOW, &b, err);
	if (code != PV_OK)
		return code;
	if (!pvdev_content_parse(&c, b.data, b.len, true, &why)) {
		err_object(err, name);
		return err_fail(err, PV_INTEGRITY, "device.content", NULL,
				"active component is malformed: %s", why);
	}
	json_object_set_new(s->components, name, content_json(&c, s->reveal));
	return PV_OK;
}

static json_t *state_json(const struct home *h, const struct state *s)
{
	char bh[2 * PVDEV_HASH_LEN + 1], id[2 * PVDEV_BUNDLE_ID_LEN + 1];

	hex_encode(s->facts.bh, PVDEV_HASH_LEN, bh);
	hex_encode(s->facts.bundle_id, PVDEV_BUNDLE_ID_LEN, id);
	return json_pack("{s:s,s:I,s:I,s:s,s:s,s:s}", "device", h->id, "seq",
			 (json_int_t)s->facts.seq, "manifest_seq",
			 (json_int_t)s->manifest_seq, "role", s->role,
			 "bundle_id", id, "bh", bh);
}

static enum pv_code collect(const char *dir, bool reveal, json_t **out,
			    struct err *err)
{
	CLEANUP(home_close) struct home h = HOME_INIT;
	CLEANUP(fd_cleanup) int fd = -1;
	struct showing s = { NULL, reveal };
	char folder[STATE_FOLDER_MAX];
	struct state state;
	json_t *configs;
	enum pv_code code;

	code = home_open(&h, dir, err);
	if (code == PV_OK)
		code = state_read(h.dirfd, &state, err);
	if (code != PV_OK)
		return code;
	*out = state_json(&h, &state);
	s.components = json_object();
	configs = json_array();
	if (!*out ||
	    json_object_set_new(*out, "components", s.components) != 0 ||
	    json_object_set_new(*out, "configurations", configs) != 0)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"out of memory");
	code = configs_list(h.dirfd, &state, configs, err);
	if (code != PV_OK || state.fresh)
		return code;
	state_folder(&state, folder);
	code = dir_open(h.dirfd, folder, &fd, err);
	return code == PV_OK ? tree_each(fd, show_component, &s, err) : code;
}

static enum pv_code print(const json_t *j, const char *out, struct err *err)
{
	char *text = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS);
	size_t len = text ? strlen(text) : 0;
	enum pv_code code = PV_OK;

	if (!text)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"out of memory");
	text[len] = '\n'; /* in the NUL's place */
	if (out)
		code = file_write(AT_FDCWD, out, 0600, text, len + 1, err);
	else if (fwrite(text, 1, len + 1, stdout) != len + 1)
		code = err_errno(err, PV_STORAGE, "output.write", NULL,
				 "cannot write output");
	secret_wipe(text, len + 1);
	free(text);
	return code;
}

enum pv_code verb_show(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "reveal", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' }, /* it is always that */
		{ NULL, 0, NULL, 0 }
	};
	CLEANUP(cleanup_json_decref) json_t *j = NULL;
	const char *out = NULL;
	bool reveal = false;
	enum pv_code code;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (opt == 'r')
			reveal = true;
		else if (opt == 'o')
			out = optarg;
		else if (opt != 'j')
			return usage_error(err, "unknown option");
	}
	if (argc - optind != 1)
		return usage_error(err, "show takes one folder");
	if (reveal && !out)
		return usage_error(err, "--reveal needs -o FILE");
	code = collect(argv[optind], reveal, &j, err);
	return code == PV_OK ? print(j, out, err) : code;
}
