#include <stdio.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/status_json.h"
#include "lib/flow/tokenkeys.h"

static const char help[] =
	"usage: provctl status [--dependants FILE]\n"
	"\n"
	"Says how the authority is: module and tokens (without login), the "
	"PIN's\n"
	"file, store, log, templates, CAs and their end, revocation lists, "
	"intents\n"
	"that wait for their result, ceremonies that have not ended. Ends with "
	"0 when\n"
	"all is well, else with the code of what stands in the way: 4 a day "
	"before a\n"
	"revocation list ends, 5 once it has. With FILE, a line of JSON for "
	"each place\n"
	"that lists are fetched from: whether it shows the newest one, and who "
	"lags\n"
	"since when.\n"
	"\n"
	"example: provctl -C acme --json status\n";

static void print_witnesses(const struct cosigned *c)
{
	if (c->known_n == 0 && c->required == 0)
		return;
	printf("witnesses  %zu of %zu cosigned the last checkpoint, %zu must; "
	       "%llu entr%s cosigned\n",
	       c->last_n, c->known_n, c->required,
	       (unsigned long long)c->at.size, err_ies(c->at.size));
	if (c->known_n < c->required)
		printf("           exports wait (11): write the witnesses' "
		       "keys "
		       "into the home's file witnesses\n");
}

/* What the machine's clock is held against. */
static void print_clock(const struct status *st)
{
	char newest[PVTIME_RFC3339_LEN + 1], seen[PVTIME_RFC3339_LEN + 1];
	char until[PVTIME_RFC3339_LEN + 1];

	printf("clock      ");
	if (st->clock_code != PV_OK)
		printf("%s; ", st->clock_why.message);
	if (st->newest_s == 0) {
		printf("the log has no entry yet\n");
		return;
	}
	printf("not before %s, the newest entry",
	       status_day((int64_t)st->newest_s, newest));
	if (st->witnessed_s)
		printf(", nor %s, as witnesses say",
		       status_day((int64_t)st->witnessed_s, seen));
	if (st->clock_until_s)
		printf("; not after %s",
		       status_day((int64_t)st->clock_until_s, until));
	printf("\n");
}

static void print_token(const struct status_token *t)
{
	if (t->code != PV_OK) {
		printf("token      %s: %s\n", t->facts.name, t->why.message);
		return;
	}
	printf("token      %s (%s %s, serial %s)%s\n", t->facts.label,
	       t->facts.manufacturer, t->facts.model, t->facts.serial,
	       t->facts.pin_count_low ? ", a wrong PIN was tried" : "");
	for (size_t i = 0; i < t->lacks_n; i++)
		printf("           lacks %s, and has the generation before: "
		       TOKENKEYS_NEXT "\n",
		       t->lacks[i]);
}

static void print_people(const struct status *st)
{
	const struct store_people_counts *c = &st->people;

	if (st->roster == 0) {
		printf("roster     none: nobody is asked for approvals\n");
	} else {
		printf("roster     version %llu, %zu officer%s; approvals:",
		       (unsigned long long)st->roster, st->officers,
		       err_s(st->officers));
		for (size_t i = 0; i < QUORUM_OPS; i++)
			printf("%s %s %u", i ? "," : "",
			       quorum_op_name((enum quorum_op)i),
			       st->quorum.persons[i]);
		printf("\n");
	}
	if (st->uncovered)
		printf("decisions  %llu that no checkpoint covers yet\n",
		       (unsigned long long)st->uncovered);
	if (c->opened > c->closed)
		printf("orders     %llu open\n",
		       (unsigned long long)(c->opened - c->closed));
	if (c->held > c->decided)
		printf("held       %llu request%s wait%s for a decision\n",
		       (unsigned long long)(c->held - c->decided),
		       err_s(c->held - c->decided),
		       err_verb(c->held - c->decided));
}

static void print_text(const struct authority *a, const struct status *st)
{
	printf("authority  %s in %s\nmodule     %s\n", a->name, a->home,
	       a->module);
	for (size_t i = 0; i < st->tokens_n; i++)
		print_token(&st->tokens[i]);
	printf("PIN        %s%s%s\n", a->pin_source,
	       st->pin_code == PV_OK ? "" : ": ",
	       st->pin_code == PV_OK ? "" : st->pin_why.message);
	if (st->store_code != PV_OK) {
		printf("store      %s\n", st->store_why.message);
		return;
	}
	printf("store      ");
	out_devices(st->counts.devices - st->counts.later, st->counts.devices);
	printf(", %llu byte%s sealed\n"
	       "log        %llu entr%s, %llu of them under a checkpoint\n"
	       "templates  %llu adopted\n",
	       (unsigned long long)st->counts.sealed_len,
	       err_s(st->counts.sealed_len),
	       (unsigned long long)st->counts.log_size,
	       err_ies(st->counts.log_size), (unsigned long long)st->checkpoint,
	       (unsigned long long)st->templates);
	print_witnesses(&st->cosigned);
	print_people(st);
	print_clock(st);
	for (size_t i = 0; i < st->cas_n; i++)
		status_print_ca(&st->cas[i]);
	status_print_crls(&st->crls);
	for (size_t i = 0; i < st->ceremonies_n; i++)
		printf("ceremony   %s has not ended: `provctl ceremony "
		       "resume' goes on\n",
		       st->ceremonies[i]);
	if (st->counts.reserved)
		printf("intents    %llu wait%s for a result: run the "
		       "interrupted issue again\n",
		       (unsigned long long)st->counts.reserved,
		       err_verb(st->counts.reserved));
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	const char *dependants = NULL;
	const struct opt opts[] = {
		{ "dependants", 0, OPT_STRING, &dependants, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	struct status st;
	struct err printing;
	SESSION s = { .a = NULL };
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);
	enum pv_code printed = PV_OK;

	if (rc == PV_OK && dependants)
		return status_dependants(app, dependants, err);
	if (rc == PV_OK)
		rc = session_open(app, 0, &s, err);
	if (rc != PV_OK)
		return rc;
	rc = status_collect(app->backends, s.a, &st, err);
	err_init(&printing);
	if (app->json)
		printed = status_json(s.a, &st, rc, &printing);
	else
		print_text(s.a, &st);
	if (rc == PV_OK && printed != PV_OK)
		*err = printing;
	return rc != PV_OK ? rc : printed;
}

const struct verb verb_status = {
	.name = "status",
	.summary = "health of token, store, log and CAs, with exit code",
	.help = help,
	.run = run,
};
