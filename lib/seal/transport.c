#include "lib/seal/transport.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/notechars.h"

#define KEY_FORMAT "provctl/transport-key/v1"
#define FORMAT "provctl/transport/v1"
#define VALUE_MAX 640 /* bytes of a line's value */

static const char *const algorithms[HSM_AGREEMENTS] = {
	[HSM_AGREE_AES] = "ECDH-P256-AES256CBC-A256KWP",
	[HSM_AGREE_SHA256] = "ECDH-P256-X963-SHA256-A256KWP",
};

const char *transport_algorithm(enum hsm_agreement how)
{
	return algorithms[how];
}

/* ---- writing ---- */

static void put_hex(struct buf *out, const char *key, const uint8_t *p,
		    size_t len)
{
	char hex[2 * HSM_WRAPPED_MAX + 1];

	hex_encode(p, len, hex);
	buf_printf(out, "%s %s\n", key, hex);
}

static void put_log(struct buf *out, const struct note_key *log)
{
	buf_put_str(out, "log-key ");
	note_key_put(log, out);
	buf_put_u8(out, '\n');
}

enum pv_code transport_key_text(const struct transport_key *k,
				const struct note_key *log, struct buf *out,
				struct err *err)
{
	buf_printf(out, KEY_FORMAT "\nauthority %s\n", k->authority);
	put_log(out, log);
	buf_printf(out, "token %s\nlabel %s\n", k->token, k->label);
	put_hex(out, "spki", k->spki, k->spki_len);
	for (unsigned how = 0; how < HSM_AGREEMENTS; how++)
		if (k->takes & (1u << how))
			buf_printf(out, "algorithm %s\n", algorithms[how]);
	return buf_check(out, err);
}

enum pv_code transport_text(const struct transport *t,
			    const struct note_key *log, struct buf *out,
			    struct err *err)
{
	buf_printf(out, FORMAT "\nfrom %s\n", t->from);
	put_log(out, log);
	buf_printf(out, "label %s\npurpose %s\n", t->label, t->purpose);
	put_hex(out, "id", t->id, sizeof(t->id));
	put_hex(out, "spki", t->spki, t->spki_len);
	buf_printf(out, "to %s\n", t->to);
	put_hex(out, "to-spki-sha256", t->to_sha256, sizeof(t->to_sha256));
	buf_printf(out, "algorithm %s\n", algorithms[t->sent.how]);
	put_hex(out, "ephemeral", t->sent.spki, t->sent.spki_len);
	put_hex(out, "wrapped", t->sent.wrapped, t->sent.wrapped_len);
	return buf_check(out, err);
}

/* ---- reading ---- */

/* The next line is "key value", and goes; value gets what is behind the key. */
static bool take_line(struct span *rest, const char *key, char value[VALUE_MAX])
{
	size_t skip = strlen(key) + 1;
	const uint8_t *end =
		rest->len > 0 ? memchr(rest->p, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->p) : 0;

	if (len <= skip || len - skip >= VALUE_MAX ||
	    memcmp(rest->p, key, skip - 1) != 0 || rest->p[skip - 1] != ' ')
		return false;
	memcpy(value, rest->p + skip, len - skip);
	value[len - skip] = '\0';
	rest->p += len + 1;
	rest->len -= len + 1;
	return true;
}

static bool take_format(struct span *rest, const char *format)
{
	size_t len = strlen(format);

	if (rest->len <= len || memcmp(rest->p, format, len) != 0 ||
	    rest->p[len] != '\n')
		return false;
	rest->p += len + 1;
	rest->len -= len + 1;
	return true;
}

static bool take_text(struct span *rest, const char *key, char *out, size_t cap)
{
	char value[VALUE_MAX];

	if (!take_line(rest, key, value) || strlen(value) >= cap ||
	    !notechars_plain(
		    (struct span){ (const uint8_t *)value, strlen(value) }))
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

/* Between 1 and max bytes; exactly max where len is NULL. */
static bool take_hex(struct span *rest, const char *key, uint8_t *out,
		     size_t max, size_t *len)
{
	char value[VALUE_MAX];
	size_t n;

	if (!take_line(rest, key, value))
		return false;
	n = strlen(value) / 2;
	if (n < 1 || n > max || strlen(value) != 2 * n || (!len && n != max))
		return false;
	if (len)
		*len = n;
	return hex_decode(value, out, n);
}

static bool take_log(struct span *rest, struct note_key *log)
{
	char value[VALUE_MAX];
	struct span vkey = { (const uint8_t *)value, 0 };

	if (!take_line(rest, "log-key", value))
		return false;
	vkey.len = strlen(value);
	return note_key_parse(log, vkey, NULL) == PV_OK;
}

static bool take_algorithm(struct span *rest, enum hsm_agreement *how)
{
	char value[VALUE_MAX];

	if (!take_line(rest, "algorithm", value))
		return false;
	for (unsigned i = 0; i < HSM_AGREEMENTS; i++)
		if (strcmp(value, algorithms[i]) == 0) {
			*how = (enum hsm_agreement)i;
			return true;
		}
	return false;
}

static bool take_key(struct span rest, struct transport_key *k,
		     struct note_key *log)
{
	enum hsm_agreement how;
	bool good =
		take_format(&rest, KEY_FORMAT) &&
		take_text(&rest, "authority", k->authority,
			  sizeof(k->authority)) &&
		take_log(&rest, log) &&
		take_text(&rest, "token", k->token, sizeof(k->token)) &&
		take_text(&rest, "label", k->label, sizeof(k->label)) &&
		take_hex(&rest, "spki", k->spki, sizeof(k->spki), &k->spki_len);

	while (good && rest.len > 0) {
		good = take_algorithm(&rest, &how);
		if (good)
			k->takes |= 1u << how;
	}
	return good && k->takes != 0;
}

static bool take_all(struct span rest, struct transport *t,
		     struct note_key *log)
{
	return take_format(&rest, FORMAT) &&
	       take_text(&rest, "from", t->from, sizeof(t->from)) &&
	       take_log(&rest, log) &&
	       take_text(&rest, "label", t->label, sizeof(t->label)) &&
	       take_text(&rest, "purpose", t->purpose, sizeof(t->purpose)) &&
	       take_hex(&rest, "id", t->id, sizeof(t->id), NULL) &&
	       take_hex(&rest, "spki", t->spki, sizeof(t->spki),
			&t->spki_len) &&
	       take_text(&rest, "to", t->to, sizeof(t->to)) &&
	       take_hex(&rest, "to-spki-sha256", t->to_sha256,
			sizeof(t->to_sha256), NULL) &&
	       take_algorithm(&rest, &t->sent.how) &&
	       take_hex(&rest, "ephemeral", t->sent.spki, sizeof(t->sent.spki),
			&t->sent.spki_len) &&
	       take_hex(&rest, "wrapped", t->sent.wrapped,
			sizeof(t->sent.wrapped), &t->sent.wrapped_len) &&
	       rest.len == 0;
}

static enum pv_code refuse(struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "transport.format",
			"take the file as the ceremony gave it",
			"not a file of a key that goes to another token");
}

/* Its text has one form only, and its own log key has signed it. */
static enum pv_code check_note(const struct note *note, struct span same,
			       const struct note_key *log, struct err *err)
{
	struct err why;
	enum pv_code rc;

	if (!span_equal(note->text, same))
		return refuse(err);
	err_init(&why);
	rc = note_verify(note, log, &why);
	if (rc == PV_NOT_FOUND)
		return refuse(err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code transport_key_parse(struct span bytes, struct transport_key *k,
				 struct note_key *log, struct err *err)
{
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	CLEANUP(buf_release) struct buf same;
	enum pv_code rc;

	memset(k, 0, sizeof(*k));
	buf_init(&same, TRANSPORT_TEXT_MAX);
	if (note_parse(&note, bytes, NULL) != PV_OK ||
	    !take_key(note.text, k, log))
		return refuse(err);
	rc = transport_key_text(k, log, &same, err);
	return rc == PV_OK ? check_note(&note, buf_span(&same), log, err) : rc;
}

enum pv_code transport_parse(struct span bytes, struct transport *t,
			     struct note_key *log, struct err *err)
{
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	CLEANUP(buf_release) struct buf same;
	enum pv_code rc;

	memset(t, 0, sizeof(*t));
	buf_init(&same, TRANSPORT_TEXT_MAX);
	if (note_parse(&note, bytes, NULL) != PV_OK ||
	    !take_all(note.text, t, log))
		return refuse(err);
	rc = transport_text(t, log, &same, err);
	return rc == PV_OK ? check_note(&note, buf_span(&same), log, err) : rc;
}
