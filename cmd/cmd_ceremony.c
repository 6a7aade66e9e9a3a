/* ceremony: the words of the verb, and which of them uses a token. */
#include <string.h>

#include "cmd/ceremony.h"

static const struct ceremony_word {
	const char *name; /* NULL ends the table */
	bool token;
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
} words[] = {
	{ "explain", false, ceremony_run_explain },
	{ "rehearse", true, ceremony_run_plan },
	{ "run", true, ceremony_run_plan },
	{ "resume", true, ceremony_run_plan },
	{ "show", false, ceremony_run_show },
	{ "verify", false, ceremony_run_verify },
	{ "cosign", false, ceremony_run_cosign },
	{ NULL, false, NULL },
};

static const struct ceremony_word *find(const char *name)
{
	for (const struct ceremony_word *w = words; w->name; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}

static bool token_of(const char *word)
{
	const struct ceremony_word *w = find(word);

	return w && w->token;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	const struct ceremony_word *w = argc > 1 ? find(argv[1]) : NULL;

	if (w)
		return w->run(app, argc - 1, argv + 1, err);
	return err_fail(err, PV_USAGE, "usage.argument", "see --help",
			argc > 1 ? "ceremony does not know that word"
				 : "ceremony what?");
}

const struct verb verb_ceremony = {
	.name = "ceremony",
	.summary = "keys and CAs by a plan: rehearse, run, verify",
	.help = ceremony_help,
	.parts = ceremony_parts,
	.token_of = token_of,
	.run = run,
};
