/* What a signer makes of what its threads made, while they go on. */
#include <sys/socket.h>

#include "lib/flow/signer_fail.h"
#include "tests/unit/unit.h"

static struct wire to_writer, writer;
static struct signer_opts opts;
static struct signer s;
static struct signer_group groups[SIGNER_GROUPS];
static struct err err;

static void setup(void)
{
	int fds[2];

	err_init(&err);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	wire_init(&to_writer, fds[0]);
	wire_init(&writer, fds[1]);
	opts = (struct signer_opts){ .writer = &to_writer };
	s = (struct signer){ .opts = &opts };
	for (size_t k = 0; k < SIGNER_GROUPS; k++)
		s.groups[k] = &groups[k];
	groups[0] = (struct signer_group){ .state = GROUP_WORKING, .n = 2 };
	for (size_t i = 0; i < groups[0].n; i++) {
		struct signer_slot *slot = &groups[0].slots[i];

		request_init(&slot->req);
		slot->req.line = i + 1;
		slot->state = SLOT_GO;
		unit_ok(prepared_new(&slot->prepared, &err), &err);
	}
}

static void teardown(void)
{
	for (size_t i = 0; i < groups[0].n; i++) {
		request_release(&groups[0].slots[i].req);
		prepared_free(groups[0].slots[i].prepared);
	}
	wire_release(&to_writer);
	wire_release(&writer);
}

/* What a thread does last to a slot. */
static void make(struct signer_slot *slot, enum pv_code rc, const char *rule)
{
	err_init(&slot->why);
	slot->rc = rc;
	if (rc != PV_OK)
		ck_assert_int_eq(err_fail(&slot->why, rc, rule, NULL, "no"),
				 rc);
	slot->made = true;
}

/* The writer gets line's refusal next. */
static void ck_refusal(uint64_t line)
{
	struct record_refused r;
	struct wire_rec rec;
	bool got;

	unit_ok(wire_flush(&to_writer, &err), &err);
	unit_ok(wire_read(&writer, &rec, &got, &err), &err);
	ck_assert(got && rec.type == WIRE_REFUSED);
	unit_ok(record_get_refused(&rec, &r, &err), &err);
	ck_assert_uint_eq(r.line, line);
	ck_assert(!wire_holds(&writer, ~0u));
}

/* A slot has nothing that could be sent: its thread made no bundle. */
START_TEST(a_late_failure_is_no_result)
{
	struct signer_group *g = &groups[0];

	make(&g->slots[0], PV_INPUT, "size.limit");
	unit_ok(signer_judge(&s, g, &err), &err);
	make(&g->slots[1], PV_INPUT, "size.limit");
	unit_ok(signer_send(&s, g, false, &err), &err);
	ck_refusal(1);
	ck_assert_int_eq(g->slots[1].state, SLOT_GO);
	unit_ok(signer_judge(&s, g, &err), &err);
	unit_ok(signer_send(&s, g, false, &err), &err);
	ck_refusal(2);
	ck_assert_int_eq(g->slots[1].state, SLOT_REFUSED);
}
END_TEST

START_TEST(a_late_end_of_the_run_is_no_result)
{
	struct signer_group *g = &groups[0];

	make(&g->slots[0], PV_INPUT, "size.limit");
	unit_ok(signer_judge(&s, g, &err), &err);
	make(&g->slots[1], PV_HSM_TEMP, "hsm.gone");
	unit_ok(signer_send(&s, g, false, &err), &err);
	ck_refusal(1);
	unit_refused(signer_judge(&s, g, &err), PV_HSM_TEMP, "hsm.gone", &err);
	ck_assert_int_eq(g->slots[1].state, SLOT_GO);
}
END_TEST

/* An earlier device's wrong signature is not what this one failed by. */
START_TEST(a_wrong_signature_is_its_own_device_s)
{
	struct signing with = { .wrong = { .label = "acme/bundle/1" } };
	struct signer_slot *slot = &groups[0].slots[0];

	make(slot, PV_HSM_FATAL, "hsm.key");
	signer_keep_wrong(slot, &with);
	ck_assert_ptr_null(slot->wrong.label);
	make(slot, PV_HSM_FATAL, "hsm.signature");
	signer_keep_wrong(slot, &with);
	ck_assert_str_eq(slot->wrong.label, "acme/bundle/1");
	make(slot, PV_OK, NULL);
	signer_keep_wrong(slot, &with);
	ck_assert_ptr_null(slot->wrong.label);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signer");
	TCase *t = tcase_create("signer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_late_failure_is_no_result);
	tcase_add_test(t, a_late_end_of_the_run_is_no_result);
	tcase_add_test(t, a_wrong_signature_is_its_own_device_s);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
