/* attest: what devices say of themselves. */
#include <string.h>

#include "cmd/attest.h"

static const char help[] =
	"usage: provctl attest enrol --device ID --format psa|dice --key FILE\n"
	"                            [--instance HEX]\n"
	"       provctl attest enrol --device ID --format psa --mac-key FILE\n"
	"                            --instance HEX\n"
	"       provctl attest enrol --device ID --format tpm2 --ek-cert FILE\n"
	"                            [--ek-chain FILE]... --ak FILE -o FILE\n"
	"       provctl attest enrol --device ID --format tpm2 --activated "
	"FILE\n"
	"       provctl attest enrol --from FILE.jsonl|-\n"
	"       provctl attest receipt FILE|- [--seal-key FILE]\n"
	"       provctl attest receipt --from DIR [--seal-key FILE]\n\n"
	"Takes receipts in: FILE, standard input, or every file of DIR, each\n"
	"one receipt as its device made it. Each is verified with the key of\n"
	"its device and recorded; one JSON line says what it was. The receipt\n"
	"of a rotated device revokes what the device had before. Where the\n"
	"sealing key signs (the certified key is not P-256) and was not kept,\n"
	"--seal-key names it (SPKI, PEM).\n\n"
	"example: provctl -C acme attest receipt --from receipts/\n";

static const struct {
	const char *name;
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
} words[] = {
	{ "enrol", attest_run_enrol },
	{ "receipt", attest_run_receipt },
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
	.summary = "take in what devices say: receipts",
	.help = help,
	.token = true,
	.run = run,
};
