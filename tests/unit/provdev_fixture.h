/*
 * provdev_fixture: runs the simulated device as a program, in unit_tmp(), on
 * bundles of device_fixture. PROVDEV names the program under test.
 */
#ifndef PV_TESTS_PROVDEV_FIXTURE_H
#define PV_TESTS_PROVDEV_FIXTURE_H

#include "tests/unit/device_fixture.h"

#define DEVICE "ACME-0123456789AB"

struct world {
	struct fx_keys keys;
	struct fx_component comps[3];
	struct fx_spec spec;
	const char *bundle_key;
};

/* Exit status of provdev with these arguments, NULL last; no output. */
int pd_run(const char *first, ...);
/* unit_tmp()/dir[/name]; 8 rotating slots. */
const char *pd_path(const char *dir, const char *name);
void pd_put(const char *p, const void *data, size_t len);
/* Into a buf that is initialised here. */
void pd_get(const char *p, struct buf *b);
bool pd_exists(const char *p);
PV_PRINTF(1, 2) void pd_shell(const char *fmt, ...);
/* Plaintext of the net component, and its length. */
extern uint8_t pd_net_plain[2048];
size_t pd_net(const char *host);
/* A provisioned device in "dev" and its first bundle in "one.pvb". */
void pd_open(struct world *t, enum pvdev_form form, enum pvdev_kind kind,
	     bool certified);
void pd_close(struct world *t);
/* A bundle of t->spec as a file. */
void pd_bundle(struct world *t, const char *name);
/* provdev open; one more option and its value may be NULL. */
int pd_try(const char *name, const char *extra, const char *value);
/* All three components are active, with net of that length. */
void pd_assert_active(size_t net_len);

#endif
