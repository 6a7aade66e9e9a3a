/* Transcripts of ceremonies line by line, and the check of them without files,
 * for check_ceremonycheck*.c. */
#ifndef PV_TEST_CEREMONY_LINES_H
#define PV_TEST_CEREMONY_LINES_H

#include "lib/ceremony/ceremonycheck.h"
#include "tests/unit/unit.h"

#define PLAN                                                                   \
	"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":\"init-token\"},"  \
	"{\"step\":\"generate-key\",\"purpose\":\"root\",\"kind\":\"P-256\"}," \
	"{\"step\":\"pause\",\"text\":\"Lock the <safe>.\"}]}"

#define HASH                                                                   \
	"0123456789abcdef0123456789abcdef"                                     \
	"0123456789abcdef0123456789abcdef"

/* ---- a transcript, line by line ---- */

#define FACTS 8
struct line {
	uint32_t step;
	const char *event;
	const char *key[FACTS], *value[FACTS];
};

#define BEGIN                                                                  \
	{                                                                      \
		0, "begin",                                                    \
			{ "plan", "version", "sha256", "log", "authority" },   \
		{                                                              \
			"p", "1", "PLAN", "acme", "acme"                       \
		}                                                              \
	}
#define STEP(n, kind, about)                                                   \
	{                                                                      \
		n, "step", { "kind", "about" },                                \
		{                                                              \
			kind, about                                            \
		}                                                              \
	}
#define WORD(n, word)                                                          \
	{                                                                      \
		n, word, { NULL },                                             \
		{                                                              \
			NULL                                                   \
		}                                                              \
	}
#define KEPT "CKA_PRIVATE=1 CKA_SENSITIVE=1 CKA_EXTRACTABLE=0 CKA_LOCAL=1"
#define KEPT_SHA256                                                            \
	"88222ed5744f6d88c07b0a12ef520184"                                     \
	"d3b723f1ad41f76b0413c0c40769ddae"
#define SPKI "00"
#define SPKI_SHA256                                                            \
	"6e340b9cffb37a989ca544e6bb780a2c"                                     \
	"78901d3fb33738768511a30617afa01d"
#define KEY(n, purpose)                                                        \
	{                                                                      \
		n, "key", { "purpose",                                         \
			    "label",                                           \
			    "kind",                                            \
			    "spki",                                            \
			    "spki_sha256",                                     \
			    "attributes",                                      \
			    "attributes_sha256",                               \
			    "origin" },                                        \
		{                                                              \
			purpose, "acme/" purpose "/1", "p256", SPKI,           \
				SPKI_SHA256, KEPT, KEPT_SHA256, "generated"    \
		}                                                              \
	}
#define TOKEN(n, number)                                                       \
	{                                                                      \
		n, "token", { "serial" },                                      \
		{                                                              \
			number                                                 \
		}                                                              \
	}
#define END(number)                                                            \
	{                                                                      \
		0, "end", { "keys" },                                          \
		{                                                              \
			number                                                 \
		}                                                              \
	}

/* What verify says of them, without files and under a note of nobody. */
enum pv_code ceremony_lines_check(const char *plan_text,
				  const struct line *lines, size_t n,
				  bool with_plan,
				  struct ceremonycheck_report *r,
				  struct err *err);
static inline enum pv_code check(const struct line *lines, size_t n,
				 bool with_plan, struct ceremonycheck_report *r,
				 struct err *err)
{
	return ceremony_lines_check(PLAN, lines, n, with_plan, r, err);
}

#endif
