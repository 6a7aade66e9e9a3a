/*
 * request: one device asked for, as it came from a JSON line, a CSV row or the
 * command line; the first stage of a device's way. Parsing is structural: ids
 * and names are safe, keys and CSRs decode. It runs in the reader process and
 * does no cryptography; policy decides later.
 * Specification: cli.md, "issue"; formats.md, opening section, for ids.
 */
#ifndef PV_FLOW_REQUEST_H
#define PV_FLOW_REQUEST_H

#include "lib/base/json.h"
#include "lib/flow/wire.h"

#define REQUEST_ID_MAX 64
#define REQUEST_LINE_MAX 65536 /* bytes of one JSON line or CSV row */
#define REQUEST_CSR_MAX 16384  /* bytes of DER */
#define REQUEST_FIELDS_MAX 32
#define REQUEST_FIELD_MAX 1024 /* bytes of one value */
#define REQUEST_EVIDENCE_LEN 32 /* its SHA-256 */

/* What a device that is known is to get instead. */
enum request_replace {
	REQUEST_FIRST, /* nothing: it is new, or gets its answer again */
	REQUEST_REWORK,
	REQUEST_SCRAP,
	REQUEST_ROTATE,
	REQUEST_RELEASE /* the bundle of a stage that asks for evidence */
};

struct request_field {
	size_t name, value; /* offsets of NUL-terminated texts in texts */
};

struct request {
	uint64_t line; /* its number among the requests, from 1 */
	char id[REQUEST_ID_MAX + 1];
	char device[REQUEST_ID_MAX + 1];
	char role[REQUEST_ID_MAX + 1]; /* empty: the template's only role */
	struct buf texts;
	struct request_field fields[REQUEST_FIELDS_MAX];
	size_t fields_n;
	uint8_t bytes_sha256[32]; /* of the row or options it came as */
	bool host_key;		  /* --key host; only from the command line */
	enum request_replace replace;
	struct buf csr;	     /* DER; empty: none */
	struct buf seal_key; /* SPKI DER; empty: none */
	struct buf seal_sig; /* DER ECDSA signature; empty: none */
	struct buf key_sig;  /* of a rotation to a new key; empty: none */
	/* Of a renewal only, taken from the store by us (renewal.h): */
	struct buf spki;   /* DER of the key that is certified, without CSR */
	struct buf serial; /* of the credential that gets new components */
	struct buf cert;   /* its certificate, DER; empty: none */
	char order[REQUEST_ID_MAX + 1]; /* that the device is of; "": none */
	size_t parts; /* text of their names at parts - 1; 0: none */
	bool fresh;   /* parts anew, whatever is sealed already */
	struct buf evidence; /* of a release: its hash; parts: the stage */
};

void request_init(struct request *r);
void request_release(struct request *r);
/* Keeps the memory, forgets the contents. */
void request_reset(struct request *r);
const char *request_text(const struct request *r, size_t offset);
/* "rework", "scrap", "rotate"; NULL for what makes no credential, or the
 * first. */
const char *request_replace_name(enum request_replace replace);
/* No credential, but bundles for the one that is there: names of components,
 * comma-separated, or of the stage that is released. NULL: a credential. */
const char *request_parts(const struct request *r);
/* NULL when the request has no such field. */
const char *request_field(const struct request *r, const char *name);

/* Where csr_file may be opened: the folder of the request file, -1: nowhere. */
struct request_source {
	int folder;
	bool renewal; /* made by us: the keys of a renewal are known, too */
};

/*
 * One JSON object into r (reset first; r->line is the caller's). On failure
 * r->id and r->device hold what could be read safely, else "". PV_INPUT;
 * PV_DENIED, rule "request.type", for a type that is not "issue".
 */
PV_MUST enum pv_code request_parse(struct request *r, struct span json,
				   const struct request_source *src,
				   struct err *err);

/* True for what may stand in a request, or as a CSV column: also "fields". */
PV_MUST bool request_key_known(const char *key);

/* Pieces for CSV and the command line; the same checks. */
PV_MUST enum pv_code request_set(struct request *r, const char *key,
				 const char *value,
				 const struct request_source *src,
				 struct err *err);
PV_MUST enum pv_code request_add_field(struct request *r, const char *name,
				       const char *value, struct err *err);
/* Defaults and what must be there: device; request id defaults to it. */
PV_MUST enum pv_code request_finish(struct request *r, struct err *err);

/*
 * What makes two requests of one template the same, but for their keys:
 * SHA-256 over device, role (by name, "" when there is none), what the CSR
 * asks for (asked, zero without a CSR) and the fields, sorted by name.
 */
PV_MUST enum pv_code request_body(const struct request *r, const char *role,
				  const uint8_t asked[32], uint8_t body[32],
				  struct err *err);

/* A WIRE_REQUEST record. */
void request_put(struct wire *w, const struct request *r);
PV_MUST enum pv_code request_get(struct wire_rec *rec, struct request *r,
				 struct err *err);
/* Fields inside another record: all but the keys. request_get_names() resets
 * r and marks rec as bad when a name is not safe. */
void request_put_names(struct wire *w, const struct request *r);
void request_get_names(struct wire_rec *rec, struct request *r);

#endif
