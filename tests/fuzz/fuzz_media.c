/*
 * Any bytes as the answer of the box that took apart what a medium brought,
 * whatever it was asked: a stranger may have taken that process over. What is
 * believed is within bounds, and can be said again.
 */
#include <fcntl.h>
#include <string.h>

#include <openssl/rand.h>

#include "lib/base/p256.h"
#include "lib/ceremony/mediabox_impl.h"
#include "tests/fuzz/fuzz.h"

static int secrets = -1; /* gives zeros, and takes anything */

static bool is_name(const char *s, size_t cap)
{
	size_t len = strnlen(s, cap);

	return len > 0 && len < cap;
}

static void check_split(unsigned m, unsigned n)
{
	FUZZ_CHECK(m >= 2 && m <= n && n <= SHARES_MAX);
}

static void check_backup(const struct backup *b)
{
	FUZZ_CHECK(is_name(b->authority, sizeof(b->authority)));
	FUZZ_CHECK(is_name(b->label, sizeof(b->label)));
	FUZZ_CHECK(is_name(b->purpose, sizeof(b->purpose)));
	FUZZ_CHECK(b->spki_len >= 1 && b->spki_len <= sizeof(b->spki));
	FUZZ_CHECK(b->wrapped_len >= 1 && b->wrapped_len <= sizeof(b->wrapped));
	check_split(b->m, b->n);
}

static void check_share(const struct share *s)
{
	FUZZ_CHECK(is_name(s->key, sizeof(s->key)));
	check_split(s->m, s->n);
	FUZZ_CHECK(s->number >= 1 && s->number <= s->n);
	FUZZ_CHECK(s->value.len == SHARES_SECRET_LEN);
}

static void check_to(const struct transport_key *k)
{
	FUZZ_CHECK(is_name(k->authority, sizeof(k->authority)));
	FUZZ_CHECK(is_name(k->token, sizeof(k->token)));
	FUZZ_CHECK(is_name(k->label, sizeof(k->label)));
	FUZZ_CHECK(k->spki_len >= 1 && k->spki_len <= sizeof(k->spki));
	FUZZ_CHECK(k->takes >= 1 && k->takes < 1u << HSM_AGREEMENTS);
}

static void check_transport(const struct transport *t)
{
	FUZZ_CHECK(is_name(t->from, sizeof(t->from)));
	FUZZ_CHECK(is_name(t->to, sizeof(t->to)));
	FUZZ_CHECK(is_name(t->label, sizeof(t->label)));
	FUZZ_CHECK(is_name(t->purpose, sizeof(t->purpose)));
	FUZZ_CHECK(t->spki_len >= 1 && t->spki_len <= sizeof(t->spki));
	FUZZ_CHECK(t->sent.how < HSM_AGREEMENTS);
	FUZZ_CHECK(t->sent.spki_len >= 1 &&
		   t->sent.spki_len <= sizeof(t->sent.spki));
	FUZZ_CHECK(t->sent.wrapped_len >= 1 &&
		   t->sent.wrapped_len <= sizeof(t->sent.wrapped));
}

static void check_found(enum mediabox_kind kind, const struct mediabox_found *f)
{
	switch (kind) {
	case MEDIABOX_CSR:
		FUZZ_CHECK(p256_point(
			(struct span){ f->csr.spki, sizeof(f->csr.spki) }));
		return;
	case MEDIABOX_CA:
	case MEDIABOX_OFFICER:
		FUZZ_CHECK(f->der.len >= 1 && f->der.len <= MEDIABOX_LIST_MAX);
		return;
	case MEDIABOX_SUMS_WITHOUT:
		FUZZ_CHECK(f->der.len <= MEDIABOX_LIST_MAX);
		return;
	case MEDIABOX_BACKUP:
		check_backup(&f->backup);
		return;
	case MEDIABOX_SHARE:
		check_share(&f->share);
		return;
	case MEDIABOX_TRANSPORT_KEY:
		check_to(&f->to);
		FUZZ_CHECK(is_name(f->log.name, sizeof(f->log.name)));
		return;
	case MEDIABOX_TRANSPORT:
		check_transport(&f->transport);
		FUZZ_CHECK(is_name(f->log.name, sizeof(f->log.name)));
		return;
	default:
		return;
	}
}

/* What is said again is believed again, and is the same then. */
static void say_again(enum mediabox_kind kind, const struct mediabox_found *f)
{
	static struct mediabox_found again;
	struct wire w = { .fd = -1 }, second = { .fd = -1 };
	struct wire_rec rec;
	struct err why, none;

	err_init(&why);
	err_init(&none);
	memset(&again, 0, sizeof(again));
	buf_init(&w.in, WIRE_BUFFER_MAX);
	buf_init(&w.out, WIRE_BUFFER_MAX);
	buf_init(&second.out, WIRE_BUFFER_MAX);
	FUZZ_CHECK(mediabox_put_found(&w, secrets, kind, &none, f, NULL) ==
		   PV_OK);
	buf_put(&w.in, w.out.data, w.out.len);
	FUZZ_CHECK(wire_next(&w, &rec));
	FUZZ_CHECK(mediabox_get_found(&rec, secrets, kind, &why, &again,
				      NULL) == PV_OK);
	FUZZ_CHECK(mediabox_put_found(&second, secrets, kind, &none, &again,
				      NULL) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&w.out), buf_span(&second.out)));
	mediabox_found_release(&again);
	buf_release(&w.in);
	buf_release(&w.out);
	buf_release(&second.out);
}

static void take(struct wire_rec rec, enum mediabox_kind kind)
{
	static struct mediabox_found f;
	struct err why, err;
	enum pv_code rc;

	err_init(&why);
	err_init(&err);
	memset(&f, 0, sizeof(f));
	rc = mediabox_get_found(&rec, secrets, kind, &why, &f, &err);
	if (rc != PV_OK) {
		FUZZ_CHECK(rc == PV_INPUT && err.code == rc);
		FUZZ_CHECK(strcmp(err.rule, "media.parser") == 0);
	} else if (why.code != PV_OK) {
		FUZZ_CHECK(why.rule[0]);
		FUZZ_CHECK(strlen(why.message) < sizeof(why.message));
	} else {
		check_found(kind, &f);
		say_again(kind, &f);
	}
	mediabox_found_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire w = { .fd = -1 };
	struct wire_rec rec;

	FUZZ_SECRETS();
	if (secrets < 0)
		secrets = open("/dev/zero", O_RDWR | O_CLOEXEC);
	buf_init(&w.in, WIRE_BUFFER_MAX);
	buf_init(&w.out, WIRE_BUFFER_MAX);
	buf_put(&w.in, data, len);
	while (wire_next(&w, &rec))
		for (int kind = MEDIABOX_SUMS; kind <= MEDIABOX_TRANSPORT;
		     kind++)
			take(rec, (enum mediabox_kind)kind);
	buf_release(&w.in);
	buf_release(&w.out);
	return 0;
}
