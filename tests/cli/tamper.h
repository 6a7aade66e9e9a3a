/* tamper: what the two halves of the program share, store and folder. */
#ifndef PV_TESTS_TAMPER_H
#define PV_TESTS_TAMPER_H

#include "lib/flow/authority.h"
#include "lib/flow/checkpoint.h"

/* CUT: in the store the log ends before the entry, and its tree with it; in
 * the folder its bundle ends within it. */
enum way { DELETE, EDIT, MOVE, CUT, WAYS };

struct log { /* as it was */
	const struct authority *a;
	struct checkpoint_base base;
	struct span *entry;
	uint64_t n;
};

struct target {
	const char *name;
	/* Does it to entry i, or undoes it. */
	void (*change)(void *ctx, enum way way, uint64_t i);
	void (*undo)(void *ctx, enum way way, uint64_t i);
	enum pv_code (*verify)(void *ctx, struct err *err);
	/* Whether what verify said names the entry or what it is part of. */
	bool (*named)(void *ctx, enum way way, uint64_t i,
		      const struct err *err);
	void *ctx;
};

void tamper_store_open(struct target *t, const struct log *log);
void tamper_store_close(struct target *t);
void tamper_folder_open(struct target *t, const struct log *log,
			const char *dir);
void tamper_folder_close(struct target *t);

/* A heap copy of entry i with one bit of it changed. */
uint8_t *tamper_edited(const struct log *log, uint64_t i);

#endif
