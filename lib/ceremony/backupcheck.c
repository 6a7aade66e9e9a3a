#include "lib/ceremony/backupcheck.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/keyrestore.h"
#include "lib/x509/cert.h"

static enum pv_code order(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "ceremony.order",
			"take the transcript as the ceremony left it; if this "
			"is it, ask who ran it",
			"%s", what);
}

static const char *fact(const struct transcript_line *line, const char *key)
{
	const char *s = transcript_fact(line, key);

	return s ? s : "";
}

static unsigned number_of(const struct transcript_line *line, const char *key)
{
	unsigned n = 0;

	return sscanf(fact(line, key), "%4u", &n) == 1 ? n : 0;
}

static bool is_officers(const struct plan_step *step, unsigned number,
			const char *to, const char *key)
{
	char want[BACKUPCHECK_KEY_MAX] = "sha256:";

	hex_encode(step->officer_keys[number - 1], 32, want + strlen(want));
	return strcmp(to, step->officers[number - 1]) == 0 &&
	       strcmp(key, want) == 0;
}

/* A printed one is in the hands that the plan names, where it names any. */
static bool is_keepers(const struct plan_step *step, unsigned number,
		       const char *keeper)
{
	return strcmp(keeper, step->officers[number - 1]) == 0;
}

/* On paper it is nobody's key's. */
static bool goes_where_planned(const struct transcript_line *line,
			       const struct plan_step *step, unsigned number)
{
	const char *to = fact(line, "to"), *key = fact(line, "to_key");
	const char *keeper = fact(line, "keeper");
	bool paper = strcmp(to, "paper") == 0;

	if (key[0] ? strlen(key) >= BACKUPCHECK_KEY_MAX || paper : !paper)
		return false;
	if (!step)
		return true;
	return number <= step->shares && step->print == paper &&
	       (paper ? is_keepers(step, number, keeper)
		      : !keeper[0] && is_officers(step, number, to, key));
}

/* Who has two shares of m is m - 1 people. */
static bool has_one(const struct backupcheck *b, const char *key)
{
	for (size_t i = 0; key[0] && i < SHARES_MAX; i++)
		if ((b->given & 1u << i) && strcmp(b->to_key[i], key) == 0)
			return true;
	return false;
}

enum pv_code backupcheck_share(struct backupcheck *b,
			       const struct transcript_line *line,
			       const struct plan_step *step, struct err *err)
{
	const char *split = fact(line, "split"), *label = fact(line, "label");
	unsigned number = number_of(line, "number");

	if (number < 1 || number > SHARES_MAX ||
	    strlen(split) != 2 * SHARES_SPLIT_LEN || !label[0] ||
	    strlen(label) >= sizeof(b->label))
		return order("a share that cannot be read", err);
	/* A run that was interrupted had another split. */
	if (strcmp(b->split, split) != 0)
		memset(b, 0, sizeof(*b));
	if (b->label[0] && strcmp(b->label, label) != 0)
		return order("shares of two keys in one split", err);
	if (!goes_where_planned(line, step, number))
		return order("a share for somebody that the plan has not there",
			     err);
	if ((b->given & 1u << (number - 1)) || has_one(b, fact(line, "to_key")))
		return order("a share that was given twice, or two for one key",
			     err);
	snprintf(b->split, sizeof(b->split), "%s", split);
	snprintf(b->label, sizeof(b->label), "%s", label);
	snprintf(b->to_key[number - 1], BACKUPCHECK_KEY_MAX, "%s",
		 fact(line, "to_key"));
	b->given |= 1u << (number - 1);
	return PV_OK;
}

enum pv_code backupcheck_backup(const struct backupcheck *b,
				const struct transcript_line *line,
				const struct plan_step *step, struct err *err)
{
	unsigned n = number_of(line, "shares");

	if (n < 2 || n > SHARES_MAX || b->given != (1u << n) - 1 ||
	    strcmp(fact(line, "split"), b->split) != 0)
		return order("a backup whose shares were not all given out",
			     err);
	if (strcmp(fact(line, "label"), b->label) != 0)
		return order("a backup of another key than its shares", err);
	if (step && (step->shares != n ||
		     step->threshold != number_of(line, "threshold")))
		return order("a backup of another split than the plan's", err);
	return strlen(fact(line, "spki_sha256")) == 64
		       ? PV_OK
		       : order("a backup that does not say of which key it is",
			       err);
}

enum pv_code backupcheck_restored(const struct transcript_line *line,
				  const uint8_t head[32], struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	const char *spki_hex = fact(line, "spki");
	const char *sig_hex = fact(line, "signature");
	uint8_t spki[HSM_SPKI_MAX], sig[64], digest[32];
	size_t len = strlen(spki_hex) / 2;
	char hex[65];
	enum pv_code rc;

	hex_encode(head, 32, hex);
	if (strcmp(fact(line, "head"), hex) != 0 || len > sizeof(spki) ||
	    strlen(spki_hex) % 2 != 0 || !hex_decode(spki_hex, spki, len) ||
	    strlen(sig_hex) != 128 || !hex_decode(sig_hex, sig, sizeof(sig)))
		return order("a restored key whose proof cannot be read", err);
	rc = keyrestore_digest(fact(line, "label"), head, digest, err);
	if (rc == PV_OK)
		rc = x509_verifier_new((struct span){ spki, len }, &v, err);
	return rc == PV_OK
		       ? x509_verify_digest(v, digest, sig, PV_INTEGRITY, err)
		       : rc;
}
