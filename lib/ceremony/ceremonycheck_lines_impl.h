/* What ceremonycheck.c does with a line of each event. */
#ifndef PV_CEREMONY_CEREMONYCHECK_LINES_IMPL_H
#define PV_CEREMONY_CEREMONYCHECK_LINES_IMPL_H

#include "lib/ceremony/ceremonycheck_impl.h"

/* Keys and their backups (ceremonycheck_keys.c), */
PV_MUST enum pv_code ceremonycheck_key(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err);
PV_MUST enum pv_code ceremonycheck_log_key(struct ceremonycheck_state *c,
					   const struct transcript_line *line,
					   struct err *err);
PV_MUST enum pv_code ceremonycheck_ca_key(struct ceremonycheck_state *c,
					  const struct transcript_line *line,
					  struct err *err);
PV_MUST enum pv_code ceremonycheck_pin(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err);
PV_MUST enum pv_code ceremonycheck_destroyed(struct ceremonycheck_state *c,
					     const struct transcript_line *line,
					     struct err *err);
PV_MUST enum pv_code ceremonycheck_share(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err);
PV_MUST enum pv_code ceremonycheck_backup(struct ceremonycheck_state *c,
					  const struct transcript_line *line,
					  struct err *err);
PV_MUST enum pv_code ceremonycheck_restored(struct ceremonycheck_state *c,
					    const struct transcript_line *line,
					    struct err *err);
/* those that go from token to token (ceremonycheck_transport.c), */
PV_MUST enum pv_code
ceremonycheck_transport_key(struct ceremonycheck_state *c,
			    const struct transcript_line *line,
			    struct err *err);
PV_MUST enum pv_code ceremonycheck_sent(struct ceremonycheck_state *c,
					const struct transcript_line *line,
					struct err *err);
PV_MUST enum pv_code ceremonycheck_key_taken(struct ceremonycheck_state *c,
					     const struct transcript_line *line,
					     struct err *err);
PV_MUST enum pv_code
ceremonycheck_transport_end(struct ceremonycheck_state *c,
			    const struct transcript_line *line,
			    struct err *err);
/* and what was signed or taken (ceremonycheck_made.c). */
PV_MUST enum pv_code
ceremonycheck_certificate(struct ceremonycheck_state *c,
			  const struct transcript_line *line, struct err *err);
PV_MUST enum pv_code ceremonycheck_csr(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err);
PV_MUST enum pv_code ceremonycheck_root(struct ceremonycheck_state *c,
					const struct transcript_line *line,
					struct err *err);
PV_MUST enum pv_code ceremonycheck_taken(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err);
PV_MUST enum pv_code
ceremonycheck_older_list(struct ceremonycheck_state *c,
			 const struct transcript_line *line, struct err *err);
PV_MUST enum pv_code ceremonycheck_crl(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err);

#endif
