#include "policy/roster.h"

#include "tests/unit/casefiles.h"
#include "tests/unit/people.h"

static enum pv_code parse_case(struct span text, struct err *err)
{
	struct roster *r = NULL;
	enum pv_code rc = roster_parse(text, &r, err);

	ck_assert((rc == PV_OK) == (r != NULL));
	roster_free(r);
	return rc;
}

START_TEST(whole)
{
	struct people p;
	const struct roster *r;

	people_init(&p, "\"roster\":2,\"revoke\":1,\"adopt\":3");
	r = p.roster;
	ck_assert_uint_eq(r->version, 7);
	ck_assert_uint_eq(r->n, 6);
	ck_assert_str_eq(r->officers[0].name, "alice");
	ck_assert_str_eq(r->officers[2].person, "C\xC3\xA4rol");
	ck_assert_uint_eq(r->officers[0].keys_n, 2);
	ck_assert(!r->officers[0].keys[0].file && r->officers[0].keys[1].file);
	ck_assert_uint_eq(r->officers[0].roles, ROLE_SECURITY_OFFICER);
	ck_assert_uint_eq(r->officers[5].roles, ROLE_TECHNICIAN);
	ck_assert_uint_eq(r->quorum.persons[QUORUM_ROSTER], 2);
	ck_assert_uint_eq(r->quorum.persons[QUORUM_REVOKE], 1);
	ck_assert_uint_eq(r->quorum.persons[QUORUM_ADOPT], 3);
	ck_assert_uint_eq(r->quorum.persons[QUORUM_SECRET], 2);
	ck_assert_uint_eq(roster_count(r, ROLE_SECURITY_OFFICER), 3);
	ck_assert_uint_eq(roster_count(r, ROLE_AUDITOR), 1);
	people_release(&p);
	roster_free(NULL);
}
END_TEST

START_TEST(finds)
{
	const struct roster_key *key = NULL;
	const struct roster_officer *o;
	struct people p;

	people_init(&p, "\"roster\":1");
	o = roster_find(p.roster, span_of("bob"));
	ck_assert_ptr_eq(o, &p.roster->officers[1]);
	ck_assert_ptr_null(roster_find(p.roster, span_of("bo")));
	ck_assert_ptr_null(roster_find(p.roster, span_of("")));
	o = roster_find_key(p.roster, span_of("alice"), p.pairs[ALICE_2].key.id,
			    &key);
	ck_assert_ptr_eq(o, &p.roster->officers[0]);
	ck_assert_ptr_eq(key, &o->keys[1]);
	ck_assert_ptr_nonnull(roster_find_key(p.roster, span_of("alice"),
					      p.pairs[ALICE].key.id, NULL));
	ck_assert_ptr_null(roster_find_key(p.roster, span_of("bob"),
					   p.pairs[ALICE].key.id, &key));
	ck_assert_ptr_null(roster_find_key(p.roster, span_of("zoe"),
					   p.pairs[ALICE].key.id, &key));
	people_release(&p);
}
END_TEST

START_TEST(role_names)
{
	ck_assert_str_eq(role_name(ROLE_SECURITY_OFFICER), "security-officer");
	ck_assert_str_eq(role_name(ROLE_TECHNICIAN), "technician");
	ck_assert_str_eq(role_name(ROLE_NONE), "");
	ck_assert_str_eq(role_name(ROLE_OPERATOR | ROLE_AUDITOR), "");
}
END_TEST

START_TEST(invalid_files)
{
	casefiles_refused("roster", 79, parse_case);
}
END_TEST

START_TEST(shipped)
{
	struct roster *r;
	struct buf b;

	unit_read("../../templates/examples/roster.json", &b);
	UNIT_OK(roster_parse(buf_span(&b), &r, &err_));
	ck_assert_uint_eq(r->n, 3);
	roster_free(r);
	buf_release(&b);
}
END_TEST

START_TEST(strict)
{
	struct people p;
	struct buf text;
	json_t *root;

	people_init(&p, "\"roster\":1");
	people_text(&p, "\"roster\":3,\"order\":1,\"clock_accept\":2", &text);
	root = json_loads(buf_cstr(&text), 0, NULL);
	ck_assert_ptr_nonnull(root);
	casefiles_strict(root, parse_case);
	json_decref(root);
	buf_release(&text);
	people_release(&p);
}
END_TEST

/* A roster of one officer with key as the only key. */
static void one(const char *name, const struct note_key *key, struct buf *out)
{
	buf_init(out, ROSTER_SIZE_MAX * 2);
	buf_printf(out,
		   "{\"roster\":\"" ROSTER_FORMAT "\",\"version\":1,"
		   "\"officers\":[{\"name\":\"%s\",\"person\":\"P\","
		   "\"roles\":[\"security-officer\"],\"keys\":[{\"vkey\":\"",
		   name);
	note_key_put(key, out);
	buf_put_str(out, "\",\"kind\":\"token\"}]}],\"quorum\":"
			 "{\"roster\":1}}");
}

/* Under each of these keys a signature of anything verifies. */
START_TEST(small_order)
{
	static const char *const points[] = {
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc"
		"05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03"
		"7a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ff",
	};
	struct pair pair;
	struct err err;
	struct buf text;

	pair_new(&pair, NOTE_ED25519, "alice");
	one("alice", &pair.key, &text);
	err_init(&err);
	unit_ok(parse_case(buf_span(&text), &err), &err);
	buf_release(&text);
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		struct span spki = { pair.key.spki, pair.key.spki_len };
		struct note_key key;

		ck_assert(hex_decode(points[i], pair.key.spki + 12, 32));
		UNIT_OK(note_key_from_spki(&key, "alice", spki, &err_));
		one("alice", &key, &text);
		err_init(&err);
		unit_refused(parse_case(buf_span(&text), &err), PV_INPUT,
			     "roster.key", &err);
		ck_assert_ptr_nonnull(strstr(err.message, "anybody"));
		buf_release(&text);
	}
	EVP_PKEY_free(pair.pkey);
}
END_TEST

START_TEST(bounds)
{
	struct pair pair;
	struct err err;
	struct buf text;
	char name[ROSTER_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[ROSTER_NAME_MAX] = '\0';
	pair_new(&pair, NOTE_ECDSA, name);
	one(name, &pair.key, &text);
	err_init(&err);
	unit_ok(parse_case(buf_span(&text), &err), &err);
	while (text.len <= ROSTER_SIZE_MAX)
		buf_put_u8(&text, ' ');
	unit_refused(parse_case(buf_span(&text), &err), PV_INPUT, "json.size",
		     &err);
	buf_release(&text);
	name[ROSTER_NAME_MAX] = 'n';
	name[ROSTER_NAME_MAX + 1] = '\0';
	one(name, &pair.key, &text);
	err_init(&err);
	unit_refused(parse_case(buf_span(&text), &err), PV_INPUT, "roster.name",
		     &err);
	buf_release(&text);
	EVP_PKEY_free(pair.pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("roster");
	TCase *t = tcase_create("roster");

	tcase_add_test(t, whole);
	tcase_add_test(t, finds);
	tcase_add_test(t, role_names);
	tcase_add_test(t, invalid_files);
	tcase_add_test(t, shipped);
	tcase_add_test(t, strict);
	tcase_add_test(t, small_order);
	tcase_add_test(t, bounds);
	suite_add_tcase(s, t);
	return unit_run(s);
}
