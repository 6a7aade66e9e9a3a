#include <string.h>

#include "lib/log/witness.h"
#include "tests/unit/unit.h"

/* A witness of the public network, and a key of sumdb/note (type 01). */
#define PUBLIC                                                                 \
	"remora.n621.de+da77ade7+"                                             \
	"BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
#define LOG_KEY                                                                \
	"PeterNeumann+c74f20a3+"                                               \
	"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

START_TEST(test_known_answer)
{
	struct log_witness w, again;
	struct buf b;

	UNIT_OK(log_witness_parse(&w, span_of(PUBLIC), &err_));
	ck_assert_str_eq(w.name, "remora.n621.de");
	ck_assert_mem_eq(w.id, "\xda\x77\xad\xe7", 4);
	ck_assert_mem_eq(w.key, "\xeb\xcd\xeb\x78", 4);
	buf_init(&b, 1024);
	log_witness_put(&w, &b);
	ck_assert(span_is(buf_span(&b), PUBLIC));
	buf_release(&b);
	UNIT_OK(log_witness_set(&again, span_of("remora.n621.de"), w.key,
				&err_));
	ck_assert_mem_eq(&again, &w, sizeof(w));
}
END_TEST

START_TEST(test_bad)
{
	static const struct log_witness none;
	static const char *const bad[] = {
		"",
		"+",
		"remora.n621.de",
		"remora.n621.de+da77ade7",
		"remora.n621.de+da77ade7+",
		LOG_KEY,
		PUBLIC "\n",
		PUBLIC "=",
		"x" PUBLIC,
		"remora n621.de+da77ade7+"
		"BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
		"+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
		"remora.n621.de+da77ade8+"
		"BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
		"remora.n621.de+DA77ADE7+"
		"BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
		"remora.n621.de+da77ade7+"
		"BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw=",
		"remora.n621.de+da77ade7+"
		"AOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
		"remora.n621.de+da77ade7+"
		"BuvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
	};
	struct log_witness w;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(log_witness_parse(&w, span_of(bad[i]), &err),
			     PV_INPUT, "log.witness", &err);
		ck_assert_mem_eq(&w, &none, sizeof(w));
	}
}
END_TEST

START_TEST(test_names)
{
	uint8_t key[LOG_WITNESS_KEY] = { 1 };
	char name[NOTE_NAME_MAX + 2];
	struct log_witness w;
	struct err err;

	memset(name, 'n', sizeof(name));
	name[NOTE_NAME_MAX + 1] = '\0';
	err_init(&err);
	unit_refused(log_witness_set(&w, span_of(name), key, &err), PV_INPUT,
		     "log.witness", &err);
	name[NOTE_NAME_MAX] = '\0';
	UNIT_OK(log_witness_set(&w, span_of(name), key, &err_));
	ck_assert_str_eq(w.name, name);
	err_init(&err);
	unit_refused(log_witness_set(&w, span_of("a b"), key, &err), PV_INPUT,
		     "log.witness", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_witness");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_known_answer);
	tcase_add_test(t, test_bad);
	tcase_add_test(t, test_names);
	suite_add_tcase(s, t);
	return unit_run(s);
}
