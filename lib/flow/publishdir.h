/*
 * publishdir: files below the publish folder, replaced whole. Included by
 * publish*.c only.
 */
#ifndef PV_FLOW_PUBLISHDIR_H
#define PV_FLOW_PUBLISHDIR_H

#include "lib/flow/authority.h"
#include "lib/flow/crlissuer.h"

struct publish_dir {
	const struct authority *a;
	int root;	/* the publish folder */
	int lock;	/* a file in the home: one run at a time */
	uint64_t files; /* written */
};

/* Makes the folder and takes the lock; waits a minute for another run.
 * PV_CONFLICT "output.busy"; PV_STORAGE, also "publish.folder": it is no
 * folder. Release in any case. */
PV_MUST enum pv_code publish_dir_open(const struct authority *a,
				      struct publish_dir *d, struct err *err);
void publish_dir_release(struct publish_dir *d);

/* The folder KIND/CA below it ("ca" NULL: KIND alone), made when it is not
 * there; *fd is the caller's. */
PV_MUST enum pv_code publish_sub(struct publish_dir *d, const char *kind,
				 const char *ca, int *fd, struct err *err);

/* Is a file of just these bytes there? */
PV_MUST bool publish_same(int fd, const char *name, struct span bytes);

/* Replaces the file. The hook is due from before on. */
PV_MUST enum pv_code publish_put(struct publish_dir *d, int fd,
				 const char *name, struct span bytes,
				 struct err *err);

/* ca/CA-GENERATION.cer with that certificate (DER), where it is not there. */
PV_MUST enum pv_code publish_cert(struct publish_dir *d, const char *ca,
				  uint32_t generation, struct span der,
				  struct err *err);

/* Takes away the file of just these bytes. The hook is due from before on. */
PV_MUST enum pv_code publish_drop(struct publish_dir *d, int fd,
				  const char *name, struct span bytes,
				  struct err *err);

/* ---- the hook: publish_hook.c ---- */

/* Durable: there are changes that the hook was not told of. */
PV_MUST enum pv_code publish_hook_due(const struct authority *a,
				      struct err *err);
/* Since when; 0: it is not due. */
int64_t publish_hook_since(const struct authority *a);
/*
 * Runs it when it is due and there is one; accepted: publish_hook_accepted().
 * *ran: it did, and ended with 0.
 * PV_STORAGE "publish.hook": its exit code, that it took longer than
 * publish_hook_timeout_s, or that it is none (missing, not absolute, not
 * executable, not its owner's alone, in a folder of others, not the accepted
 * one); after either it is due as before. What is
 * left of its process group is killed. Of what it prints, 8 KiB go to standard
 * error.
 */
PV_MUST enum pv_code publish_hook_run(const struct authority *a,
				      const char *accepted, int folder,
				      bool *ran, struct err *err);
/* SHA-256 of the command that was accepted (settings.h), in hex: by people, or
 * without a roster by the command that saw it first. "": none was. */
PV_MUST enum pv_code publish_hook_accepted(struct store *store,
					   char hex[static 65],
					   struct err *err);
/*
 * Its file, for who runs just that: only root or the user who runs provctl can
 * have put it there, and its bytes have that hash. *fd is the caller's.
 * PV_DENIED, PV_STORAGE, "publish.hook"; codes of file_open().
 */
PV_MUST enum pv_code publish_hook_open(const struct authority *a,
				       const char *accepted, int *fd,
				       struct err *err);

#endif
