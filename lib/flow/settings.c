/* Settings: their text, now and as it was recorded, and which is looser. */
#include "lib/flow/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/governance.h"
#include "lib/flow/witnesses.h"
#include "lib/log/lines.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define MODULE_MAX (64u * 1024u * 1024u)
#define BETWEEN '|' /* of lines, in the fact of an entry */

/* ---- now ---- */

static enum pv_code put_module(const struct authority *a, struct buf *text,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc;

	buf_init(&bytes, MODULE_MAX);
	buf_printf(text, "module %s\n", a->module);
	if (!a->own_module)
		return PV_OK;
	rc = file_read(AT_FDCWD, a->module, FILEIO_NOT_WRITABLE_BY_OTHERS,
		       &bytes, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&bytes), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, 32, hex);
	buf_printf(text, "module_sha256 %s\n", hex);
	return PV_OK;
}

static void put_keys(const struct authority *a, struct buf *text)
{
	for (size_t i = 0; i < a->keys_n; i++) {
		const struct authority_key *k = &a->keys[i];

		buf_printf(text, "key %s %s %u", k->purpose, k->label,
			   k->generation);
		if (k->from)
			buf_printf(text, " from %llu",
				   (unsigned long long)k->from);
		buf_put_u8(text, '\n');
	}
}

static enum pv_code put_witnesses(const struct authority *a, struct buf *text,
				  struct err *err)
{
	struct log_witness known[COSIGNED_WITNESSES_MAX];
	size_t n;
	enum pv_code rc = witnesses_load(a, known, &n, err);

	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		buf_put_str(text, "witness ");
		log_witness_put(&known[i], text);
		buf_put_u8(text, '\n');
	}
	return rc;
}

static enum pv_code check_text(const struct buf *text, struct err *err)
{
	struct err why;
	enum pv_code rc = buf_check(text, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	if (note_text_check(buf_span(text), &why) == PV_OK &&
	    !memchr(text->data, BETWEEN, text->len))
		return PV_OK;
	err_object(err, "provctl.json");
	return err_fail(err, PV_INPUT, "config.text",
			"choose names of plain characters",
			"a module, a key's label or a witness has a name that "
			"people cannot be shown");
}

enum pv_code settings_now(const struct authority *a, struct buf *text,
			  struct err *err)
{
	enum pv_code rc;

	buf_put_str(text, "config accept\n");
	rc = put_module(a, text, err);
	buf_printf(text,
		   "clock_max_step_days %u\nwitnesses_required %u\n"
		   "witness_max_age_s %u\n",
		   a->clock_max_step_days, a->witnesses_required,
		   a->witness_max_age_s);
	put_keys(a, text);
	if (rc == PV_OK)
		rc = put_witnesses(a, text, err);
	return rc == PV_OK ? check_text(text, err) : rc;
}

/* ---- as it was recorded ---- */

static enum pv_code take_entry(struct span bytes, struct buf *text,
			       struct err *err)
{
	const struct log_fact *f;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc != PV_OK)
		return rc;
	f = log_fact_find(&e, LOG_SETTINGS, LOG_TSTR);
	if (f)
		buf_put(text, f->s.p, f->s.len);
	for (size_t i = 0; !text->failed && i < text->len; i++)
		if (text->data[i] == BETWEEN)
			text->data[i] = '\n';
	rc = buf_check(text, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(text), hash, err);
	if (rc == PV_OK && (!span_is(e.type, LOG_CONFIG_ACCEPT) ||
			    !log_fact_is(&e, "hash", hash, sizeof(hash))))
		rc = governance_wrong(LOG_CONFIG_ACCEPT, LOG_CONFIG_NAME,
				      "its log entry is another", err);
	return rc;
}

enum pv_code settings_recorded(struct store *store, struct buf *text,
			       bool *found, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	uint64_t index;
	enum pv_code rc =
		store_governance_last(store, LOG_CONFIG_ACCEPT, &index, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	*found = rc == PV_OK && index != STORE_NO_INDEX;
	if (!*found)
		return rc;
	rc = store_log_read(store, index, &entry, err);
	return rc == PV_OK ? take_entry(buf_span(&entry), text, err) : rc;
}

/* ---- which is looser ---- */

struct comparing {
	struct store *store;
	struct span recorded;
	struct span line; /* of now */
	struct span was;  /* of recorded: what it stands against; may be none */
};

/* The line of recorded that starts with those words, and a space. */
static struct span line_of(struct span recorded, struct span words)
{
	struct span line;

	while (lines_next(&recorded, &line))
		if (line.len > words.len && line.p[words.len] == ' ' &&
		    memcmp(line.p, words.p, words.len) == 0)
			return line;
	return (struct span){ NULL, 0 };
}

static bool has_line(struct span recorded, struct span wanted)
{
	struct span line;

	while (lines_next(&recorded, &line))
		if (span_equal(line, wanted))
			return true;
	return false;
}

/* The first n words of a line; all of it when it has no more. */
static struct span words_of(struct span line, unsigned n)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] == ' ' && --n == 0)
			return (struct span){ line.p, i };
	return line;
}

static uint64_t number_of(struct span line)
{
	struct span words = words_of(line, 1);
	uint64_t v = 0;

	if (line.len <= words.len ||
	    !lines_number((struct span){ line.p + words.len + 1,
					 line.len - words.len - 1 },
			  &v))
		return 0;
	return v;
}

struct key_line {
	char purpose[64], label[128];
	unsigned generation;
	unsigned long long from;
};

static bool take_key(struct span line, struct key_line *k)
{
	char text[SETTINGS_LINE_MAX];
	int n;

	k->from = 0;
	if (line.len >= sizeof(text))
		return false;
	memcpy(text, line.p, line.len);
	text[line.len] = '\0';
	n = sscanf(text, "key %63s %127s %u from %llu", k->purpose, k->label,
		   &k->generation, &k->from);
	return n == 3 || n == 4;
}

struct looking_for {
	const struct key_line *key;
	bool found;
};

static enum pv_code look_at_key(void *ctx, const struct store_key *row,
				struct err *err)
{
	struct looking_for *l = ctx;

	(void)err;
	l->found |= strcmp(row->label, l->key->label) == 0 &&
		    strcmp(row->purpose, l->key->purpose) == 0 &&
		    row->generation == l->key->generation;
	return PV_OK;
}

/* A rotation's own change needs no other decision: the generation is a later
 * one, the store has it, and the log's key is asked for from then on. */
static enum pv_code key_is_looser(const struct comparing *c, bool *looser,
				  struct err *err)
{
	struct key_line now, was;
	struct looking_for l = { &now, false };
	const struct store_visit v = { .ctx = &l, .fn.key = look_at_key };
	uint64_t size;
	enum pv_code rc;

	*looser = c->was.len > 0;
	if (c->was.len == 0 || !take_key(c->line, &now) ||
	    !take_key(c->was, &was) || now.generation <= was.generation)
		return PV_OK;
	rc = store_key_each(c->store, &v, err);
	if (rc == PV_OK)
		rc = store_log_size(c->store, &size, err);
	if (rc == PV_OK)
		*looser = !l.found || now.from > size;
	return rc;
}

static enum pv_code is_looser(struct comparing *c, bool *looser,
			      struct err *err)
{
	static const struct span required = {
		(const uint8_t *)"witnesses_required", 18
	};
	struct span word = words_of(c->line, 1);

	*looser = false;
	if (has_line(c->recorded, c->line))
		return PV_OK;
	*looser = true;
	if (span_is(word, "witness")) {
		/* Whom nobody asked vouches for nothing yet. */
		*looser = number_of(line_of(c->recorded, required)) > 0;
		return PV_OK;
	}
	if (span_is(word, "key")) {
		c->was = line_of(c->recorded, words_of(c->line, 2));
		return key_is_looser(c, looser, err);
	}
	c->was = line_of(c->recorded, word);
	if (c->was.len == 0)
		return PV_OK;
	if (span_is(word, "clock_max_step_days") ||
	    span_is(word, "witness_max_age_s"))
		*looser = number_of(c->line) > number_of(c->was);
	if (span_is(word, "witnesses_required"))
		*looser = number_of(c->line) < number_of(c->was);
	return PV_OK;
}

static void copy(char out[SETTINGS_LINE_MAX], struct span s)
{
	snprintf(out, SETTINGS_LINE_MAX, "%.*s", (int)s.len,
		 s.len ? (const char *)s.p : "");
}

enum pv_code settings_compare(struct store *store, struct span recorded,
			      struct span now, bool *looser,
			      char which[SETTINGS_LINE_MAX],
			      char was[SETTINGS_LINE_MAX], struct err *err)
{
	struct comparing c = { .store = store, .recorded = recorded };
	enum pv_code rc = PV_OK;

	*looser = false;
	which[0] = was[0] = '\0';
	while (rc == PV_OK && !*looser && lines_next(&now, &c.line)) {
		c.was = (struct span){ NULL, 0 };
		rc = is_looser(&c, looser, err);
	}
	if (rc == PV_OK && *looser) {
		copy(which, c.line);
		copy(was, c.was);
	}
	return rc;
}
