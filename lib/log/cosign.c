#include "lib/log/cosign.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

#define TIME_LEN 8u

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

static void checkpoint_cleanup(struct log_checkpoint *c)
{
	log_checkpoint_release(c);
}

static enum pv_code wrong(struct err *err, const char *name)
{
	return err_fail(err, PV_INTEGRITY, "log.cosignature",
			"get the checkpoint anew from the witness",
			"the cosignature of %s is wrong", name);
}

enum pv_code log_cosign_message(struct buf *out, struct span body,
				uint64_t time_s, struct err *err)
{
	if (time_s >> 63)
		return err_fail(err, PV_INPUT, "log.cosignature", NULL,
				"the time of a cosignature is 2^63 or later");
	buf_printf(out, "cosignature/v1\ntime %" PRIu64 "\n", time_s);
	buf_put(out, body.p, body.len);
	return buf_check(out, err);
}

static enum pv_code verify_message(const struct log_witness *w,
				   struct span message, const uint8_t *sig,
				   struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						     w->key, LOG_WITNESS_KEY);
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	if (!pkey || !ctx ||
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1) {
		ERR_clear_error();
		return err_fail(err, PV_INTERNAL, "crypto.ed25519", NULL,
				"a witness's key cannot be used");
	}
	ok = EVP_DigestVerify(ctx, sig, LOG_COSIGN_SIG, message.p, message.len);
	ERR_clear_error();
	return ok == 1 ? PV_OK : wrong(err, w->name);
}

/* sig is be64(time) || signature, of a line that names w. */
static enum pv_code verify(const struct log_witness *w, struct span body,
			   struct span sig, uint64_t *at_s, struct err *err)
{
	uint64_t time_s = 0;
	struct buf message;
	enum pv_code rc;

	*at_s = 0;
	if (sig.len != TIME_LEN + LOG_COSIGN_SIG || sig.p[0] & 0x80)
		return wrong(err, w->name);
	for (size_t i = 0; i < TIME_LEN; i++)
		time_s = time_s << 8 | sig.p[i];
	buf_init(&message, LOG_COSIGN_HEAD_MAX + LOG_BODY_MAX);
	rc = log_cosign_message(&message, body, time_s, err);
	if (rc == PV_OK)
		rc = verify_message(w, buf_span(&message), sig.p + TIME_LEN,
				    err);
	buf_release(&message);
	if (rc == PV_OK)
		*at_s = time_s;
	return rc;
}

static bool is_of(const struct note_sig *s, const struct log_witness *w)
{
	return span_is(s->name, w->name) &&
	       memcmp(s->key_id, w->id, LOG_WITNESS_ID) == 0;
}

/* Whether w signed: each of its lines is true and there is one. */
static enum pv_code cosigned(const struct log_checkpoint *c,
			     const struct log_witness *w, bool *yes,
			     struct err *err)
{
	*yes = false;
	for (size_t i = 0; i < c->note.sigs_n; i++) {
		const struct note_sig *s = &c->note.sigs[i];
		uint64_t time_s;
		enum pv_code rc;

		if (!is_of(s, w))
			continue;
		rc = verify(w, c->note.text, s->sig, &time_s, err);
		if (rc != PV_OK)
			return rc;
		*yes = true;
	}
	return PV_OK;
}

enum pv_code log_cosign_time(const struct log_checkpoint *c,
			     const struct log_witness *w, uint64_t *time_s,
			     struct err *err)
{
	uint64_t newest = 0;

	*time_s = 0;
	for (size_t i = 0; i < c->note.sigs_n; i++) {
		const struct note_sig *s = &c->note.sigs[i];
		uint64_t one;
		enum pv_code rc;

		if (!is_of(s, w))
			continue;
		rc = verify(w, c->note.text, s->sig, &one, err);
		if (rc != PV_OK)
			return rc;
		if (one > newest)
			newest = one;
	}
	*time_s = newest;
	return PV_OK;
}

/* Whether the key of known[i] has been counted under an earlier name. */
static enum pv_code counted(const struct log_checkpoint *c,
			    const struct log_witness *known, size_t i,
			    bool *yes, struct err *err)
{
	*yes = false;
	for (size_t k = 0; k < i && !*yes; k++) {
		enum pv_code rc;

		if (memcmp(known[k].key, known[i].key, LOG_WITNESS_KEY) != 0)
			continue;
		rc = cosigned(c, &known[k], yes, err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

enum pv_code log_cosign_count(const struct log_checkpoint *c,
			      const struct log_witness *known, size_t known_n,
			      size_t *count, struct err *err)
{
	size_t n = 0;

	*count = 0;
	for (size_t i = 0; i < known_n; i++) {
		bool yes;
		bool again = false;
		enum pv_code rc = cosigned(c, &known[i], &yes, err);

		if (rc == PV_OK && yes)
			rc = counted(c, known, i, &again, err);
		if (rc != PV_OK)
			return rc;
		n += yes && !again;
	}
	*count = n;
	return PV_OK;
}

static enum pv_code cannot_add(struct err *err, const char *why)
{
	return err_fail(err, PV_INPUT, "log.cosignature",
			"take each witness's line once",
			"the cosignature is not added: %s", why);
}

/* Line i of c, one that is to be added, behind those that stand there. */
static enum pv_code check_line(const struct log_checkpoint *c, size_t i,
			       const struct log_witness *known, size_t known_n,
			       struct err *err)
{
	const struct note_sig *s = &c->note.sigs[i];

	for (size_t k = 0; k < known_n; k++) {
		uint64_t time_s;
		enum pv_code rc;

		if (!is_of(s, &known[k]))
			continue;
		rc = verify(&known[k], c->note.text, s->sig, &time_s, err);
		for (size_t before = 0; rc == PV_OK && before < i; before++)
			if (is_of(&c->note.sigs[before], &known[k]))
				rc = err_fail(err, PV_CONFLICT,
					      "log.cosignature",
					      "take each witness's line once",
					      "the witness has one already");
		return rc;
	}
	return err_fail(err, PV_INTEGRITY, "log.cosignature",
			"ask a witness of the configuration",
			"the line is not of a known witness");
}

static size_t count_lines(struct span bytes, size_t from)
{
	size_t n = 0;

	for (size_t i = from; i < bytes.len; i++)
		n += bytes.p[i] == '\n';
	return n;
}

/* all is old, a checkpoint, and lines behind it. */
static enum pv_code check_added(struct span all, struct span old,
				const struct log_witness *known, size_t known_n,
				struct err *err)
{
	CLEANUP(checkpoint_cleanup)
	struct log_checkpoint now = { .at.size = 0 };
	CLEANUP(checkpoint_cleanup)
	struct log_checkpoint was = { .at.size = 0 };
	size_t added;
	enum pv_code rc = log_checkpoint_parse(&was, old, err);

	if (rc != PV_OK)
		return rc;
	added = count_lines(all, old.len);
	if (added == 0)
		return cannot_add(err, "there is no line");
	if (added > NOTE_SIGS_MAX - was.note.sigs_n)
		return cannot_add(err, "the note has too many lines");
	/* A line that is none, or an empty one, makes it no checkpoint. */
	rc = log_checkpoint_parse(&now, all, err);
	if (rc != PV_OK)
		return rc;
	for (size_t i = was.note.sigs_n; i < now.note.sigs_n; i++) {
		rc = check_line(&now, i, known, known_n, err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

enum pv_code log_cosign_take(struct buf *note, struct span lines,
			     const struct log_witness *known, size_t known_n,
			     struct err *err)
{
	size_t max = note->max < NOTE_SIZE_MAX ? note->max : NOTE_SIZE_MAX;
	struct buf all;
	enum pv_code rc;

	if (note->failed || note->len > max || lines.len > max - note->len)
		return cannot_add(err, "the note would be too long");
	buf_init(&all, max);
	buf_put(&all, note->data, note->len);
	buf_put(&all, lines.p, lines.len);
	rc = buf_check(&all, err);
	if (rc == PV_OK)
		rc = check_added(buf_span(&all), buf_span(note), known, known_n,
				 err);
	buf_release(&all);
	if (rc != PV_OK)
		return rc;
	buf_put(note, lines.p, lines.len);
	return buf_check(note, err);
}

/* was with the line in the place of those that w has there. */
static enum pv_code put_renewed(const struct log_checkpoint *was,
				const struct log_witness *w, struct span line,
				struct buf *out, struct err *err)
{
	enum pv_code rc = note_start(out, was->note.text, err);

	for (size_t i = 0; rc == PV_OK && i < was->note.sigs_n; i++)
		if (!is_of(&was->note.sigs[i], w))
			note_sig_put(out, &was->note.sigs[i]);
	buf_put(out, line.p, line.len);
	return rc == PV_OK ? buf_check(out, err) : rc;
}

/* The line alone under the same text: true, of w, and of what time. */
static enum pv_code time_of_line(const struct log_checkpoint *was,
				 const struct log_witness *w, struct span line,
				 uint64_t *time_s, struct err *err)
{
	CLEANUP(checkpoint_cleanup)
	struct log_checkpoint alone = { .at.size = 0 };
	CLEANUP(buf_release) struct buf note;
	enum pv_code rc;

	*time_s = 0;
	buf_init(&note, NOTE_SIZE_MAX);
	rc = note_start(&note, was->note.text, err);
	buf_put(&note, line.p, line.len);
	if (rc == PV_OK)
		rc = buf_check(&note, err);
	if (rc == PV_OK)
		rc = log_checkpoint_parse(&alone, buf_span(&note), err);
	return rc == PV_OK ? log_cosign_time(&alone, w, time_s, err) : rc;
}

static enum pv_code renew(struct buf *note, const struct log_checkpoint *was,
			  const struct log_witness *w, struct span line,
			  bool *later, struct err *err)
{
	CLEANUP(buf_release) struct buf now;
	uint64_t had_s = 0, has_s = 0;
	enum pv_code rc = log_cosign_time(was, w, &had_s, err);

	if (rc == PV_OK)
		rc = time_of_line(was, w, line, &has_s, err);
	if (rc != PV_OK || had_s == 0 || has_s <= had_s)
		return rc;
	buf_init(&now, note->max);
	rc = put_renewed(was, w, line, &now, err);
	if (rc != PV_OK)
		return rc;
	buf_reset(note);
	buf_put(note, now.data, now.len);
	*later = true;
	return buf_check(note, err);
}

enum pv_code log_cosign_renew(struct buf *note, struct span line,
			      const struct log_witness *known, size_t known_n,
			      bool *later, struct err *err)
{
	CLEANUP(checkpoint_cleanup)
	struct log_checkpoint was = { .at.size = 0 };
	enum pv_code rc = log_checkpoint_parse(&was, buf_span(note), err);

	*later = false;
	for (size_t i = 0; rc == PV_OK && !*later && i < known_n; i++)
		rc = renew(note, &was, &known[i], line, later, err);
	return rc;
}

static enum pv_code put_line(struct buf *out, const struct log_witness *w,
			     uint64_t time_s, const uint8_t *sig,
			     struct err *err)
{
	uint8_t blob[LOG_WITNESS_ID + TIME_LEN + LOG_COSIGN_SIG];
	char text[BASE64_LEN(sizeof(blob)) + 1];

	memcpy(blob, w->id, LOG_WITNESS_ID);
	for (size_t i = 0; i < TIME_LEN; i++)
		blob[LOG_WITNESS_ID + i] = (uint8_t)(time_s >> (56 - 8 * i));
	memcpy(blob + LOG_WITNESS_ID + TIME_LEN, sig, LOG_COSIGN_SIG);
	base64_encode(blob, sizeof(blob), text);
	buf_printf(out, "\xE2\x80\x94 %s %s\n", w->name, text);
	return buf_check(out, err);
}

enum pv_code log_cosign_line(struct buf *out, const struct log_witness *w,
			     struct span body, uint64_t time_s,
			     const uint8_t sig[static LOG_COSIGN_SIG],
			     struct err *err)
{
	struct buf message;
	enum pv_code rc;

	buf_init(&message, LOG_COSIGN_HEAD_MAX + LOG_BODY_MAX);
	rc = log_cosign_message(&message, body, time_s, err);
	if (rc == PV_OK)
		rc = verify_message(w, buf_span(&message), sig, err);
	buf_release(&message);
	return rc == PV_OK ? put_line(out, w, time_s, sig, err) : rc;
}

enum pv_code log_cosign_add(struct buf *note, const struct log_witness *w,
			    uint64_t time_s,
			    const uint8_t sig[static LOG_COSIGN_SIG],
			    struct err *err)
{
	struct buf line;
	enum pv_code rc;

	buf_init(&line, LOG_COSIGN_LINE_MAX);
	rc = put_line(&line, w, time_s, sig, err);
	if (rc == PV_OK)
		rc = log_cosign_take(note, buf_span(&line), w, 1, err);
	buf_release(&line);
	return rc;
}

enum pv_code log_trusted(const struct log_checkpoint *c,
			 const struct log_trust *trust, struct err *err)
{
	enum pv_code rc =
		log_checkpoint_verify(c, trust->keys, trust->keys_n, err);
	size_t count = 0;

	if (rc == PV_OK)
		rc = log_cosign_count(c, trust->witnesses, trust->witnesses_n,
				      &count, err);
	if (rc != PV_OK)
		return rc;
	if (count < trust->required)
		return err_fail(err, PV_INTEGRITY, "log.cosignature",
				"ask the witnesses to cosign the checkpoint",
				"%zu of %zu witnesses cosigned, not %zu", count,
				trust->witnesses_n, trust->required);
	return PV_OK;
}
