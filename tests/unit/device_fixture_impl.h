/* device_fixture_impl: what the parts of device_fixture share. */
#ifndef PV_TESTS_DEVICE_FIXTURE_IMPL_H
#define PV_TESTS_DEVICE_FIXTURE_IMPL_H

#include "tests/unit/device_fixture.h"

#include <check.h>

#define MAX (1u << 20)

/* Memory for a CBOR writer; not to be copied. */
struct scratch {
	struct cbor_writer w;
	uint8_t bytes[8192];
};

static inline void start(struct scratch *s)
{
	cbor_writer_init(&s->w, s->bytes, sizeof(s->bytes));
}

/* Appends what was written. */
static inline void take(struct scratch *s, struct buf *out)
{
	ck_assert(cbor_writer_ok(&s->w));
	buf_put(out, s->bytes, s->w.len);
	ck_assert(!out->failed);
}

/* COSE_Sign1 that names one key and is signed by signer. */
void fx_sign1(struct buf *out, EVP_PKEY *named, EVP_PKEY *signer,
	      const char *kid, struct span payload);
void fx_mac0(struct buf *out, const struct fx_keys *k,
	     const struct fx_spec *spec, struct span payload);
/* Batch descriptor of b->payload into item 1. */
void fx_batch(const struct fx_keys *k, const struct fx_spec *s,
	      struct fx_bundle *b);

#endif
