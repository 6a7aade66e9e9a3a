/*
 * tree: folders of a device: contents of a component as files, removal and
 * hard-linked copies of folders.
 */
#ifndef PV_CMD_PROVDEV_TREE_H
#define PV_CMD_PROVDEV_TREE_H

#include "lib/base/fileio.h"
#include "lib/device/content.h"

/*
 * One component into the new folder dir/id; the caller makes it durable:
 *   certificate.pem chain.pem anchors.pem key.pem config.cbor
 *   secrets/<name>.bin files/<name>   and content.cbor, the whole plaintext.
 * In names, other bytes than letters, digits and "._-" are written as %XX; a
 * name that gets too long for a file so is %sha256-<hex of its SHA-256>.
 */
PV_MUST enum pv_code tree_write(int dirfd, const char *id,
				const struct pvdev_content *c,
				struct span plaintext, struct err *err);
/* Removes a folder or file with all it holds; a missing one is fine. */
PV_MUST enum pv_code tree_remove(int dirfd, const char *name, struct err *err);
/* Hard-links all files of folder name from one folder into another. */
PV_MUST enum pv_code tree_link(int from, int to, const char *name,
			       struct err *err);

/* Calls fn for each entry but "." and "..", in no order. */
typedef enum pv_code tree_visit(void *arg, int dirfd, const char *name,
				struct err *err);
PV_MUST enum pv_code tree_each(int dirfd, tree_visit *fn, void *arg,
			       struct err *err);

#endif
