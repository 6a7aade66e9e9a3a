/* attest: what devices say of themselves. */
#include <string.h>

#include "cmd/attest.h"

static const struct {
	const char *name;
	bool token; /* in its own process (guard.h); else a crew has it */
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
} words[] = {
	{ "enrol", true, attest_run_enrol },
	{ "challenge", true, attest_run_challenge },
	{ "verify", true, attest_run_verify },
	{ "release", false, attest_run_release },
	{ "receipt", true, attest_run_receipt },
	{ "event", true, attest_run_event },
	{ "key", true, attest_run_key },
};

static bool token_of(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, word) == 0)
			return words[i].token;
	return false;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	if (argc < 2)
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl attest --help", "attest what?");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, argv[1]) == 0)
			return words[i].run(app, argc - 1, argv + 1, err);
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl attest --help",
			"attest does not know \"%.40s\"", argv[1]);
}

const struct verb verb_attest = {
	.name = "attest",
	.summary = "take in what devices attest, and their receipts",
	.help = attest_help,
	.parts = attest_parts,
	.token_of = token_of,
	.run = run,
};
