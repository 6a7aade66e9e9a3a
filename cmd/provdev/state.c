#include "cmd/provdev/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define STATE_MAX 8192

CLEANUP_PTR(json_t, json_decref);

static bool get_hex(const json_t *j, const char *key, uint8_t *out, size_t cap,
		    size_t *len)
{
	const json_t *s = json_object_get(j, key);

	*len = json_string_length(s) / 2;
	return json_is_string(s) && json_string_length(s) % 2 == 0 &&
	       *len <= cap && hex_decode(json_string_value(s), out, *len);
}

static bool get_number(const json_t *j, const char *key, uint64_t *out)
{
	const json_t *n = json_object_get(j, key);

	*out = (uint64_t)json_integer_value(n);
	return json_is_integer(n) && json_integer_value(n) >= 0;
}

/* Devices of before have no such words. */
static bool parse_previous(const json_t *j, struct state *s)
{
	const json_t *serial = json_object_get(j, "previous_serial");
	size_t len = json_string_length(serial);

	if (!serial)
		return true;
	if (!json_is_string(serial) || len >= sizeof(s->previous_serial))
		return false;
	memcpy(s->previous_serial, json_string_value(serial), len + 1);
	return get_number(j, "previous_seq", &s->previous_seq);
}

static bool parse(const json_t *j, struct state *s)
{
	struct pvdev_facts *f = &s->facts;
	const char *role = json_string_value(json_object_get(j, "role"));
	size_t id, bh, class_len;

	if (!role || strlen(role) > STATE_ROLE_MAX)
		return false;
	memcpy(s->role, role, strlen(role) + 1);
	return get_number(j, "seq", &f->seq) && parse_previous(j, s) &&
	       get_number(j, "manifest_seq", &s->manifest_seq) &&
	       get_hex(j, "bundle_id", f->bundle_id, sizeof(f->bundle_id),
		       &id) &&
	       id == sizeof(f->bundle_id) &&
	       get_hex(j, "bh", f->bh, sizeof(f->bh), &bh) &&
	       bh == sizeof(f->bh) &&
	       get_hex(j, "challenge", f->challenge, sizeof(f->challenge),
		       &f->challenge_len) &&
	       get_hex(j, "key_id", f->key_id, sizeof(f->key_id),
		       &f->key_id_len) &&
	       get_hex(j, "class", s->class_id, sizeof(s->class_id),
		       &class_len) &&
	       class_len == sizeof(s->class_id);
}

enum pv_code state_read(int dirfd, struct state *s, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *j = NULL;
	CLEANUP(buf_release) struct buf b;
	enum pv_code code;

	memset(s, 0, sizeof(*s));
	buf_init(&b, STATE_MAX);
	s->fresh = faccessat(dirfd, "state", F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	if (s->fresh && errno == ENOENT)
		return PV_OK;
	if (s->fresh)
		return err_errno(err, PV_STORAGE, "device.state", NULL,
				 "cannot look for the state file");
	code = file_read(dirfd, "state", FILEIO_NOFOLLOW, &b, err);
	if (code != PV_OK)
		return code;
	j = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES,
		       NULL);
	if (!j || !parse(j, s))
		return err_fail(err, PV_INTEGRITY, "device.state", NULL,
				"the state file is broken");
	return PV_OK;
}

static json_t *hex_of(const uint8_t *p, size_t len)
{
	char text[2 * PVDEV_CHALLENGE_MAX + 1];

	hex_encode(p, len, text);
	return json_string(text);
}

enum pv_code state_write(int dirfd, const struct state *s, struct err *err)
{
	const struct pvdev_facts *f = &s->facts;
	CLEANUP(cleanup_json_decref)
	json_t *j =
		json_pack("{s:I,s:I,s:s,s:o,s:o,s:o,s:o,s:o,s:I,s:s}", "seq",
			  (json_int_t)f->seq, "manifest_seq",
			  (json_int_t)s->manifest_seq, "role", s->role, "class",
			  hex_of(s->class_id, sizeof(s->class_id)), "bundle_id",
			  hex_of(f->bundle_id, sizeof(f->bundle_id)), "bh",
			  hex_of(f->bh, sizeof(f->bh)), "challenge",
			  hex_of(f->challenge, f->challenge_len), "key_id",
			  hex_of(f->key_id, f->key_id_len), "previous_seq",
			  (json_int_t)s->previous_seq, "previous_serial",
			  s->previous_serial);
	char text[STATE_MAX];
	size_t len = j ? json_dumpb(j, text, sizeof(text), JSON_INDENT(1)) : 0;

	if (len == 0 || len > sizeof(text))
		return err_fail(err, PV_INTERNAL, "device.state", NULL,
				"cannot encode the state");
	return file_write(dirfd, "state", 0600, text, len, err);
}

void state_folder(const struct state *s, char out[STATE_FOLDER_MAX])
{
	out[0] = '\0';
	if (!s->fresh)
		snprintf(out, STATE_FOLDER_MAX, "gen-%" PRIu64, s->facts.seq);
}
