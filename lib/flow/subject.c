#include "lib/flow/subject.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/subject_acts.h"
#include "lib/flow/subject_plan.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/log/tree.h"
#include "policy/approval_render.h"

static void put_line(struct buf *out, const char *key, struct span value)
{
	buf_printf(out, "%s ", key);
	buf_put(out, value.p, value.len);
	buf_put_u8(out, '\n');
}

static void put_number(struct buf *out, const char *key, uint64_t v)
{
	buf_printf(out, "%s %llu\n", key, (unsigned long long)v);
}

static void put_hash(struct buf *out, const char *key, const uint8_t hash[32])
{
	char hex[65];

	hex_encode(hash, 32, hex);
	buf_printf(out, "%s%s\n", key, hex);
}

void subject_secret(struct buf *out, struct span type, struct span name,
		    uint64_t version, const uint8_t value[static 32])
{
	buf_put(out, type.p, type.len);
	buf_put_u8(out, '\n');
	put_line(out, "name", name);
	put_number(out, "version", version);
	put_hash(out, "value hmac-sha256:", value);
}

void subject_destroy(struct buf *out, struct span name, uint64_t version,
		     uint64_t newest, uint64_t count)
{
	buf_put_str(out, LOG_SECRET_DESTROY "\n");
	put_line(out, "name", name);
	if (newest == 0) {
		put_number(out, "version", version);
		return;
	}
	buf_put_str(out, "version all\n");
	put_number(out, "newest", newest);
	put_number(out, "count", count);
}

enum pv_code subject_clock(struct buf *out, uint64_t newest_s, uint64_t until_s,
			   struct err *err)
{
	char newest[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];

	if (newest_s > INT64_MAX || until_s > INT64_MAX ||
	    !pvtime_format((int64_t)newest_s, newest) ||
	    !pvtime_format((int64_t)until_s, until))
		return err_fail(err, PV_INPUT, "clock.until", NULL,
				"not a time from 1970 to 9999");
	buf_printf(out, "clock accept\nnewest_entry %s\nuntil %s\n", newest,
		   until);
	return buf_check(out, err);
}

void subject_order_end(struct buf *out, struct span name,
		       const uint8_t sha256[static 32], bool gives_up)
{
	buf_put_str(out, APPROVAL_ORDER_END);
	put_line(out, "name", name);
	put_hash(out, "order sha256:", sha256);
	if (gives_up)
		buf_put_str(out, "held for good: what waits for its result\n");
}

void subject_held(struct buf *out, const struct subject_held *h)
{
	buf_printf(out, "quarantine %s\n", h->release ? "release" : "reject");
	put_number(out, "number", h->number);
	put_line(out, "request", h->request);
	if (h->device.len > 0)
		put_line(out, "device", h->device);
	put_line(out, "rule", h->rule);
	put_hash(out, "bytes sha256:", h->bytes);
}

/* ---- the same of an entry ---- */

/* A fact of 32 bytes, or NULL. */
static const uint8_t *hash_of(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);

	return f && f->s.len == LOG_HASH ? f->s.p : NULL;
}

static uint64_t number_of(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : 0;
}

static struct span text_of(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_TSTR);

	return f ? f->s : (struct span){ NULL, 0 };
}

static bool put_secret(const struct log_entry *e, uint64_t n, struct buf *out)
{
	const uint8_t *value = hash_of(e, LOG_VALUE);

	(void)n;
	if (value)
		subject_secret(out, e->type, e->object, number_of(e, "version"),
			       value);
	return value != NULL;
}

static bool put_destroy(const struct log_entry *e, uint64_t n, struct buf *out)
{
	subject_destroy(out, e->object, number_of(e, "version"),
			number_of(e, LOG_NEWEST), n);
	return true;
}

static bool put_clock(const struct log_entry *e, uint64_t n, struct buf *out)
{
	struct err why;

	(void)n;
	err_init(&why);
	return subject_clock(out, number_of(e, LOG_NEWEST),
			     number_of(e, LOG_UNTIL), &why) == PV_OK;
}

static bool put_order_end(const struct log_entry *e, uint64_t n,
			  struct buf *out)
{
	const uint8_t *order = hash_of(e, "hash");

	(void)n;
	if (order)
		subject_order_end(out, e->object, order,
				  number_of(e, LOG_GIVEN_UP) == 1);
	return order != NULL;
}

static bool put_held(const struct log_entry *e, uint64_t n, struct buf *out)
{
	const struct subject_held h = {
		.release = span_is(e->type, LOG_QUARANTINE_RELEASE),
		.number = number_of(e, "held"),
		.request = e->object,
		.device = text_of(e, "device"),
		.rule = text_of(e, "rule"),
		.bytes = hash_of(e, "bytes hash")
	};

	(void)n;
	if (h.bytes)
		subject_held(out, &h);
	return h.bytes != NULL;
}

static bool put_acts(const struct log_entry *e, uint64_t n, struct buf *out)
{
	const struct log_fact *text = log_fact_find(e, LOG_SUBJECT, LOG_BSTR);

	(void)n;
	if (text)
		buf_put(out, text->s.p, text->s.len);
	return text != NULL;
}

/* The text, which is of the plan that the entry names. */
static bool put_ceremony(const struct log_entry *e, uint64_t n, struct buf *out)
{
	const struct log_fact *text = log_fact_find(e, LOG_SUBJECT, LOG_BSTR);
	const uint8_t *plan = hash_of(e, "hash");

	(void)n;
	if (!text || !plan || !subject_plan_is_of(text->s, plan))
		return false;
	buf_put(out, text->s.p, text->s.len);
	return true;
}

/* Of all others it is the file, whose hash they say. */
static const struct {
	const char *type;
	bool (*put)(const struct log_entry *e, uint64_t n, struct buf *out);
} texts[] = {
	{ LOG_SECRET_ADD, put_secret },
	{ LOG_SECRET_ROTATE, put_secret },
	{ LOG_SECRET_DESTROY, put_destroy },
	{ LOG_ORDER_CLOSE, put_order_end },
	{ LOG_CLOCK_ACCEPT, put_clock },
	{ LOG_QUARANTINE_RELEASE, put_held },
	{ LOG_QUARANTINE_REJECT, put_held },
	{ LOG_PEOPLE_DECIDE, put_acts },
	{ LOG_CEREMONY_BEGIN, put_ceremony },
};

enum pv_code subject_of(const struct log_entry *e, uint64_t n,
			uint8_t hash[static 32], bool *says, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	const uint8_t *file = hash_of(e, "hash");
	enum pv_code rc;

	buf_init(&text, SUBJECT_ACTS_MAX);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!span_is(e->type, texts[i].type))
			continue;
		*says = texts[i].put(e, n, &text);
		rc = buf_check(&text, err);
		return rc == PV_OK && *says ? sha256(buf_span(&text), hash, err)
					    : rc;
	}
	*says = file != NULL;
	if (file)
		memcpy(hash, file, 32);
	return PV_OK;
}
