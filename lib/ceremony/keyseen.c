#include "lib/ceremony/keyseen.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/sha256.h"

static enum pv_code order(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "ceremony.order",
			"take the transcript as the ceremony left it; if this "
			"is it, ask who ran it",
			"%s", what);
}

/* False: it has no room. Not there: "". */
static bool take_fact(const struct transcript_line *line, const char *key,
		      char *to, size_t cap)
{
	const char *s = transcript_fact(line, key);
	int n = snprintf(to, cap, "%s", s ? s : "");

	return n >= 0 && (size_t)n < cap;
}

static enum pv_code take_spki(struct keyseen_key *key,
			      const struct transcript_line *line,
			      struct err *err)
{
	const char *hex = transcript_fact(line, "spki");
	uint8_t hash[32];
	char want[65];
	enum pv_code rc;

	if (!hex)
		return PV_OK;
	key->spki_len = strlen(hex) / 2;
	if (key->spki_len == 0 || key->spki_len > sizeof(key->spki) ||
	    strlen(hex) % 2 != 0 || !hex_decode(hex, key->spki, key->spki_len))
		return order("a public key that cannot be read", err);
	rc = sha256((struct span){ key->spki, key->spki_len }, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), want);
	if (key->sha256[0] && strcmp(key->sha256, want) != 0)
		return order("a public key of another hash than its line says",
			     err);
	memcpy(key->sha256, want, sizeof(want));
	return PV_OK;
}

static bool differ(const char *a, const char *b)
{
	return a[0] && b[0] && strcmp(a, b) != 0;
}

static bool is_same(const struct keyseen_key *a, const struct keyseen_key *b)
{
	return a->label[0]
		       ? strcmp(a->label, b->label) == 0
		       : !b->label[0] && strcmp(a->purpose, b->purpose) == 0 &&
				 strcmp(a->sha256, b->sha256) == 0;
}

/* Of the same label: what one of them does not say the other one adds. */
static enum pv_code merge(struct keyseen_key *old,
			  const struct keyseen_key *new, struct err *err)
{
	if (strcmp(old->sha256, new->sha256) != 0 ||
	    differ(old->purpose, new->purpose) || differ(old->kind, new->kind))
		return order("two keys of one label", err);
	if (!old->purpose[0])
		memcpy(old->purpose, new->purpose, sizeof(old->purpose));
	if (!old->kind[0])
		memcpy(old->kind, new->kind, sizeof(old->kind));
	if (old->spki_len == 0) {
		memcpy(old->spki, new->spki, sizeof(old->spki));
		old->spki_len = new->spki_len;
	}
	old->made |= new->made;
	return PV_OK;
}

enum pv_code keyseen_take(struct keyseen *k, const struct transcript_line *line,
			  const char *purpose, bool made, struct err *err)
{
	struct keyseen_key new = { .made = made };
	enum pv_code rc;

	if (!take_fact(line, "label", new.label, sizeof(new.label)) ||
	    !take_fact(line, "kind", new.kind, sizeof(new.kind)) ||
	    !take_fact(line, "spki_sha256", new.sha256, sizeof(new.sha256)))
		return order("a key that cannot be read", err);
	snprintf(new.purpose, sizeof(new.purpose), "%.*s", PLAN_NAME_MAX,
		 purpose);
	rc = take_spki(&new, line, err);
	for (size_t i = 0; rc == PV_OK && i < k->n; i++)
		if (is_same(&new, &k->key[i]))
			return merge(&k->key[i], &new, err);
	if (rc == PV_OK && k->n == KEYSEEN_MAX)
		return order("more keys than a ceremony has", err);
	if (rc == PV_OK)
		k->key[k->n++] = new;
	return rc;
}

const struct keyseen_key *keyseen_by_hash(const struct keyseen *k,
					  const char *sha256,
					  const char *purpose)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->key[i].spki_len > 0 &&
		    strcmp(k->key[i].sha256, sha256) == 0 &&
		    (!purpose || strcmp(k->key[i].purpose, purpose) == 0))
			return &k->key[i];
	return NULL;
}

struct keyseen_key *keyseen_made(struct keyseen *k, const char *purpose)
{
	for (size_t i = k->n; i > 0; i--)
		if (k->key[i - 1].made &&
		    strcmp(k->key[i - 1].purpose, purpose) == 0)
			return &k->key[i - 1];
	return NULL;
}

void keyseen_paid(struct keyseen *k, const char *ca)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->key[i].purpose, ca) == 0)
			k->key[i].owes = false;
}

bool keyseen_owes(const struct keyseen *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->key[i].owes)
			return true;
	return false;
}
