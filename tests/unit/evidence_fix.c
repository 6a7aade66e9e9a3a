#include "tests/unit/evidence_fix.h"

#include <check.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cose.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

#define MESSAGE_MAX 8192

static struct cbor_bytes bytes_of(struct span s)
{
	struct cbor_bytes b = { s.p, s.len };

	return b;
}

void ef_message(EVP_PKEY *key, struct span mac_key, int64_t alg,
		struct span payload, struct buf *out)
{
	uint8_t prot[16], all[MESSAGE_MAX], digest[32], auth[64];
	struct cbor_writer h, s, w;
	unsigned len = COSE_MAC_LEN;

	cbor_writer_init(&h, prot, sizeof(prot));
	cbor_put_map(&h, 1);
	cbor_put_uint(&h, 1);
	cbor_put_int(&h, alg);
	cbor_writer_init(&s, all, sizeof(all));
	if (key) {
		cose_put_sig_structure(&s, (struct cbor_bytes){ prot, h.len },
				       bytes_of(payload));
		SHA256(all, s.len, digest);
		keys_sign(key, digest, auth);
		len = COSE_SIG_LEN;
	} else {
		cose_put_mac_structure(&s, (struct cbor_bytes){ prot, h.len },
				       bytes_of(payload));
		ck_assert(HMAC(EVP_sha256(), mac_key.p, (int)mac_key.len, all,
			       s.len, auth, &len));
	}
	ck_assert(cbor_writer_ok(&s));
	buf_reset(out);
	cbor_writer_init(&w, buf_room(out, MESSAGE_MAX), MESSAGE_MAX);
	cose_put_message(&w, key ? COSE_TAG_SIGN1 : COSE_TAG_MAC0,
			 (struct cbor_bytes){ prot, h.len }, bytes_of(payload),
			 auth, len);
	ck_assert(cbor_writer_ok(&w));
	buf_commit(out, w.len);
}

static const char *blank(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\n");
		if (*s != '/')
			return s;
		s = strchr(s + 1, '/');
		ck_assert(s != NULL);
		s++;
	}
}

static void put_head(struct buf *out,
		     void (*put)(struct cbor_writer *, uint64_t), uint64_t n)
{
	struct cbor_writer w;

	cbor_writer_init(&w, buf_room(out, 9), 9);
	put(&w, n);
	buf_commit(out, w.len);
}

static const char *put_item(const char *s, struct buf *out);

/* Up to the bracket that ends it; *items counts what is between. */
static const char *put_items(const char *s, char end, struct buf *out,
			     uint64_t *items)
{
	*items = 0;
	for (s = blank(s); *s != end; (*items)++) {
		s = blank(put_item(s, out));
		if (*s == ',' || *s == ':')
			s = blank(s + 1);
		else
			ck_assert(*s == end);
	}
	return s + 1;
}

static const char *put_string(const char *s, char end, bool hex,
			      struct buf *out)
{
	const char *stop = strchr(s, end);
	char digits[1024];
	uint8_t bytes[512];
	struct cbor_writer w;
	size_t n = 0;

	ck_assert(stop && (size_t)(stop - s) < sizeof(digits));
	for (; s < stop; s++) {
		if (!hex || (*s != '\n' && *s != ' '))
			digits[n++] = *s;
	}
	digits[n] = '\0';
	cbor_writer_init(&w, buf_room(out, n + 9), n + 9);
	if (hex) {
		ck_assert(hex_decode(digits, bytes, n / 2));
		cbor_put_bstr(&w, bytes, n / 2);
	} else {
		cbor_put_str(&w, digits);
	}
	buf_commit(out, w.len);
	return stop + 1;
}

static const char *put_item(const char *s, struct buf *out)
{
	struct buf in;
	uint64_t n;
	char *end;
	struct cbor_writer w;

	s = blank(s);
	if (*s == '"')
		return put_string(s + 1, '"', false, out);
	if (*s == 'h')
		return put_string(s + 2, '\'', true, out);
	if (*s == '[' || *s == '{') {
		bool map = *s == '{';

		buf_init(&in, MESSAGE_MAX);
		s = put_items(s + 1, map ? '}' : ']', &in, &n);
		put_head(out, map ? cbor_put_map : cbor_put_array,
			 map ? n / 2 : n);
		buf_put(out, in.data, in.len);
		buf_release(&in);
		return s;
	}
	cbor_writer_init(&w, buf_room(out, 9), 9);
	cbor_put_int(&w, strtoll(s, &end, 10));
	ck_assert(end != s);
	buf_commit(out, w.len);
	return end;
}

void ef_diag(const char *text, struct buf *out)
{
	buf_reset(out);
	ck_assert(*blank(put_item(text, out)) == '\0');
}

EVP_PKEY *ef_key(const char *name)
{
	FILE *f = fopen(unit_path(name), "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	ck_assert(key != NULL);
	fclose(f);
	return key;
}

void ef_expect(struct span bytes, const struct evidence_want *want,
	       enum pv_code code, const char *rule)
{
	struct evidence_report report;
	enum pv_code rc;
	struct err err;

	err_init(&err);
	rc = evidence_verify(bytes, want, &report, &err);
	if (code == PV_OK)
		unit_ok(rc, &err);
	else
		unit_refused(rc, code, rule, &err);
	for (size_t i = 0; i < report.n; i++)
		ck_assert(code != PV_OK || report.list[i].passed);
}

void ef_flip_all(struct span good, const struct evidence_want *want)
{
	static const uint8_t masks[] = { 0x01, 0xff };
	uint8_t *bytes = malloc(good.len);
	struct err err;
	enum pv_code rc;

	ck_assert(bytes != NULL);
	memcpy(bytes, good.p, good.len);
	for (size_t i = 0; i < good.len; i++) {
		for (size_t m = 0; m < sizeof(masks); m++) {
			bytes[i] ^= masks[m];
			err_init(&err);
			rc = evidence_verify((struct span){ bytes, good.len },
					     want, NULL, &err);
			ck_assert_msg(rc == PV_INPUT || rc == PV_INTEGRITY,
				      "byte %zu: %d", i, rc);
			bytes[i] ^= masks[m];
		}
	}
	free(bytes);
}
