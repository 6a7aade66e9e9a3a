#include "pkcs11/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkcs11/rv.h"

#define RULE "hsm.module"
#define HINT                                                                   \
	"install the module where only root can write and name it in "         \
	"provctl.json"

/* A path on its way: `done` is checked and free of links, `todo` is not. */
struct walk {
	const char *path; /* as given, for messages */
	char done[PATH_MAX];
	char todo[PATH_MAX];
	unsigned links;
};

static enum pv_code refuse(const struct walk *w, const char *why,
			   struct err *err)
{
	err_object(err, w->path);
	return err_fail(err, PV_DENIED, RULE, HINT, "module %.160s: %.160s: %s",
			w->path, w->done[0] ? w->done : "/", why);
}

static bool owner_is_safe(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static bool others_can_write(const struct stat *st)
{
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	return !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX));
}

/* Moves the next component of todo into name; false when none is left. */
static bool next_component(struct walk *w, char name[PATH_MAX])
{
	const char *p = w->todo + strspn(w->todo, "/");
	size_t len = strcspn(p, "/");

	memcpy(name, p, len);
	name[len] = '\0';
	memmove(w->todo, p + len, strlen(p + len) + 1);
	return len > 0;
}

/* Puts the link's target before what is left to do. */
static enum pv_code follow_link(struct walk *w, struct err *err)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];
	ssize_t n = readlink(w->done, target, sizeof(target) - 1);
	int len;

	if (n < 0)
		return err_errno(err, PV_STORAGE, RULE, NULL,
				 "module %.160s: %.160s", w->path, w->done);
	target[n] = '\0';
	if (++w->links > P11_LINKS_MAX)
		return refuse(w, "too many symbolic links", err);
	memcpy(rest, w->todo, sizeof(rest));
	len = snprintf(w->todo, sizeof(w->todo), "%s/%s", target, rest);
	if (len < 0 || (size_t)len >= sizeof(w->todo))
		return refuse(w, "the path is too long", err);
	if (target[0] == '/')
		w->done[0] = '\0';
	else
		*strrchr(w->done, '/') = '\0';
	return PV_OK;
}

static enum pv_code check_entry(struct walk *w, struct stat *st,
				struct err *err)
{
	if (lstat(w->done[0] ? w->done : "/", st) != 0) {
		enum pv_code code = errno == ENOENT || errno == ENOTDIR
					    ? PV_NOT_FOUND
					    : PV_STORAGE;

		err_object(err, w->path);
		if (errno == ENAMETOOLONG)
			return refuse(w, "the path is too long", err);
		return err_errno(err, code, RULE,
				 "set \"module\" in provctl.json",
				 "module %.160s: %.160s", w->path, w->done);
	}
	if (!owner_is_safe(st))
		return refuse(w, "owned by someone else", err);
	if (!S_ISLNK(st->st_mode) && others_can_write(st))
		return refuse(w, "writable by others", err);
	return PV_OK;
}

/* One component: a step down, a step up, or a link. */
static enum pv_code step(struct walk *w, const char *name, struct stat *st,
			 struct err *err)
{
	size_t len = strlen(w->done);
	enum pv_code rc;

	if (!strcmp(name, "."))
		return PV_OK;
	if (!strcmp(name, "..")) {
		if (len)
			*strrchr(w->done, '/') = '\0';
		return check_entry(w, st, err);
	}
	if (len + 1 + strlen(name) >= sizeof(w->done))
		return refuse(w, "the path is too long", err);
	w->done[len] = '/';
	memcpy(w->done + len + 1, name, strlen(name) + 1);
	rc = check_entry(w, st, err);
	if (rc == PV_OK && S_ISLNK(st->st_mode))
		rc = follow_link(w, err);
	return rc;
}

enum pv_code p11_module_resolve(const char *path, char out[PATH_MAX],
				struct err *err)
{
	struct walk w = { .path = path };
	char name[PATH_MAX];
	struct stat st;
	enum pv_code rc;

	if (path[0] != '/')
		return refuse(&w, "not an absolute path", err);
	if (strlen(path) >= sizeof(w.todo))
		return refuse(&w, "the path is too long", err);
	memcpy(w.todo, path, strlen(path) + 1);
	rc = check_entry(&w, &st, err);
	while (rc == PV_OK && next_component(&w, name))
		rc = step(&w, name, &st, err);
	if (rc != PV_OK)
		return rc;
	if (lstat(w.done[0] ? w.done : "/", &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(&w, "not a regular file", err);
	memcpy(out, w.done, strlen(w.done) + 1);
	return PV_OK;
}

enum pv_code p11_module_load(struct p11_module *m, const char *path,
			     struct err *err)
{
	char real[PATH_MAX];
	CK_C_GetFunctionList get;
	enum pv_code rc = p11_module_resolve(path, real, err);
	CK_RV rv;

	memset(m, 0, sizeof(*m));
	if (rc != PV_OK)
		return rc;
	m->dl = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!m->dl)
		return err_fail(err, PV_HSM_FATAL, RULE, HINT,
				"module %s does not load: %s", path, dlerror());
	*(void **)&get = dlsym(m->dl, "C_GetFunctionList");
	if (!get) {
		p11_module_unload(m);
		return err_fail(err, PV_HSM_FATAL, RULE, HINT,
				"%s is not a PKCS#11 module", path);
	}
	rv = get(&m->f);
	if (rv != CKR_OK || !m->f || m->f->version.major < 2) {
		p11_module_unload(m);
		return err_fail(err, PV_HSM_FATAL, RULE, NULL,
				"module %s gives no function list: %s", path,
				p11_rv_name(rv));
	}
	return PV_OK;
}

enum pv_code p11_module_start(struct p11_module *m, struct err *err)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv = m->f->C_Initialize(&args);

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_Initialize");
	m->initialised = true;
	return PV_OK;
}

void p11_module_stop(struct p11_module *m)
{
	if (m->initialised)
		m->f->C_Finalize(NULL);
	m->initialised = false;
}

void p11_module_unload(struct p11_module *m)
{
	if (m->f)
		p11_module_stop(m);
	if (m->dl)
		dlclose(m->dl);
	memset(m, 0, sizeof(*m));
}
