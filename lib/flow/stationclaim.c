#include "lib/flow/stationclaim.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/log/lines.h"
#include "lib/log/tree.h"

#define TEXT_MAX 2048u
#define PIECE 65536u

CLEANUP_PTR(struct sha256, sha256_free);

static void cleanup_note(struct note *n)
{
	note_release(n);
}

void stationclaim_release(struct stationclaim *c)
{
	buf_release(&c->note);
}

/* ---- what is signed ---- */

struct said {
	const char *log;
	struct span order, station, time;
	const uint8_t *input, *session; /* one of them */
};

static void put_text(const struct said *s, struct buf *out)
{
	char hex[2 * LOG_HASH + 1];

	buf_printf(out, "provctl station/v1\nlog %s\norder %.*s\n", s->log,
		   (int)s->order.len, (const char *)s->order.p);
	buf_printf(out, "station %.*s\n", (int)s->station.len,
		   (const char *)s->station.p);
	if (s->input) {
		hex_encode(s->input, LOG_HASH, hex);
		buf_printf(out, "input sha256:%s\n", hex);
	} else {
		hex_encode(s->session, LOG_CLAIM_SESSION_LEN, hex);
		buf_printf(out, "session %s\n", hex);
	}
	buf_printf(out, "time %.*s\n", (int)s->time.len,
		   (const char *)s->time.p);
}

/* ---- signed ---- */

/* From where fd stands to its end. */
static enum pv_code hash_file(int fd, uint8_t out[32], struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *h = NULL;
	off_t at = lseek(fd, 0, SEEK_CUR);
	uint8_t piece[PIECE];
	ssize_t n = 1;
	enum pv_code rc = sha256_new(&h, err);

	if (rc != PV_OK)
		return rc;
	sha256_begin(h);
	while (at >= 0 && n > 0) {
		n = pread(fd, piece, sizeof(piece), at);
		if (n > 0)
			sha256_add(h, (struct span){ piece, (size_t)n });
		at += n > 0 ? n : 0;
	}
	if (at < 0 || n < 0)
		return err_errno(err, PV_STORAGE, "file.read", NULL,
				 "cannot read the requests to be signed");
	return sha256_end(h, out, err);
}

static enum pv_code take_input(const struct stationclaim_run *run,
			       struct stationclaim *c, struct err *err)
{
	struct stat st;

	if (run->input) {
		memcpy(c->input, run->input, sizeof(c->input));
		return PV_OK;
	}
	c->session = run->stream || run->fd < 0 || fstat(run->fd, &st) != 0 ||
		     !S_ISREG(st.st_mode);
	if (!c->session)
		return hash_file(run->fd, c->input, err);
	return RAND_bytes(c->nonce, sizeof(c->nonce)) == 1
		       ? PV_OK
		       : err_fail(err, PV_INTERNAL, "crypto.random", NULL,
				  "no random bytes for a nonce");
}

static enum pv_code sign(const struct said *s, const struct note_signer *signer,
			 struct stationclaim *c, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, TEXT_MAX);
	put_text(s, &text);
	rc = buf_check(&text, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&text), c->text_sha256, err);
	if (rc == PV_OK)
		rc = note_start(&c->note, buf_span(&text), err);
	/* Verifies what it was given: that is the proof. */
	return rc == PV_OK ? note_sign(&c->note, buf_span(&text), signer, err)
			   : rc;
}

enum pv_code stationclaim_make(const struct stationclaim_run *run,
			       const struct note_signer *signer,
			       struct stationclaim *c, struct err *err)
{
	char now[PVTIME_RFC3339_LEN + 1];
	struct said s = { .log = run->log,
			  .order = log_str(run->order),
			  .station = log_str(run->station) };
	enum pv_code rc;

	memset(c, 0, sizeof(*c));
	buf_init(&c->note, 2 * TEXT_MAX);
	if (!pvtime_format(pvtime_now_s(), now))
		return err_fail(err, PV_DENIED, "clock.range",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	rc = take_input(run, c, err);
	s.time = log_str(now);
	s.input = c->session ? NULL : c->input;
	s.session = c->nonce;
	if (rc == PV_OK)
		rc = sign(&s, signer, c, err);
	if (rc != PV_OK)
		return rc;
	c->key = *signer->key;
	c->made = true;
	return PV_OK;
}

enum pv_code stationclaim_admit(const struct order *o,
				const struct note_key *key, const char *station,
				struct err *err)
{
	size_t i = 0;

	while (i < o->keyed_n && strcmp(o->keyed[i].name, station) != 0)
		i++;
	if (i < o->keyed_n && key &&
	    o->keyed[i].key.spki_len == key->spki_len &&
	    memcmp(o->keyed[i].key.spki, key->spki, key->spki_len) == 0)
		return PV_OK;
	err_object(err, station);
	return err_fail(err, PV_DENIED, "station.key",
			"see \"station_keys\" of the order",
			"the order knows no such key of station %s", station);
}

enum pv_code stationclaim_append(struct store *store,
				 const struct event_who *who,
				 const struct stationclaim *c,
				 const char *order, const char *station,
				 struct err *err)
{
	const struct log_claim facts = { .station = station,
					 .order = order,
					 .input = c->session ? NULL : c->input,
					 .session =
						 c->session ? c->nonce : NULL,
					 .text = c->text_sha256,
					 .note = buf_span(&c->note) };
	struct log_entry e;

	log_station_claim(&e, &who->who, &facts);
	return event_append(store, &e, err);
}

enum pv_code stationclaim_log(struct store *store, const struct stationclaim *c,
			      const char *order, const char *station,
			      struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = stationclaim_append(store, &who, c, order, station, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* ---- verified ---- */

static enum pv_code wrong(const struct log_entry *e, const char *what,
			  struct err *err)
{
	char object[ORDER_ID_MAX + 1];

	snprintf(object, sizeof(object), "%.*s", (int)e->object.len,
		 (const char *)e->object.p);
	err_object(err, object);
	return err_fail(err, PV_INTEGRITY, "audit.station",
			"stop issuing and compare with a backup", "%s", what);
}

/* A fact of just so many bytes, or NULL. */
static const uint8_t *bytes_of(const struct log_entry *e, const char *key,
			       size_t len)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);

	return f && f->s.len == len ? f->s.p : NULL;
}

/* The value of the text's last line. */
static struct span time_of(struct span text)
{
	struct span line, time = { NULL, 0 };

	while (lines_next(&text, &line))
		if (!lines_after(line, "time ", &time))
			time = (struct span){ NULL, 0 };
	return time;
}

static enum pv_code check_text(const struct log_entry *e, const char *log,
			       const struct note *note, bool *same,
			       struct err *err)
{
	const struct log_fact *order =
		log_fact_find(e, LOG_CLAIM_ORDER, LOG_TSTR);
	struct said s = { .log = log,
			  .station = e->object,
			  .time = time_of(note->text),
			  .input = bytes_of(e, LOG_CLAIM_INPUT, LOG_HASH),
			  .session = bytes_of(e, LOG_CLAIM_SESSION,
					      LOG_CLAIM_SESSION_LEN) };
	CLEANUP(buf_release) struct buf again;
	uint8_t hash[32];
	enum pv_code rc;

	*same = false;
	if (!order || (s.input != NULL) == (s.session != NULL))
		return PV_OK;
	s.order = order->s;
	buf_init(&again, TEXT_MAX);
	put_text(&s, &again);
	rc = sha256(note->text, hash, err);
	*same = rc == PV_OK && !again.failed &&
		span_equal(buf_span(&again), note->text) &&
		log_fact_is(e, "hash", hash, sizeof(hash));
	return rc;
}

enum pv_code stationclaim_check(const struct log_entry *e, const char *log,
				const struct order *o, struct err *err)
{
	const struct log_fact *bytes = log_fact_find(e, LOG_NOTE, LOG_BSTR);
	CLEANUP(cleanup_note) struct note note = { .sigs_n = 0 };
	struct err why;
	bool same = false;
	size_t i = 0;
	enum pv_code rc;

	err_init(&why);
	if (!bytes || note_parse(&note, bytes->s, &why) != PV_OK)
		return wrong(e, "a station's claim without its note", err);
	rc = check_text(e, log, &note, &same, err);
	if (rc != PV_OK)
		return rc;
	if (!same)
		return wrong(e, "the station signed something else", err);
	while (i < o->keyed_n && !span_is(e->object, o->keyed[i].name))
		i++;
	if (i == o->keyed_n)
		return wrong(e, "the order knows no such station", err);
	rc = note_verify(&note, &o->keyed[i].key, &why);
	if (rc == PV_INTERNAL) {
		*err = why;
		return rc;
	}
	return rc == PV_OK ? PV_OK
			   : wrong(e,
				   "the order's key of the station has not "
				   "signed it",
				   err);
}
