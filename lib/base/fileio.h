/*
 * fileio: the one way files are read and written.
 *
 * Reads are bounded and refuse anything but a regular file (a FIFO, a device,
 * a directory or, where asked, a symbolic link). Writes go to a temporary file
 * (O_EXCL|O_NOFOLLOW, 0600 unless said otherwise), are synced, renamed and
 * made durable with their folder, or leave nothing behind. The umask does not
 * count: a mode is what the caller says, since provctl's own is 077.
 */
#ifndef PV_BASE_FILEIO_H
#define PV_BASE_FILEIO_H

#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define FILEIO_NOFOLLOW 1u /* last component may not be a symbolic link */
#define FILEIO_PRIVATE 2u  /* owned by the caller, no group or other bits */
#define FILEIO_NOT_WRITABLE_BY_OTHERS                                          \
	4u /* owner root or caller; no g/o write */

/*
 * Opens path for reading relative to dirfd (AT_FDCWD allowed). *fd is owned by
 * the caller. PV_NOT_FOUND, PV_INPUT (not a regular file, a link),
 * PV_DENIED (mode or owner), PV_STORAGE.
 */
PV_MUST enum pv_code file_open(int dirfd, const char *path, unsigned flags,
			       int *fd, struct err *err);
/* Whole file into out (appended); PV_INPUT when longer than out->max. */
PV_MUST enum pv_code file_read(int dirfd, const char *path, unsigned flags,
			       struct buf *out, struct err *err);
/* As file_read() into a secret of at most max bytes. */
PV_MUST enum pv_code file_read_secret(int dirfd, const char *path,
				      unsigned flags, size_t max,
				      struct secret *out, struct err *err);

/*
 * Durable atomic write; an existing file is replaced. On failure the former
 * file stands untouched. PV_STORAGE; PV_CONFLICT when path is a symbolic link.
 */
PV_MUST enum pv_code file_write(int dirfd, const char *path, mode_t mode,
				const void *p, size_t len, struct err *err);

/*
 * A group of files made durable together: one temporary file each, one sync
 * of the file system, then renames, then the folder.
 */
#define FILE_GROUP_NAME_MAX 220 /* with what a staged name adds in NAME_MAX */
struct file_group;
PV_MUST enum pv_code file_group_new(struct file_group **g, struct err *err);
/*
 * Stages one file under folder dirfd (kept open by the caller until commit);
 * a name with '/' is PV_INTERNAL, whatever the caller checked.
 * A file that is there or staged with the same bytes is left alone; with other
 * bytes or as a symbolic link it is PV_CONFLICT, rule "output.exists", and the
 * group stays as it was. After PV_STORAGE the group has failed: it takes and
 * commits nothing more.
 */
PV_MUST enum pv_code file_group_add(struct file_group *g, int dirfd,
				    const char *name, mode_t mode,
				    const void *p, size_t len, struct err *err);
/* The same, but a regular file of that name with other bytes is replaced. */
PV_MUST enum pv_code file_group_replace(struct file_group *g, int dirfd,
					const char *name, mode_t mode,
					const void *p, size_t len,
					struct err *err);
/*
 * All or, after a crash or a failure, some of the files; each is whole.
 * Empties the group; a failed one is refused with PV_STORAGE.
 */
PV_MUST enum pv_code file_group_commit(struct file_group *g, struct err *err);
/*
 * Removes temporary files, of a group or of file_write(), that a process which
 * has ended since left in a folder.
 * What cannot be removed stays; nothing depends on it.
 */
void file_group_sweep(int dirfd);
/* Removes what was staged and not committed. Takes NULL. */
void file_group_free(struct file_group *g);

/* mkdir -p for one level; an existing folder (not a link) is fine and keeps its
 * mode. */
PV_MUST enum pv_code dir_make(int dirfd, const char *path, mode_t mode,
			      struct err *err);
PV_MUST enum pv_code dir_open(int dirfd, const char *path, int *fd,
			      struct err *err);

/* Writes or reads exactly len bytes; EOF before that is PV_STORAGE. */
PV_MUST enum pv_code fd_write_all(int fd, const void *p, size_t len,
				  struct err *err);
PV_MUST enum pv_code fd_read_all(int fd, void *p, size_t len, struct err *err);
void fd_cleanup(int *fd);

/*
 * A name from outside that becomes one path component: 1 to 64 bytes of
 * 0x21-0x7E, no '/', not starting with '.' or '-' (formats, opening section).
 */
PV_MUST bool name_is_safe(const char *name, size_t len);

#endif
