#include "cmd/provdev/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/configs.h"
#include "cmd/provdev/tree.h"
#include "lib/base/cleanup.h"
#include "lib/base/cose.h"
#include "lib/base/mem.h"

#define RECEIPT_FILE_MAX 1024
#define ACTIVE_NEW "active.new"

void store_step(struct store *s)
{
	if (++s->steps == s->cut_at)
		_exit(STORE_CUT_STATUS);
}

static bool load(void *ctx, uint64_t *seq, uint64_t *manifest_seq)
{
	struct store *s = ctx;

	*seq = s->state.facts.seq;
	*manifest_seq = s->state.manifest_seq;
	return true;
}

static bool failed(struct store *s, const char *what)
{
	(void)err_errno(s->err, PV_STORAGE, "device.storage", NULL,
			"cannot %s staging", what);
	return false;
}

/* The staging file of component i, made at its first use. */
static bool staging_fd(struct store *s, unsigned i, int *fd)
{
	char name[16];

	if (i >= PVDEV_COMPONENTS_MAX)
		return false;
	if (s->fds[i] < 0) {
		snprintf(name, sizeof(name), "%u", i);
		s->fds[i] = openat(s->staging, name,
				   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
					   O_NOFOLLOW,
				   0600);
	}
	*fd = s->fds[i];
	return *fd >= 0 || failed(s, "open");
}

static bool stage(void *ctx, unsigned i, uint32_t offset, const uint8_t *p,
		  size_t len)
{
	struct store *s = ctx;
	int fd;

	store_step(s);
	if (!staging_fd(s, i, &fd))
		return false;
	if (pwrite(fd, p, len, (off_t)offset) != (ssize_t)len)
		return failed(s, "write");
	return true;
}

static bool read_back(void *ctx, unsigned i, uint32_t offset, uint8_t *p,
		      size_t len)
{
	struct store *s = ctx;
	int fd;

	if (!staging_fd(s, i, &fd))
		return false;
	if (pread(fd, p, len, (off_t)offset) != (ssize_t)len)
		return failed(s, "read");
	return true;
}

/* One staged component as files of the new generation. */
static enum pv_code write_component(struct store *s, int gen, unsigned i,
				    const struct pvdev_component *c)
{
	CLEANUP(buf_wipe) struct buf plain;
	struct pvdev_content content;
	char id[PVDEV_ID_MAX + 1];
	const char *why = NULL;
	uint8_t *room;

	buf_init(&plain, c->len);
	room = buf_room(&plain, c->len);
	if (!room || !read_back(s, i, 0, room, c->len))
		return err_fail(s->err, PV_STORAGE, "device.storage", NULL,
				"cannot read staging");
	buf_commit(&plain, c->len);
	memcpy(id, c->id, c->id_len);
	id[c->id_len] = '\0';
	if (!pvdev_content_parse(&content, plain.data, plain.len, c->chunk > 0,
				 &why)) {
		err_object(s->err, id);
		return err_fail(s->err, PV_INTEGRITY, "device.content", NULL,
				"component is malformed: %s", why);
	}
	return tree_write(gen, id, &content, buf_span(&plain), s->err);
}

struct carry {
	struct store *store;
	const struct pvdev *d;
	int to;
};

/* A component that this bundle does not bring stays as it was. */
static enum pv_code carry_over(void *arg, int dirfd, const char *name,
			       struct err *err)
{
	struct carry *k = arg;
	const struct pvdev_component *c;
	unsigned i;

	for (i = 0; (c = pvdev_component(k->d, i)) != NULL; i++) {
		if (c->id_len == strlen(name) &&
		    memcmp(c->id, name, c->id_len) == 0)
			return PV_OK;
	}
	store_step(k->store);
	return tree_link(dirfd, k->to, name, err);
}

static enum pv_code build(struct store *s, const struct pvdev *d,
			  const char *folder)
{
	CLEANUP(fd_cleanup) int gen = -1;
	CLEANUP(fd_cleanup) int old = -1;
	const struct pvdev_component *c;
	struct carry k = { s, d, -1 };
	char former[STATE_FOLDER_MAX];
	enum pv_code code = dir_make(s->dirfd, folder, 0700, s->err);
	unsigned i;

	if (code == PV_OK)
		code = dir_open(s->dirfd, folder, &gen, s->err);
	for (i = 0; code == PV_OK && (c = pvdev_component(d, i)) != NULL; i++) {
		store_step(s);
		code = write_component(s, gen, i, c);
	}
	if (code == PV_OK && !s->state.fresh) {
		state_folder(&s->state, former);
		k.to = gen;
		code = dir_open(s->dirfd, former, &old, s->err);
		if (code == PV_OK)
			code = tree_each(old, carry_over, &k, s->err);
	}
	if (code == PV_OK && syncfs(gen) != 0)
		code = err_errno(s->err, PV_STORAGE, "device.storage", NULL,
				 "cannot sync the new generation");
	return code;
}

/* Points active at what the state says: only for people and tests. */
static enum pv_code point_active(struct store *s)
{
	char folder[STATE_FOLDER_MAX], now[STATE_FOLDER_MAX];
	ssize_t n;

	state_folder(&s->state, folder);
	if (folder[0] == '\0')
		return PV_OK;
	n = readlinkat(s->dirfd, "active", now, sizeof(now));
	if (n == (ssize_t)strlen(folder) && memcmp(now, folder, (size_t)n) == 0)
		return PV_OK;
	store_step(s);
	if ((unlinkat(s->dirfd, ACTIVE_NEW, 0) != 0 && errno != ENOENT) ||
	    symlinkat(folder, s->dirfd, ACTIVE_NEW) != 0 ||
	    renameat(s->dirfd, ACTIVE_NEW, s->dirfd, "active") != 0)
		return err_errno(s->err, PV_STORAGE, "device.storage", NULL,
				 "cannot change the active folder");
	return PV_OK;
}

static enum pv_code drop_stale(void *arg, int dirfd, const char *name,
			       struct err *err)
{
	struct store *s = arg;
	char folder[STATE_FOLDER_MAX];

	state_folder(&s->state, folder);
	if (strncmp(name, "gen-", 4) != 0 || strcmp(name, folder) == 0)
		return PV_OK;
	store_step(s);
	return tree_remove(dirfd, name, err);
}

/* The generation that the state names must open. */
static enum pv_code check_active(struct store *s, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char folder[STATE_FOLDER_MAX];

	state_folder(&s->state, folder);
	if (folder[0] == '\0')
		return PV_OK;
	fd = openat(s->dirfd, folder,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		return PV_OK;
	return err_errno(err, PV_INTEGRITY, "device.state", NULL,
			 "the active configuration %s does not open", folder);
}

/* Former generations, unfinished ones, staging. */
static enum pv_code clean(struct store *s)
{
	enum pv_code code = check_active(s, s->err);

	if (code == PV_OK)
		code = point_active(s);
	if (code == PV_OK)
		code = tree_each(s->dirfd, drop_stale, s, s->err);
	if (code != PV_OK)
		return code;
	store_step(s);
	return tree_remove(s->dirfd, "staging", s->err);
}

static enum pv_code remember(struct store *s, struct state *next)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char folder[STATE_FOLDER_MAX];
	enum pv_code code;

	if (s->state.fresh)
		return PV_OK;
	next->previous_seq = s->state.facts.seq;
	state_folder(&s->state, folder);
	code = dir_open(s->dirfd, folder, &fd, s->err);
	return code == PV_OK ? config_serial(fd, next->previous_serial, s->err)
			     : code;
}

static enum pv_code activate_files(struct store *s, const struct pvdev *d,
				   uint64_t manifest_seq,
				   const struct pvdev_facts *facts)
{
	struct state next = { .manifest_seq = manifest_seq, .facts = *facts };
	char folder[STATE_FOLDER_MAX];
	enum pv_code code;

	if (d->role.len > STATE_ROLE_MAX || memchr(d->role.p, 0, d->role.len))
		return err_fail(s->err, PV_INPUT, "device.role", NULL,
				"the role's name is too long");
	memcpy(next.role, d->role.p, d->role.len);
	memcpy(next.class_id, d->class_id.p, sizeof(next.class_id));
	state_folder(&next, folder);
	store_step(s);
	code = build(s, d, folder);
	if (code == PV_OK)
		code = remember(s, &next);
	if (code != PV_OK)
		return code;
	store_step(s);
	code = state_write(s->dirfd, &next, s->err); /* the atomic step */
	if (code != PV_OK) {
		/* It may have failed behind its rename: the disk knows. */
		s->unsure = true;
		return code;
	}
	s->state = next;
	(void)!point_active(s); /* the next run does it otherwise */
	return PV_OK;
}

static enum pvdev_result activate(void *ctx, const struct pvdev *d,
				  uint64_t manifest_seq,
				  const struct pvdev_facts *facts)
{
	struct store *s = ctx;

	if (activate_files(s, d, manifest_seq, facts) == PV_OK)
		return PVDEV_OK;
	return s->err->code == PV_INTEGRITY ? PVDEV_CONTENT : PVDEV_STORAGE;
}

const struct pvdev_storage store_callbacks = {
	.load = load,
	.stage = stage,
	.read_back = read_back,
	.activate = activate,
};

enum pv_code store_open(struct store *s, int dirfd, unsigned long long cut_at,
			struct err *err)
{
	enum pv_code code;
	unsigned i;

	memset(s, 0, sizeof(*s));
	s->dirfd = dirfd;
	s->staging = -1;
	s->cut_at = cut_at;
	s->err = err;
	for (i = 0; i < PVDEV_COMPONENTS_MAX; i++)
		s->fds[i] = -1;
	code = state_read(dirfd, &s->state, err);
	/* The run that wrote it may not have seen it durable. */
	if (code == PV_OK && fsync(dirfd) != 0)
		code = err_errno(err, PV_STORAGE, "device.storage", NULL,
				 "cannot sync the device's folder");
	s->unsure = code != PV_OK;
	if (code == PV_OK)
		code = clean(s);
	if (code == PV_OK)
		code = dir_make(dirfd, "staging", 0700, err);
	if (code == PV_OK)
		code = dir_open(dirfd, "staging", &s->staging, err);
	return code;
}

void store_close(struct store *s)
{
	unsigned i;

	for (i = 0; i < PVDEV_COMPONENTS_MAX; i++)
		fd_cleanup(&s->fds[i]);
	fd_cleanup(&s->staging);
	/* Behind the last boundary: what stays is cleared by the next run. */
	s->cut_at = 0;
	s->err = NULL;
	if (s->dirfd >= 0 && !s->unsure)
		(void)!clean(s);
}

enum pv_code store_note(struct store *s, uint64_t seq)
{
	store_step(s);
	return config_note(s->staging, seq, s->err);
}

enum pv_code store_has_receipt(struct store *s, bool *has, struct err *err)
{
	static const uint8_t claim_bh[] = { 0x3a, 0x00, 0x01, 0x11,
					    0x70, 0x58, 0x20 };
	CLEANUP(buf_release) struct buf b;
	uint8_t want[sizeof(claim_bh) + PVDEV_HASH_LEN];
	enum pv_code code;

	*has = false;
	buf_init(&b, RECEIPT_FILE_MAX);
	code = check_active(s, err);
	if (code != PV_OK)
		return code;
	if (faccessat(s->dirfd, "receipt.cose", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return PV_OK;
	code = file_read(s->dirfd, "receipt.cose", FILEIO_NOFOLLOW, &b, err);
	if (code != PV_OK)
		return code;
	memcpy(want, claim_bh, sizeof(claim_bh));
	memcpy(want + sizeof(claim_bh), s->state.facts.bh, PVDEV_HASH_LEN);
	*has = memmem(b.data, b.len, want, sizeof(want)) != NULL;
	return PV_OK;
}
