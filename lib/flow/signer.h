/*
 * signer: the process that holds the token. It was forked before the module
 * was initialised, logs in once, and takes groups of requests through approve,
 * prepare, issue and bundle. While the writer makes one group's intents
 * durable, the next group is prepared. It has no store.
 *
 * With several sessions on the token, threads do what follows the intents: a
 * call each, so that a slow HSM has as many in flight. With one session there
 * is no thread: SoftHSM scales by processes.
 */
#ifndef PV_FLOW_SIGNER_H
#define PV_FLOW_SIGNER_H

#include "lib/flow/backends.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/reader.h"
#include "lib/flow/records.h"
#include "lib/flow/workers.h"

/*
 * Shared by the signers of a run: what became of the PIN on each token, so that
 * a wrong one is one try there, too, when they all change to it.
 */
enum signer_pin {
	SIGNER_PIN_UNTRIED,
	SIGNER_PIN_TRYING,
	SIGNER_PIN_GOOD,
	SIGNER_PIN_REFUSED
};
struct signer_pins {
	_Atomic int of_token[AUTHORITY_TOKENS_MAX]; /* enum signer_pin */
};

struct signer_opts {
	const struct authority *authority;
	const struct backends *backends;
	const struct issue_context *const *contexts; /* [0]: the current one */
	size_t contexts_n;
	const struct checkpoint_base *log;
	const struct order *order; /* NULL: none */
	const char *station, *actor;
	bool station_signed;
	bool batch;	   /* numbers are borrowed in blocks */
	unsigned sessions; /* calls to keep in flight; at least 1 */
	struct hsm *met;   /* the first token as far as it goes without PIN,
			    * or NULL; the signer's from here on */
	int ctl;	   /* ctl.h: be16 length and PIN come in; then
			    * a byte: let go what is held */
	struct wire *reader, *writer;
	struct signer_pins *pins;
	struct hsm_watch *watch; /* shared with the parent, who ends a signer
				  * that does not come back */
};

/*
 * Runs until the reader ends. What single requests fail on goes to the writer;
 * a failure that ends the whole run is returned (PV_HSM_*, PV_INTERNAL).
 */
PV_MUST enum pv_code signer_run(const struct signer_opts *opts,
				struct err *err);

#endif
