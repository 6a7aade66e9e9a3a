#include "tests/unit/authority_fix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/backends.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

/* One folder for all tests: set by the parent, inherited by them. */
static char tmp[200];

const char *authority_fix_template(const char *file)
{
	static char path[2][600];

	snprintf(path[!file], sizeof(path[0]), "%s/templates/%s", tmp,
		 file ? file : "");
	return path[!file];
}

/* A copy that others cannot write, whatever the mode of the sources. */
static void copy_templates(void)
{
	const char *src = getenv("srcdir");
	char cmd[1200];

	snprintf(cmd, sizeof(cmd), "umask 077 && cp -R '%s/templates' '%s'",
		 src ? src : ".", tmp);
	ck_assert_int_eq(system(cmd), 0);
}

const char *fix_path(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", tmp, name);
	return path;
}

enum pv_code fix_init(const char *dir, const char *plan, struct init_report *r,
		      struct err *err)
{
	char templates_dir[600], home[300];

	snprintf(home, sizeof(home), "%s", dir);
	snprintf(templates_dir, sizeof(templates_dir), "%s",
		 authority_fix_template(NULL));
	const struct init_opts opts = { .backends = &app_backends,
					.dir = home,
					.templates_dir = templates_dir,
					.plan = plan,
					.softhsm = true,
					.module = softhsm_module() };
	err_init(err);
	return init_authority(&opts, r, err);
}

/* Made once, in the parent of all tests. */
void fix_make_base(void)
{
	struct init_report r;
	struct err err;

	snprintf(tmp, sizeof(tmp), "%s", unit_tmp());
	copy_templates();
	unit_ok(fix_init(fix_path("base"), authority_fix_template(FIX_PLAN), &r,
			 &err),
		&err);
	ck_assert_str_eq(r.name, "base");
	ck_assert_uint_eq(r.keys, 9);
	ck_assert_uint_eq(r.steps, 20);
}

void fix_close(struct opened *o)
{
	store_close(o->store);
	hsm_close(o->hsm);
	secret_release(&o->pin);
	authority_close(o->a);
}

void fix_open(struct opened *o, bool token)
{
	struct err err;

	memset(o, 0, sizeof(*o));
	err_init(&err);
	unit_ok(authority_open(fix_path("base"), &o->a, &err), &err);
	if (token) {
		unit_ok(app_backends.pin_read(o->a, &o->pin, &err), &err);
		struct hsm_login login = { .pin = &o->pin };

		unit_ok(app_backends.hsm_open(o->a, &login, &o->hsm, &err),
			&err);
	}
	unit_ok(app_backends.store_open(o->a, false, &o->store, &err), &err);
}
