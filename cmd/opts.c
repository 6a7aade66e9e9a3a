#include "cmd/opts.h"

#include <string.h>

/* One pass over argv. */
struct scan {
	const struct opt *opts;
	int argc;
	char **argv;
	int i;
	bool seen[OPTS_TABLE_MAX];
};

bool opts_number(const char *s, uint64_t min, uint64_t max, uint64_t *v)
{
	uint64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		uint64_t digit = (uint64_t)(*s - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n < min || n > max)
		return false;
	*v = n;
	return true;
}

bool opts_is_pin(const char *arg)
{
	static const char *const names[] = { "pin", "so-pin", "user-pin",
					     "passphrase", "password" };

	if (strncmp(arg, "--", 2) != 0)
		return false;
	size_t len = strcspn(arg + 2, "=");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (len == strlen(names[i]) &&
		    strncmp(arg + 2, names[i], len) == 0)
			return true;
	return false;
}

/* Options of provctl itself are known before the verb only. */
static const char *unknown_hint(const char *arg)
{
	static const char *const global[] = { "--json", "--quiet", "--verbose",
					      "--directory" };
	bool is = arg[1] != '-' && strchr("Cqv", arg[1]);

	for (size_t i = 0; !is && i < sizeof(global) / sizeof(global[0]); i++)
		is = strcmp(arg, global[i]) == 0;
	return is ? "it goes before the verb: provctl [-C DIR] [--json] "
		    "[-q | -v] VERB ..."
		  : "see --help";
}

static enum pv_code find_long(const struct scan *s, const char *arg,
			      size_t *index, const char **joined,
			      struct err *err)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");

	if (opts_is_pin(arg))
		return err_fail(err, PV_USAGE, "usage.pin",
				"use pin_source in provctl.json: prompt, "
				"file:PATH, fd:N or systemd:NAME",
				"a PIN is never taken from the command line");
	for (size_t i = 0; s->opts[i].name; i++) {
		if (strlen(s->opts[i].name) != len ||
		    strncmp(s->opts[i].name, name, len) != 0)
			continue;
		*index = i;
		*joined = name[len] == '=' ? name + len + 1 : NULL;
		return PV_OK;
	}
	return err_fail(err, PV_USAGE, "usage.option", unknown_hint(arg),
			"unknown option --%.*s", (int)(len > 40 ? 40 : len),
			name);
}

static enum pv_code find_short(const struct scan *s, const char *arg,
			       size_t *index, const char **joined,
			       struct err *err)
{
	for (size_t i = 0; s->opts[i].name; i++) {
		if (!s->opts[i].letter || s->opts[i].letter != arg[1])
			continue;
		*index = i;
		*joined = arg[2] ? arg + 2 : NULL;
		if (s->opts[i].kind != OPT_FLAG || !*joined)
			return PV_OK;
	}
	return err_fail(
		err, PV_USAGE, "usage.option",
		arg[2] && !strchr("Cqv", arg[1])
			? "flags of one letter are given one by one; see --help"
			: unknown_hint(arg),
		"unknown option -%.1s", arg + 1); /* no value: may be a PIN */
}

static enum pv_code store_value(const struct opt *o, const char *value,
				struct err *err)
{
	struct opt_list *list;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		return PV_OK;
	case OPT_STRING:
		*(const char **)o->to = value;
		return PV_OK;
	case OPT_NUMBER:
		if (opts_number(value, o->min, o->max, o->to))
			return PV_OK;
		return err_fail(err, PV_USAGE, "usage.value", NULL,
				"--%s takes a number from %llu to %llu",
				o->name, (unsigned long long)o->min,
				(unsigned long long)o->max);
	case OPT_LIST:
		list = o->to;
		if (list->n == OPTS_LIST_MAX)
			return err_fail(err, PV_USAGE, "usage.value", NULL,
					"--%s is given more than %d times",
					o->name, OPTS_LIST_MAX);
		list->values[list->n++] = value;
		return PV_OK;
	}
	return err_fail(err, PV_INTERNAL, NULL, NULL, "bad option table");
}

/* s->i stands on an option; afterwards on its last word. */
static enum pv_code take_option(struct scan *s, struct err *err)
{
	const char *arg = s->argv[s->i], *joined = NULL;
	size_t index = 0;
	enum pv_code code;

	code = arg[1] == '-' ? find_long(s, arg, &index, &joined, err)
			     : find_short(s, arg, &index, &joined, err);
	if (code)
		return code;
	const struct opt *o = &s->opts[index];
	if (index >= OPTS_TABLE_MAX)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"option table too long");
	if (s->seen[index] && o->kind != OPT_LIST)
		return err_fail(err, PV_USAGE, "usage.option", NULL,
				"--%s is given twice", o->name);
	s->seen[index] = true;
	if (o->kind == OPT_FLAG) {
		if (joined)
			return err_fail(err, PV_USAGE, "usage.value", NULL,
					"--%s takes no value", o->name);
		return store_value(o, NULL, err);
	}
	if (!joined) {
		const char *next =
			s->i + 1 < s->argc ? s->argv[s->i + 1] : NULL;
		if (!next || (next[0] == '-' && next[1]))
			return err_fail(err, PV_USAGE, "usage.value", NULL,
					"%.40s needs a value", arg);
		joined = next;
		s->i++;
	}
	return store_value(o, joined, err);
}

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1];
}

enum pv_code opts_parse(const struct opt *opts, int argc, char **argv,
			size_t args_min, size_t args_max, struct opt_args *args,
			struct err *err)
{
	struct scan s = { .opts = opts, .argc = argc, .argv = argv, .i = 1 };
	bool ended = false;
	enum pv_code code;

	args->n = 0;
	for (; s.i < argc; s.i++) {
		const char *arg = argv[s.i];
		if (!ended && strcmp(arg, "--") == 0) {
			ended = true;
		} else if (!ended && is_option(arg)) {
			code = take_option(&s, err);
			if (code)
				return code;
		} else {
			if (args->n == args_max || args->n == OPTS_LIST_MAX)
				return err_fail(err, PV_USAGE, "usage.argument",
						"see --help",
						"too many arguments");
			args->values[args->n++] = arg;
		}
	}
	if (args->n < args_min)
		return err_fail(err, PV_USAGE, "usage.argument", "see --help",
				"an argument is missing");
	return PV_OK;
}

enum pv_code opts_parse_until(const struct opt *opts, int argc, char **argv,
			      int *next, struct err *err)
{
	struct scan s = { .opts = opts, .argc = argc, .argv = argv, .i = 1 };
	enum pv_code code;

	for (; s.i < argc && is_option(argv[s.i]); s.i++) {
		if (strcmp(argv[s.i], "--") == 0) {
			s.i++;
			break;
		}
		code = take_option(&s, err);
		if (code)
			return code;
	}
	*next = s.i;
	return PV_OK;
}
