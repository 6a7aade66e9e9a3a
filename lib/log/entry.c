#include "lib/log/entry.h"

#include <string.h>

#include "lib/base/cbor_read.h"
#include "lib/base/notechars.h"

/* Map of five pairs; head and key of each, and the longest heads inside. */
#define FIELDS 5
#define HEAD_MAX 9    /* bytes of any CBOR head (RFC 8949 3) */
#define ENTRY_DEPTH 2 /* the map and the facts in it */

struct span log_str(const char *s)
{
	struct span out = { (const uint8_t *)s, s ? strlen(s) : 0 };

	return out;
}

/* Room for one more fact; facts_n runs past the end only to be refused. */
static struct log_fact *next_fact(struct log_entry *e, const char *key)
{
	struct log_fact *f;

	if (e->facts_n >= LOG_FACTS_MAX) {
		e->facts_n = LOG_FACTS_MAX + 1;
		return NULL;
	}
	f = &e->facts[e->facts_n++];
	memset(f, 0, sizeof(*f));
	f->key = log_str(key);
	return f;
}

void log_entry_start(struct log_entry *e, const struct log_who *who,
		     const char *type, const char *object)
{
	memset(e, 0, sizeof(*e));
	e->type = log_str(type);
	e->time_ms = who->time_ms;
	e->actor = log_str(who->actor);
	e->object = log_str(object);
}

void log_fact_uint(struct log_entry *e, const char *key, uint64_t v)
{
	struct log_fact *f = next_fact(e, key);

	if (f) {
		f->kind = LOG_UINT;
		f->u = v;
	}
}

void log_fact_str(struct log_entry *e, const char *key, const char *v)
{
	struct log_fact *f = v ? next_fact(e, key) : NULL;

	if (f) {
		f->kind = LOG_TSTR;
		f->s = log_str(v);
	}
}

void log_fact_bytes(struct log_entry *e, const char *key, const uint8_t *p,
		    size_t len)
{
	struct log_fact *f = p ? next_fact(e, key) : NULL;

	if (f) {
		f->kind = LOG_BSTR;
		f->s.p = p;
		f->s.len = len;
	}
}

/* Bytewise order of encoded text keys: shorter ones first (RFC 8949 4.2.1). */
static int key_cmp(struct span a, struct span b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return memcmp(a.p, b.p, a.len);
}

/* order[] gets the facts' places, sorted by key; false when two are equal. */
static bool sort_facts(const struct log_entry *e, size_t order[LOG_FACTS_MAX])
{
	for (size_t i = 0; i < e->facts_n; i++) {
		size_t at = i;

		for (; at > 0; at--) {
			int c = key_cmp(e->facts[order[at - 1]].key,
					e->facts[i].key);

			if (c == 0)
				return false;
			if (c < 0)
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
	return true;
}

/* What formats.md 6 lets stand in a line of text. */
static bool text_ok(struct span s)
{
	size_t at;
	uint32_t c;

	return notechars_plain(s) ||
	       (notechars_ok(s, &at, &c) && !memchr(s.p, '\n', s.len));
}

static bool type_ok(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			  c == '.' || c == '-';

		if (!ok)
			return false;
	}
	return s.len > 0 && s.len <= LOG_TYPE_MAX;
}

static bool text_between(struct span s, size_t max)
{
	return s.len > 0 && s.len <= max && text_ok(s);
}

/* The rule that e breaks, or NULL. */
static const char *entry_fault(const struct log_entry *e, const char **rule)
{
	*rule = "log.facts";
	if (e->facts_n > LOG_FACTS_MAX)
		return "there are too many facts";
	*rule = "log.text";
	if (!type_ok(e->type))
		return "the type is not 1 to 64 of a-z, 0-9, dot and hyphen";
	if (!text_between(e->actor, LOG_TEXT_MAX))
		return "the actor is empty, too long or not plain text";
	if (!text_between(e->object, LOG_TEXT_MAX))
		return "the object is empty, too long or not plain text";
	for (size_t i = 0; i < e->facts_n; i++) {
		const struct log_fact *f = &e->facts[i];

		if (!text_between(f->key, LOG_KEY_MAX))
			return "the key of a fact is not plain text";
		if (f->kind == LOG_TSTR && !text_ok(f->s))
			return "a fact is not plain text";
	}
	return NULL;
}

static void put_tstr(struct cbor_writer *w, struct span s)
{
	cbor_put_tstr(w, (const char *)s.p, s.len);
}

static void put_fact(struct cbor_writer *w, const struct log_fact *f)
{
	put_tstr(w, f->key);
	switch (f->kind) {
	case LOG_UINT:
		cbor_put_uint(w, f->u);
		break;
	case LOG_TSTR:
		put_tstr(w, f->s);
		break;
	case LOG_BSTR:
		cbor_put_bstr(w, f->s.p, f->s.len);
		break;
	}
}

static void put_entry(struct cbor_writer *w, const struct log_entry *e,
		      const size_t order[LOG_FACTS_MAX])
{
	cbor_put_map(w, FIELDS);
	cbor_put_uint(w, 1);
	put_tstr(w, e->type);
	cbor_put_uint(w, 2);
	cbor_put_uint(w, e->time_ms);
	cbor_put_uint(w, 3);
	put_tstr(w, e->actor);
	cbor_put_uint(w, 4);
	put_tstr(w, e->object);
	cbor_put_uint(w, 5);
	cbor_put_map(w, e->facts_n);
	for (size_t i = 0; i < e->facts_n; i++)
		put_fact(w, &e->facts[order[i]]);
}

/* No encoding of e is longer; past LOG_ENTRY_MAX when one text already is. */
static size_t size_bound(const struct log_entry *e)
{
	size_t n = 2 * FIELDS * HEAD_MAX + e->type.len + e->actor.len +
		   e->object.len;

	for (size_t i = 0; i < e->facts_n; i++) {
		if (e->facts[i].s.len > LOG_ENTRY_MAX)
			return SIZE_MAX;
		n += 2 * HEAD_MAX + e->facts[i].key.len + e->facts[i].s.len;
	}
	return n;
}

enum pv_code log_entry_encode(const struct log_entry *e, struct buf *out,
			      struct err *err)
{
	size_t order[LOG_FACTS_MAX];
	struct cbor_writer w;
	const char *rule;
	const char *why = entry_fault(e, &rule);
	size_t bound;
	uint8_t *room;

	if (why)
		return err_fail(err, PV_INPUT, rule, NULL, "log entry: %s",
				why);
	if (!sort_facts(e, order))
		return err_fail(err, PV_INPUT, "log.facts", NULL,
				"log entry: two facts have one key");
	bound = size_bound(e);
	cbor_writer_init(&w, NULL, 0);
	if (bound > LOG_ENTRY_MAX && bound != SIZE_MAX)
		put_entry(&w, e, order);
	if (bound == SIZE_MAX || w.len > LOG_ENTRY_MAX)
		return err_fail(err, PV_INPUT, "log.size", NULL,
				"log entry: longer than %u bytes",
				LOG_ENTRY_MAX);
	if (w.len > 0)
		bound = w.len;
	room = buf_room(out, bound);
	if (!room)
		return buf_check(out, err);
	cbor_writer_init(&w, room, bound);
	put_entry(&w, e, order);
	buf_commit(out, w.len);
	return PV_OK;
}

static struct span to_span(struct cbor_bytes b)
{
	struct span s = { b.p, b.len };

	return s;
}

/* entry_fault() looks at the characters of each. */
static bool get_tstr(struct cbor_reader *r, struct span *s)
{
	struct cbor_bytes b;

	if (!cbor_in_chars(r, &b))
		return false;
	*s = to_span(b);
	return true;
}

static bool get_fact(struct cbor_reader *r, struct log_fact *f)
{
	struct cbor_bytes b;

	if (!get_tstr(r, &f->key))
		return false;
	f->u = 0;
	f->s = (struct span){ NULL, 0 };
	switch (cbor_in_peek(r)) {
	case CBOR_UINT:
		f->kind = LOG_UINT;
		return cbor_in_uint(r, &f->u);
	case CBOR_TSTR:
		f->kind = LOG_TSTR;
		return get_tstr(r, &f->s);
	case CBOR_BSTR:
		f->kind = LOG_BSTR;
		if (!cbor_in_bstr(r, &b))
			return false;
		f->s = to_span(b);
		return true;
	default:
		return false;
	}
}

/* Flat: an entry is some thirty heads of a few instructions each. */
__attribute__((flatten)) static bool get_entry(struct cbor_reader *r,
					       struct log_entry *e)
{
	uint64_t n;

	if (!cbor_in_map(r, &n) || n != FIELDS)
		return false;
	if (!cbor_in_expect(r, 1) || !get_tstr(r, &e->type) ||
	    !cbor_in_expect(r, 2) || !cbor_in_uint(r, &e->time_ms) ||
	    !cbor_in_expect(r, 3) || !get_tstr(r, &e->actor) ||
	    !cbor_in_expect(r, 4) || !get_tstr(r, &e->object) ||
	    !cbor_in_expect(r, 5) || !cbor_in_map(r, &n))
		return false;
	if (n > LOG_FACTS_MAX)
		return false;
	for (e->facts_n = 0; e->facts_n < n; e->facts_n++) {
		struct log_fact *f = &e->facts[e->facts_n];

		if (!get_fact(r, f))
			return false;
		if (e->facts_n > 0 && key_cmp(f[-1].key, f->key) >= 0)
			return false;
	}
	return cbor_in_done(r);
}

/* Why get_entry() did not take it. */
static const char *form_fault(struct span bytes)
{
	const char *why = "too long";

	if (bytes.len > LOG_ENTRY_MAX ||
	    !cbor_valid(bytes.p, bytes.len, ENTRY_DEPTH, &why))
		return why;
	return "not the five fields of an entry";
}

enum pv_code log_entry_decode(struct span bytes, struct log_entry *e,
			      struct err *err)
{
	struct cbor_reader r;
	const char *why;
	const char *rule;

	cbor_in_init(&r, bytes.p, bytes.len);
	if (bytes.len <= LOG_ENTRY_MAX && get_entry(&r, e))
		why = entry_fault(e, &rule);
	else
		why = form_fault(bytes);
	if (!why)
		return PV_OK;
	memset(e, 0, sizeof(*e));
	return err_fail(
		err, PV_INTEGRITY, "log.entry",
		"run provctl audit verify; restore the store from a backup",
		"log entry: %s", why);
}

bool log_entry_type(struct span bytes, struct span *type)
{
	struct cbor_reader r;
	struct cbor_bytes text;
	uint64_t n;

	cbor_in_init(&r, bytes.p, bytes.len);
	if (!cbor_in_map(&r, &n) || !cbor_in_expect(&r, 1) ||
	    !cbor_get_tstr(&r, &text))
		return false;
	*type = (struct span){ text.p, text.len };
	return true;
}

bool log_entry_time(struct span bytes, uint64_t *time_ms)
{
	struct cbor_reader r;
	struct cbor_bytes type;
	uint64_t n;

	cbor_in_init(&r, bytes.p, bytes.len);
	return bytes.len <= LOG_ENTRY_MAX && cbor_in_map(&r, &n) &&
	       n == FIELDS && cbor_in_expect(&r, 1) &&
	       cbor_get_tstr(&r, &type) && cbor_in_expect(&r, 2) &&
	       cbor_in_uint(&r, time_ms);
}

const struct log_fact *log_fact_find(const struct log_entry *e, const char *key,
				     enum log_kind kind)
{
	struct span want = log_str(key);

	for (size_t i = 0; i < e->facts_n; i++)
		if (e->facts[i].kind == kind &&
		    span_equal(e->facts[i].key, want))
			return &e->facts[i];
	return NULL;
}

bool log_fact_is(const struct log_entry *e, const char *key, const void *p,
		 size_t len)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);
	struct span want = { p, len };

	return f && span_equal(f->s, want);
}
