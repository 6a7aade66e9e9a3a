/* attest: what devices say of themselves. */
#include <string.h>

#include "cmd/attest.h"

static const struct {
	const char *name;
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
} words[] = {
	{ "enrol", attest_run_enrol },
	{ "challenge", attest_run_challenge },
	{ "verify", attest_run_verify },
	{ "receipt", attest_run_receipt },
	{ "event", attest_run_event },
	{ "key", attest_run_key },
};

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
	.token = true,
	.run = run,
};
