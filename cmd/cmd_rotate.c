/* rotate: the words of the verb, and which of them uses the token itself. */
#include <string.h>

#include "cmd/rotate.h"

static const struct rotate_word {
	const char *name; /* NULL ends the table */
	bool token;	  /* in its own process (guard.h); else a crew has it */
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
} words[] = {
	{ "crl", true, rotate_run_crl },
	{ "ca", true, rotate_run_ca },
	{ "bundle", true, rotate_run_key },
	{ "kdf", true, rotate_run_key },
	{ "store", true, rotate_run_key },
	{ "log", true, rotate_run_key },
	{ "log-ecdsa", true, rotate_run_key },
	{ "ocsp", true, rotate_run_key },
	{ "event", true, rotate_run_key },
	{ "pin", true, rotate_run_pin },
	{ "device", false, rotate_run_device },
	{ "due", true, rotate_run_due }, /* for the lists; a crew, too */
	{ NULL, false, NULL },
};

static const struct rotate_word *find(const char *name)
{
	for (const struct rotate_word *w = words; w->name; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}

static bool token_of(const char *word)
{
	const struct rotate_word *w = find(word);

	return w && w->token;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	const struct rotate_word *w;

	if (argc < 2)
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl rotate --help", "rotate what?");
	w = find(argv[1]);
	if (!w)
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl rotate --help",
				"rotate does not know \"%.40s\"", argv[1]);
	return w->run(app, argc - 1, argv + 1, err);
}

const struct verb verb_rotate = {
	.name = "rotate",
	.summary = "renew what ends: CRLs, devices, keys",
	.help = rotate_help,
	.parts = rotate_parts,
	.token_of = token_of,
	.run = run,
};
