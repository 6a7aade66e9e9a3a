/* Settings: their text, now and as it was recorded, and which is changed. */
#include "lib/flow/settings.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/governance.h"
#include "lib/flow/settings_other.h"
#include "lib/flow/witnesses.h"
#include "lib/log/lines.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define FILE_MAX (64u * 1024u * 1024u)
#define NAME "config accept"
#define HOOK_HASH "publish_hook_sha256 "
#define UNREADABLE HOOK_HASH "-"

/* ---- now ---- */

static enum pv_code hash_file(const char *path, char hex[65], struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&bytes, FILE_MAX);
	rc = file_read(AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, &bytes,
		       err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&bytes), hash, err);
	if (rc == PV_OK)
		hex_encode(hash, 32, hex);
	return rc;
}

static enum pv_code put_module(const struct authority *a, struct buf *text,
			       struct err *err)
{
	char hex[65];
	enum pv_code rc;

	buf_printf(text, "module %s\n", a->module);
	if (!a->own_module)
		return PV_OK;
	rc = hash_file(a->module, hex, err);
	if (rc == PV_OK)
		buf_printf(text, "module_sha256 %s\n", hex);
	return rc;
}

/* It runs as the service, which can read what the PIN comes from. One that
 * cannot be read is never what was accepted: settings_compare(). */
static void put_hook(const struct authority *a, struct buf *text)
{
	struct err why;
	char hex[65];

	if (!a->publish_hook[0])
		return;
	err_init(&why);
	buf_printf(text, "publish_hook %s\n", a->publish_hook);
	if (hash_file(a->publish_hook, hex, &why) == PV_OK)
		buf_printf(text, HOOK_HASH "%s\n", hex);
	else
		buf_put_str(text, UNREADABLE "\n");
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
	size_t n = 0;
	enum pv_code rc = witnesses_load(a, known, &n, err);

	/* Whom nobody asks vouches for nothing. */
	if (a->witnesses_required == 0)
		return rc;

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
	    !memchr(text->data, SETTINGS_BETWEEN, text->len))
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

	buf_put_str(text, NAME "\n");
	rc = put_module(a, text, err);
	buf_printf(text,
		   "clock_max_step_days %u\nwitnesses_required %u\n"
		   "witness_max_age_s %u\n",
		   a->clock_max_step_days, a->witnesses_required,
		   a->witness_max_age_s);
	put_hook(a, text);
	put_keys(a, text);
	if (rc == PV_OK)
		rc = put_witnesses(a, text, err);
	if (rc == PV_OK)
		rc = settings_other(a, text, err);
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
		if (text->data[i] == SETTINGS_BETWEEN)
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

/* ---- which is changed ---- */

/* The first n words of a line; all of it when it has no more. */
static struct span words_of(struct span line, unsigned n)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] == ' ' && --n == 0)
			return (struct span){ line.p, i };
	return line;
}

/* What says which of several lines of one kind it is. */
static struct span name_of(struct span line)
{
	struct span word = words_of(line, 1);

	return words_of(line, span_is(word, "key")	 ? 2
			      : span_is(word, "witness") ? UINT_MAX
							 : 1);
}

/* The line that is named so. */
static struct span line_of(struct span text, struct span name)
{
	struct span line;

	while (lines_next(&text, &line))
		if (span_equal(name_of(line), name))
			return line;
	return (struct span){ NULL, 0 };
}

bool settings_next(struct span *rest, struct span *line)
{
	while (lines_next(rest, line))
		if (!span_is(*line, NAME))
			return true;
	return false;
}

bool settings_has(struct span text, struct span line)
{
	return span_equal(line_of(text, name_of(line)), line);
}

static void copy(char out[SETTINGS_LINE_MAX], struct span s)
{
	snprintf(out, SETTINGS_LINE_MAX, "%.*s", (int)s.len,
		 s.len ? (const char *)s.p : "");
}

static bool is_module(struct span line)
{
	return line.len > 6 && memcmp(line.p, "module", 6) == 0;
}

/* The first line of text that is not in other, and what is there instead. */
static bool differs(struct span text, struct span other, struct span *line,
		    struct span *instead)
{
	while (lines_next(&text, line)) {
		*instead = line_of(other, name_of(*line));
		if (!span_equal(*instead, *line))
			return true;
	}
	return false;
}

void settings_compare(struct span accepted, struct span now,
		      struct settings_change *c)
{
	struct span line = { NULL, 0 }, was = { NULL, 0 };

	memset(c, 0, sizeof(*c));
	c->unreadable = settings_has(now, log_str(UNREADABLE));
	c->any = differs(now, accepted, &line, &was) ||
		 differs(accepted, now, &was, &line) || c->unreadable;
	if (!c->any)
		return;
	c->module = is_module(line) || is_module(was);
	copy(c->now, line);
	copy(c->accepted, was);
}
