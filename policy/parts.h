/*
 * parts: the sections of a template as plain data, filled by template_parse()
 * and read-only after. Strings marked "borrowed" live in the template's JSON
 * document. Specification: policy.md, "Template".
 */
#ifndef PV_POLICY_PARTS_H
#define PV_POLICY_PARTS_H

#include <jansson.h>
#include <regex.h>

#include "lib/base/text.h"

#define TPL_NAME_MAX 64	      /* bytes: ids of formats.md */
#define TPL_COMPONENTS_MAX 16 /* formats.md, opening section */
#define TPL_ROLES_MAX 16
#define TPL_STAGES_MAX 2
#define TPL_SECRETS_MAX 16 /* per component */
#define TPL_FILES_MAX 16   /* per component */
#define TPL_ESCROW_MAX 8
#define TPL_SIZE_DEFAULT 65536u	 /* max_size in bytes, policy.md */
#define TPL_SIZE_MAX 2147483648u /* 2^31 bytes, formats.md */
/* Sum of max_size over a role's components: README.md, "Limits". */
#define TPL_ROLE_SIZE_MAX (1536u * 1024u)

enum tpl_key { TPL_KEY_CSR, TPL_KEY_HOST, TPL_KEY_NONE };
enum tpl_algorithm { TPL_ALG_NONE, TPL_ALG_P256, TPL_ALG_P384, TPL_ALG_RSA };
enum tpl_recipient {
	TPL_RECIPIENT_SEALING_KEY,
	TPL_RECIPIENT_CERTIFIED_KEY,
	TPL_RECIPIENT_KDF,
	TPL_RECIPIENT_NONE /* no components: nothing is sealed */
};
enum tpl_signature { TPL_SIG_PLAIN, TPL_SIG_BATCH, TPL_SIG_MAC0 };
enum tpl_secret_kind {
	TPL_SECRET_RANDOM,
	TPL_SECRET_DERIVE,
	TPL_SECRET_STORED
};
enum tpl_stage_kind { TPL_STAGE_BOOTSTRAP, TPL_STAGE_OPERATIONAL };

struct tpl_pattern {	  /* POSIX ERE, whole match, C locale */
	const char *text; /* borrowed */
	regex_t re;
	bool compiled;
};

struct tpl_secret {
	const char *name; /* borrowed */
	enum tpl_secret_kind kind;
	size_t bytes;	    /* RANDOM: 16 to 64; DERIVE: 32 */
	const char *source; /* DERIVE: label, STORED: name; borrowed */
	int escrow;	    /* index in the template's escrow, -1: none */
};

struct tpl_file {
	const char *name; /* borrowed */
	bool is_text;
	struct text text; /* is_text: utf8, expanded per device */
	uint8_t *bytes;	  /* else: owned, bytes_len of them */
	size_t bytes_len;
};

struct tpl_component {
	const char *id; /* borrowed */
	char version[TPL_NAME_MAX + 1];
	char min_version[TPL_NAME_MAX + 1];
	bool sealed;
	uint32_t max_size; /* bytes of plaintext, at most 2^31 */
	bool certificate, chain, trust_anchors, private_key; /* "content" */
	json_t *config;	  /* borrowed, NULL: none */
	bool config_vars; /* some string in config has a ${...} */
	struct tpl_secret secrets[TPL_SECRETS_MAX];
	size_t secrets_n;
	struct tpl_file files[TPL_FILES_MAX];
	size_t files_n;
};

struct tpl_role {
	const char *name;    /* borrowed, or "device" */
	uint32_t components; /* bit i: component i */
};

struct tpl_stage {
	enum tpl_stage_kind kind;
	uint32_t components; /* bit i: component i */
	bool requires_attestation;
};

struct tpl_escrow {
	const char *name, *path; /* borrowed; path relative to the home */
	bool pinned;		 /* the template says which file it is */
	uint8_t sha256[32];	 /* of its DER */
	bool crl; /* attestation.trust: a CRL; else a certificate */
};

#endif
