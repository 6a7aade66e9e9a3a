#include "policy/ceremonytext.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool ceremonytext_is_hash(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

size_t ceremonytext_line(const char *text, size_t len, size_t width)
{
	size_t end = width;

	if (len <= width)
		return len;
	while (end > 0 && text[end] != ' ')
		end--;
	return end > 0 ? end : width;
}

void ceremonytext_groups(const char *hex, char out[CEREMONYTEXT_GROUPS])
{
	size_t n = 0;

	if (!ceremonytext_is_hash(hex)) {
		snprintf(out, CEREMONYTEXT_GROUPS, "%s", hex);
		return;
	}
	for (size_t i = 0; i < 64; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = ' ';
		out[n++] = hex[i];
	}
	out[n] = '\0';
}

const char *ceremonytext_find(const char *text)
{
	for (; *text; text++) {
		size_t n = 0;

		while (n < CEREMONYTEXT_GROUPS - 1 && text[n] &&
		       (n % 5 == 4 ? text[n] == ' '
				   : isxdigit((uint8_t)text[n])))
			n++;
		if (n == CEREMONYTEXT_GROUPS - 1)
			return text;
	}
	return NULL;
}

static const char *key_words(enum plan_key key)
{
	switch (key) {
	case PLAN_KEY_P256:
		return "a P-256 key pair";
	case PLAN_KEY_ED25519:
		return "an Ed25519 key pair";
	case PLAN_KEY_ED25519_OR_P256:
		return "an Ed25519 key pair (P-256 where the token has no "
		       "Ed25519)";
	case PLAN_KEY_KDF:
	case PLAN_KEY_STORE:
		return "an AES-256 key";
	}
	return "a key";
}

static void put_until(const struct plan_step *s, struct buf *out)
{
	char day[PVTIME_RFC3339_LEN + 1];

	if (s->not_after_s && pvtime_format(s->not_after_s, day))
		buf_printf(out, " It ends %s.", day);
	if (s->active_s && pvtime_format(s->active_s, day))
		buf_printf(out, " It issues from %s on.", day);
}

static void put_back_up(const struct plan_step *s, struct buf *out)
{
	buf_printf(
		out,
		"Back up key \"%s\": wrap it under a key that lives for this "
		"step only, and split that in %u shares, of which any %u "
		"restore.",
		s->purpose, s->shares, s->threshold);
	if (s->print) {
		buf_put_str(out, " Print each share for its keeper, compare "
				 "its check with the screen, and destroy its "
				 "file.");
		for (uint32_t i = 0; s->officers[0][0] && i < s->shares; i++)
			buf_printf(out, "%s %u %s",
				   i ? ";" : " Keepers:", i + 1,
				   s->officers[i]);
		if (s->officers[0][0])
			buf_put_str(out, ".");
		return;
	}
	buf_put_str(out, " Each share is sealed to an officer, who opens it "
			 "(openssl cms -decrypt -inform DER -in FILE -recip "
			 "encryption.pem -inkey KEY) and reads its check "
			 "aloud:");
	for (uint32_t i = 0; i < s->shares; i++) {
		char hex[65], groups[CEREMONYTEXT_GROUPS];

		hex_encode(s->officer_keys[i], sizeof(s->officer_keys[i]), hex);
		ceremonytext_groups(hex, groups);
		buf_printf(out, "%s %u %s, whose key has SHA-256 %s",
			   i ? ";" : "", i + 1, s->officers[i], groups);
	}
	buf_put_str(out, ".");
}

static void put_make_csr(const struct plan_step *s, struct buf *out)
{
	buf_printf(out,
		   "Make a request for the certificate of CA \"%s\" by "
		   "template %s, sign it with the CA's own key, and put "
		   "it on the medium. Write its SHA-256 down, to read "
		   "it aloud where it is signed.",
		   s->ca, s->template_name);
}

static void put_sign_csr(const struct plan_step *s, struct buf *out)
{
	buf_printf(out,
		   "Take the request of \"%s\" for CA \"%s\" from the "
		   "medium and compare its SHA-256 with what is read "
		   "aloud. Make the certificate by template %s, compare "
		   "what is to be signed, sign it with the key of "
		   "\"%s\", and put it on the medium with the "
		   "certificate and the list of \"%s\".",
		   s->from, s->ca, s->template_name, s->issuer, s->issuer);
	put_until(s, out);
}

static void put_import(const struct plan_step *s, struct buf *out)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS];

	buf_printf(out,
		   "Take the certificate of CA \"%s\", the list of root "
		   "\"%s\" and, where that is not known yet, the root's "
		   "certificate, that \"%s\" put on the medium, and "
		   "compare their SHA-256 with what is read aloud.",
		   s->ca, s->issuer, s->from);
	if (s->has_root) {
		hex_encode(s->root, sizeof(s->root), hex);
		ceremonytext_groups(hex, groups);
		buf_printf(out,
			   " SHA-256 of the root's certificate (DER): "
			   "%s",
			   groups);
	}
	put_until(s, out);
}

static void put_other(const char *what, const struct plan_step *s,
		      struct buf *out)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS];

	if (!s->has_other)
		return;
	hex_encode(s->other_spki, sizeof(s->other_spki), hex);
	ceremonytext_groups(hex, groups);
	buf_printf(out, " SHA-256 of the public key %s: %s", what, groups);
}

/* A key from token to token. */
static void put_transport(const struct plan_step *s, struct buf *out)
{
	if (s->kind == PLAN_TRANSPORT) {
		buf_put_str(out,
			    "Generate a key in the token to which another "
			    "authority can send one key, and put its public "
			    "half on the medium. Write the SHA-256 of the "
			    "public key and of the file down, to read them "
			    "aloud where the key is sent.");
		return;
	}
	if (s->kind == PLAN_SEND_KEY) {
		buf_printf(out,
			   "Take the transport key of \"%s\" from the medium "
			   "and compare its SHA-256 with what is read aloud. "
			   "Wrap key \"%s\" in the token for that key, and "
			   "put it on the medium. Write the SHA-256 of the "
			   "file down. The key stays here, too.",
			   s->to, s->purpose);
		put_other("that it is sent to", s, out);
		return;
	}
	buf_printf(out,
		   "Take key \"%s\" that \"%s\" put on the medium, compare "
		   "its SHA-256 with what is read aloud, and unwrap it in the "
		   "token, which it does not leave again. It signs over the "
		   "transcript; compare its fingerprint. Destroy the transport "
		   "key.",
		   s->purpose, s->from);
	put_other("that is taken", s, out);
}

/* Backups, and two authorities. */
static bool put_between(const struct plan_step *s, struct buf *out)
{
	switch (s->kind) {
	case PLAN_BACK_UP_KEY:
		put_back_up(s, out);
		return true;
	case PLAN_RESTORE_KEY:
		buf_printf(
			out,
			"Restore key \"%s\" from its backup%s%s, with the "
			"shares that people bring as text in folder "
			"\"shares\" of the medium, onto each token that has "
			"it not. It signs over the transcript there; compare "
			"its fingerprint.",
			s->purpose, s->from[0] ? ", which came from " : "",
			s->from);
		return true;
	case PLAN_MAKE_CSR:
		put_make_csr(s, out);
		return true;
	case PLAN_SIGN_CSR:
		put_sign_csr(s, out);
		return true;
	case PLAN_IMPORT_CA:
		put_import(s, out);
		return true;
	case PLAN_TRANSPORT:
	case PLAN_SEND_KEY:
	case PLAN_TAKE_KEY:
		put_transport(s, out);
		return true;
	default:
		return false;
	}
}

/* What is done to an authority that is there, and what is above. */
static void put_more(const struct plan_step *s, struct buf *out)
{
	if (put_between(s, out))
		return;
	switch (s->kind) {
	case PLAN_SIGN_CRL:
		buf_printf(out,
			   "Make the next revocation list of \"%s\", compare "
			   "what is to be signed, sign it.",
			   s->ca);
		return;
	case PLAN_CROSS_SIGN:
		buf_printf(out,
			   "Sign the new key of \"%s\" with its old one, and "
			   "the old one with the new one, so that who trusts "
			   "one of them can trust both.",
			   s->ca);
		return;
	case PLAN_ROTATE_PIN:
		buf_put_str(out, "Give all tokens another PIN. Who is to know "
				 "it types it twice; nobody else looks.");
		return;
	case PLAN_DESTROY_KEY:
		buf_printf(out,
			   "Destroy key \"%s\", generation %u, on all tokens, "
			   "and look that it is gone. It cannot be brought "
			   "back.",
			   s->purpose, s->generation);
		return;
	default:
		return;
	}
}

/* A key that people can compare: a secret one has no fingerprint. */
static bool has_fingerprint(const struct plan_step *s)
{
	return s->kind == PLAN_GENERATE_KEY && s->key != PLAN_KEY_KDF &&
	       s->key != PLAN_KEY_STORE;
}

void ceremonytext_does(const struct plan_step *s, struct buf *out)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS];

	switch (s->kind) {
	case PLAN_INIT_TOKEN:
		buf_put_str(out, "Initialise the token and set its user's PIN, "
				 "where it is a new one: all that was on it is "
				 "gone then. One that is there already is left "
				 "as it is. Write its serial number down.");
		return;
	case PLAN_GENERATE_KEY:
		buf_printf(out,
			   "Generate %s for \"%s\" in the token and read its "
			   "attributes back.%s",
			   key_words(s->key), s->purpose,
			   has_fingerprint(s) ? " Write its fingerprint down."
					      : "");
		if (s->backup)
			buf_put_str(out,
				    " It is one that may leave the token, "
				    "wrapped, for its backup or for another "
				    "token.");
		return;
	case PLAN_SELF_SIGNED:
		buf_printf(out,
			   "Make the certificate of root \"%s\" by template "
			   "%s, compare what is to be signed, sign it with its "
			   "own key.",
			   s->ca, s->template_name);
		put_until(s, out);
		return;
	case PLAN_ISSUE_CA:
		buf_printf(out,
			   "Make the certificate of CA \"%s\" by template %s, "
			   "compare what is to be signed, sign it with the key "
			   "of \"%s\".",
			   s->ca, s->template_name, s->issuer);
		put_until(s, out);
		return;
	case PLAN_ADOPT:
		buf_printf(out, "Adopt template \"%s\" and sign its manifests.",
			   s->template_name);
		return;
	case PLAN_CHECK_KEY:
		buf_printf(out,
			   "Read the attributes of key \"%s\" back once more "
			   "and compare its fingerprint.",
			   s->purpose);
		return;
	case PLAN_PAUSE:
		buf_printf(out, "People: %s", s->text);
		return;
	case PLAN_SET_ROSTER:
		hex_encode(s->roster, sizeof(s->roster), hex);
		ceremonytext_groups(hex, groups);
		buf_printf(out,
			   "Set the roster of officers and of how many must "
			   "agree. SHA-256 of its file: %s",
			   groups);
		return;
	default:
		put_more(s, out);
	}
}

/* With what people compare the template's file. */
void ceremonytext_step(const struct plan_step *s, struct buf *out)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS];

	ceremonytext_does(s, out);
	if (!s->bound && s->template_name[0])
		buf_printf(out,
			   " The plan does not say which bytes %s.json has: it "
			   "can be rehearsed, and `ceremony run' refuses it.",
			   s->template_name);
	if (!s->bound)
		return;
	hex_encode(s->template_sha256, sizeof(s->template_sha256), hex);
	ceremonytext_groups(hex, groups);
	buf_printf(out, " SHA-256 of %s.json: %s", s->template_name, groups);
}
