#include "cmd/provdev/kek.h"

#include <string.h>
#include <unistd.h>

static bool text_is(struct cbor_bytes v, const char *s)
{
	return v.len == strlen(s) && memcmp(v.p, s, v.len) == 0;
}

static bool get_key(struct cbor_reader *r, const char *name,
		    struct cbor_bytes *v)
{
	struct cbor_bytes key;

	return cbor_get_tstr(r, &key) && text_is(key, name) &&
	       cbor_get_bstr(r, v) && v->len == KEK_KEY_LEN;
}

/* {"kek": bstr, "auth": bstr, "device": tstr, "receipt": bstr} */
bool kek_parse(struct kek_record *rec, const uint8_t *p, size_t len)
{
	struct cbor_reader r;
	struct cbor_bytes key;
	uint64_t n;

	cbor_reader_init(&r, p, len);
	return cbor_get_map(&r, &n) && n == 4 &&
	       get_key(&r, "kek", &rec->kek) &&
	       get_key(&r, "auth", &rec->auth) && cbor_get_tstr(&r, &key) &&
	       text_is(key, "device") && cbor_get_tstr(&r, &rec->device) &&
	       get_key(&r, "receipt", &rec->receipt) && cbor_done(&r);
}

bool kek_is_for(const struct kek_record *rec, const char *id)
{
	return text_is(rec->device, id);
}

static enum pv_code bad_file(struct err *err, const char *why)
{
	return err_fail(err, PV_INPUT, "kek.format", NULL,
			"not a sequence of {device, kek, auth, receipt}: %s",
			why);
}

/* Fills the window up; *eof when the file ended. */
static enum pv_code refill(int fd, struct secret *w, size_t *used, bool *eof,
			   struct err *err)
{
	ssize_t n;

	while (*used < w->len) {
		n = read(fd, w->data + *used, w->len - *used);
		if (n < 0)
			return err_errno(err, PV_STORAGE, "file.read", NULL,
					 "cannot read the key file");
		if (n == 0) {
			*eof = true;
			return PV_OK;
		}
		*used += (size_t)n;
	}
	return PV_OK;
}

enum pv_code kek_find(int fd, const char *id, struct secret *found,
		      struct err *err)
{
	SECRET w = SECRET_INIT;
	size_t used = 0, n;
	bool eof = false;
	const char *why = "truncated";
	struct kek_record rec;
	enum pv_code code = secret_alloc(&w, KEK_RECORD_MAX, err);

	while (code == PV_OK) {
		code = refill(fd, &w, &used, &eof, err);
		if (code != PV_OK)
			break;
		if (used == 0)
			return err_fail(err, PV_NOT_FOUND, "kek.device", NULL,
					"no keys for this device");
		n = cbor_item_len(w.data, used, CBOR_DEPTH_MAX, &why);
		if (n == 0 || !kek_parse(&rec, w.data, n))
			return bad_file(err, n ? "another map" : why);
		if (kek_is_for(&rec, id))
			return secret_copy(found, w.data, n, err);
		memmove(w.data, w.data + n, used - n);
		used -= n;
	}
	return code;
}
