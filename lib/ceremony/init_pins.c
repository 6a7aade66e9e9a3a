/* The token of a first plan and its PINs: it is looked at before people are
 * asked for one. */
#include <stdio.h>
#include <string.h>

#include "lib/ceremony/init_impl.h"
#include "lib/flow/ceremonyfolder.h"

/* Below the home, with PINs of its own. */
static bool is_own_softhsm(const struct init_work *w)
{
	return strcmp(w->a->pin_source, "file:" INIT_PIN_FILE) == 0;
}

/* ---- the token ---- */

/* The label that it gets is the authority's name; by its URI it is found. */
static enum pv_code check_label(const struct init_work *w, struct err *err)
{
	char label[33];
	enum pv_code rc = w->opts->backends->token_label(w->a, 0, label, err);

	if (rc != PV_OK || !label[0] || strcmp(label, w->a->name) == 0)
		return rc;
	err_object(err, w->a->tokens[0]);
	return err_fail(err, PV_INPUT, "binding.label",
			"write that label into the binding's first URI, or "
			"give the other name with --name",
			"a token that is initialised gets the authority's "
			"name as its label, %s, and the binding names another",
			w->a->name);
}

/* What goes on does so with what it began with. */
static enum pv_code check_binding(const struct init_work *w, struct err *err)
{
	const struct init_opts *opts = w->opts;
	bool same = opts->tokens_n == w->a->tokens_n &&
		    strcmp(opts->module, w->a->module) == 0;

	for (size_t i = 0; same && i < opts->tokens_n; i++)
		same = strcmp(opts->tokens[i], w->a->tokens[i]) == 0;
	if (same)
		return PV_OK;
	err_object(err, w->a->tokens[0]);
	return err_fail(err, PV_DENIED, "ceremony.binding",
			"give the binding that it began with, or begin in "
			"another folder",
			"the ceremony began with another module, or with other "
			"tokens, than the binding names");
}

/* A plan whose first step is done may wait for people to bring the token. */
static enum pv_code missing(const struct init_work *w, struct err *why,
			    struct err *err)
{
	uint32_t reached = 0;
	enum pv_code rc = PV_OK;

	if (w->resume)
		rc = ceremony_folder_reached(w->folder, &reached, err);
	if (rc != PV_OK || reached > 1)
		return rc;
	if (strcmp(why->rule, "hsm.token-missing") == 0)
		snprintf(why->hint, sizeof(why->hint), "%s",
			 "plug the token in; one that is to be initialised "
			 "needs --binding with so_pin_source");
	*err = *why;
	return why->code;
}

static enum pv_code taken(const struct init_work *w, struct err *err)
{
	err_object(err, w->a->tokens[0]);
	return err_fail(err, PV_CONFLICT, "hsm.label-taken",
			"leave so_pin_source out of the binding to use it as "
			"it is, or take another name",
			"the binding has it initialised, and the token is "
			"there already");
}

enum pv_code init_look(struct init_work *w, struct err *err)
{
	const struct init_opts *opts = w->opts;
	struct token_facts f = { .found = false };
	struct err why;
	enum pv_code rc = PV_OK;

	if (is_own_softhsm(w))
		return PV_OK;
	if (w->resume && opts->tokens_n > 0)
		rc = check_binding(w, err);
	if (rc == PV_OK && opts->so_pin_source)
		rc = check_label(w, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	w->token.whole =
		opts->backends->token_facts(w->a, 0, &f, &why) == PV_OK;
	w->token.labelled = f.found;
	if (w->token.whole)
		return opts->so_pin_source && !w->resume ? taken(w, err)
							 : PV_OK;
	return opts->so_pin_source ? PV_OK : missing(w, &why, err);
}

/* ---- its PINs ---- */

/* Nobody sees what is typed: what a token is to have is typed twice. */
static enum pv_code ask_new(const struct init_work *w, const char *whose,
			    struct secret *pin, struct err *err)
{
	const struct ceremony_people *people = w->opts->people;
	enum pv_code rc = people->next_pin(people->ctx, whose, pin, err);

	if (rc != PV_OK && err && strcmp(err->rule, "pin.terminal") == 0)
		snprintf(err->hint, sizeof(err->hint), "%s",
			 "run it on a terminal, or name another source in the "
			 "binding");
	return rc;
}

static bool is_asked(const struct init_work *w, const char *source)
{
	return w->opts->people && w->opts->people->next_pin &&
	       strcmp(source, "prompt") == 0;
}

/* That of one that an interrupted run left with its label alone is no new one.
 */
static enum pv_code read_so_pin(const struct init_work *w,
				struct secret *so_pin, struct err *err)
{
	const struct init_opts *opts = w->opts;
	const char *whose = "the security officer";

	return !w->token.labelled && is_asked(w, opts->so_pin_source)
		       ? ask_new(w, whose, so_pin, err)
		       : opts->backends->person_pin(opts->so_pin_source, whose,
						    so_pin, err);
}

enum pv_code init_read_pins(struct init_work *w, struct err *err)
{
	const struct init_opts *opts = w->opts;
	bool makes = opts->so_pin_source && !w->token.whole;
	enum pv_code rc;

	if (w->pins_read)
		return PV_OK;
	if (is_own_softhsm(w))
		return init_softhsm(w->a, &w->so_pin, &w->pin, err);
	rc = makes && is_asked(w, w->a->pin_source)
		     ? ask_new(w, w->a->name, &w->pin, err)
		     : opts->backends->pin_read(w->a, &w->pin, err);
	if (rc == PV_OK && makes)
		rc = read_so_pin(w, &w->so_pin, err);
	w->pins_read = rc == PV_OK;
	return rc;
}

enum pv_code init_read_pins_first(struct init_work *w, struct err *err)
{
	const char *source = w->a->pin_source;

	if (is_own_softhsm(w))
		return PV_OK;
	if (strncmp(source, "file:", 5) != 0 || source[5] == '/')
		return init_read_pins(w, err);
	err_object(err, source);
	return err_fail(err, PV_INPUT, "pin.source",
			"name the file by its whole path",
			"the file of the PIN would be in the folder of the "
			"authority, which is not made yet");
}
