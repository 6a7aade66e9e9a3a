#include "lib/log/witness.h"

#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/notechars.h"
#include "lib/base/sha256.h"

#define TYPE 0x04u /* "cosignature/v1" in c2sp.org/signed-note */

static enum pv_code bad_witness(struct err *err, const char *what)
{
	return err_fail(err, PV_INPUT, "log.witness",
			"give name+id+base64 of an Ed25519 cosignature key",
			"%s", what);
}

enum pv_code log_witness_set(struct log_witness *w, struct span name,
			     const uint8_t key[static LOG_WITNESS_KEY],
			     struct err *err)
{
	static const uint8_t head[] = { '\n', TYPE };
	struct span parts[] = { name,
				{ head, sizeof(head) },
				{ key, LOG_WITNESS_KEY } };
	uint8_t hash[SHA256_LEN];
	enum pv_code rc;

	memset(w, 0, sizeof(*w));
	if (name.len > NOTE_NAME_MAX || !notechars_name_ok(name))
		return bad_witness(err, "bad name for a witness");
	rc = sha256_parts(parts, 3, hash, err);
	if (rc != PV_OK)
		return rc;
	memcpy(w->name, name.p, name.len);
	memcpy(w->id, hash, LOG_WITNESS_ID);
	memcpy(w->key, key, LOG_WITNESS_KEY);
	return PV_OK;
}

enum pv_code log_witness_parse(struct log_witness *w, struct span vkey,
			       struct err *err)
{
	const uint8_t *plus = vkey.len ? memchr(vkey.p, '+', vkey.len) : NULL;
	size_t left = plus ? (size_t)(vkey.p + vkey.len - plus) : 0;
	uint8_t blob[1 + LOG_WITNESS_KEY];
	char hex[2 * LOG_WITNESS_ID + 1];
	struct span name;
	size_t len;
	enum pv_code rc;

	memset(w, 0, sizeof(*w));
	if (left < 2 * LOG_WITNESS_ID + 2 ||
	    plus[2 * LOG_WITNESS_ID + 1] != '+' ||
	    !base64_decode((const char *)plus + 2 * LOG_WITNESS_ID + 2,
			   left - 2 * LOG_WITNESS_ID - 2, blob, sizeof(blob),
			   &len) ||
	    len != sizeof(blob) || blob[0] != TYPE)
		return bad_witness(err, "not the key of a witness");
	name.p = vkey.p;
	name.len = (size_t)(plus - vkey.p);
	rc = log_witness_set(w, name, blob + 1, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(w->id, LOG_WITNESS_ID, hex);
	if (memcmp(hex, plus + 1, 2 * LOG_WITNESS_ID) == 0)
		return PV_OK;
	memset(w, 0, sizeof(*w));
	return bad_witness(err, "the id of a witness's key is not its own");
}

void log_witness_put(const struct log_witness *w, struct buf *out)
{
	uint8_t blob[1 + LOG_WITNESS_KEY] = { TYPE };
	char text[BASE64_LEN(sizeof(blob)) + 1];
	char hex[2 * LOG_WITNESS_ID + 1];

	memcpy(blob + 1, w->key, LOG_WITNESS_KEY);
	base64_encode(blob, sizeof(blob), text);
	hex_encode(w->id, LOG_WITNESS_ID, hex);
	buf_printf(out, "%s+%s+%s", w->name, hex, text);
}
