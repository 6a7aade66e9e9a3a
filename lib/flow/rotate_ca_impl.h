/* rotate_ca_impl: what the files of rotate_ca share. */
#ifndef PV_FLOW_ROTATE_CA_IMPL_H
#define PV_FLOW_ROTATE_CA_IMPL_H

#include "lib/flow/camake.h"
#include "lib/flow/rotate_ca.h"

enum {
	ROTATE_NEW,	/* the new key, from the CA above */
	ROTATE_NEW_OLD, /* the new key, signed by the old one */
	ROTATE_OLD_NEW, /* the old key, signed by the new one */
	ROTATE_CERTS = CAMAKE_TOGETHER
};

struct rotate_ca {
	struct authority *a;
	struct store *store;
	struct tokens *tokens;
	const struct rotate_ca_opts *opts;
	struct template *tmpl; /* of the CA, in effect */
	struct buf subject;    /* what is approved */
	const uint8_t *nonce;  /* of the approvals, borrowed; NULL: none */
	uint64_t key_index;    /* next's key.generate is there, or later */
	int64_t now_s;
	uint32_t generation; /* the newest that there is */
	uint32_t former;     /* the newest that was not withdrawn */
	uint64_t active_ms;  /* of that */
	uint64_t wanted_ms;  /* of what is made, or moved */
	char newest_label[STORE_LABEL_MAX + 1]; /* of former */
	bool cut_off; /* the newest is made, and not given out yet */
	bool moves;   /* its time to take over is to come, and moved */
	uint8_t template_sha256[STORE_HASH];
	char parent_name[STORE_ID_MAX + 1];
	char authority[STORE_ID_MAX + 1]; /* that its subject names */
	uint64_t import_index; /* of its ca.import, or STORE_NO_INDEX */
	char old_label[STORE_LABEL_MAX + 1];
	bool first, root; /* there is no generation yet; it has no parent */
	size_t own_at, parent_at; /* the tokens that have the keys */
	uint32_t parent_generation;
	struct issue_key old, next, above; /* as recorded */
	struct tokensign old_key, new_key, parent_key;
	struct x509_issuer old_ca, new_ca, parent;
	struct camake made[ROTATE_CERTS];
	size_t made_n;
};

/* The keys that sign, wherever they are: which token has the parent's, in the
 * generation that issues now, and that of the CA's own key is open.
 * PV_NOT_FOUND, "rotate.parent": none has it. */
PV_MUST enum pv_code rotate_ca_find(struct rotate_ca *r, struct err *err);
/* The key of the next generation, beside the old one: made, or recorded by a
 * run that ended. PV_DENIED, "rotate.keys". */
PV_MUST enum pv_code rotate_ca_next(struct rotate_ca *r, struct err *err);
/* Opens the parent's key, and then the CA's own two again. */
PV_MUST enum pv_code rotate_ca_parent(struct rotate_ca *r, struct err *err);
PV_MUST enum pv_code rotate_ca_own(struct rotate_ca *r, struct err *err);

/* A row that the log knows as r->tmpl; ctx: r. */
PV_MUST enum pv_code rotate_ca_take_template(void *ctx,
					     const struct store_template *row,
					     struct err *err);
/* The version in effect of the template that is named, or of the CA's own, with
 * the same subject and as many shards: no two generations share one. */
PV_MUST enum pv_code rotate_ca_template(struct rotate_ca *r, uint32_t shards,
					struct err *err);
/* The new key's certificate, unsigned; its subject must be the CA's. */
PV_MUST enum pv_code rotate_ca_build(struct rotate_ca *r, struct err *err);
/* The two between r->old_ca and r->new_ca; none when the old one is over. */
PV_MUST enum pv_code rotate_ca_build_cross(struct rotate_ca *r,
					   struct err *err);
/* Built, their intents durable, signed. */
PV_MUST enum pv_code rotate_ca_make_cross(struct rotate_ca *r, struct err *err);
/* Their rows and entries, in the caller's transaction. */
PV_MUST enum pv_code rotate_ca_put_cross(struct rotate_ca *r,
					 const struct log_who *who,
					 struct err *err);
/* n of made, from that place on: recorded, shown, and then signed by who comes
 * next. What was recorded with these approvals is what is shown. */
PV_MUST enum pv_code rotate_ca_record(struct rotate_ca *r, size_t from,
				      size_t n, struct err *err);
void rotate_ca_release(struct rotate_ca *r);

/*
 * Where others find it, once a checkpoint says that it is ours (keystand.h);
 * provctl.json comes last, so that what was cut off is seen. first: the token
 * of the log's keys, open afterwards.
 */
PV_MUST enum pv_code rotate_ca_give_out(struct rotate_ca *r,
					uint32_t generation, struct span cert,
					size_t first, struct err *err);
/* Whether people approved what opts ask for, of that generation; r->tmpl is its
 * template. Codes of approvals_gate(). */
PV_MUST enum pv_code rotate_ca_gate(struct rotate_ca *r, uint32_t to,
				    struct approvals *got, struct err *err);
/* The key.rotate of r->next, in the caller's transaction. */
PV_MUST enum pv_code rotate_ca_log(struct rotate_ca *r, uint32_t generation,
				   const struct log_who *who,
				   const struct approvals *got,
				   struct err *err);
/* The newest generation takes over at another time, or never: approved and
 * logged as it was when it was made. */
PV_MUST enum pv_code rotate_ca_move(struct rotate_ca *r,
				    struct rotate_ca_report *out,
				    struct err *err);
/* The newest generation is not the one that provctl.json names. */
PV_MUST bool rotate_ca_is_cut_off(const struct rotate_ca *r);
/* It was made and approved by a run that ended before rotate_ca_give_out() did.
 * The token has to have its key before a checkpoint says that it is ours. */
PV_MUST enum pv_code rotate_ca_resume(struct rotate_ca *r, size_t first,
				      struct rotate_ca_report *out,
				      struct err *err);

#endif
