#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/pvtime.h"
#include "lib/flow/hostlookup.h"
#include "tests/unit/unit.h"

typedef int resolver(const char *, const char *, const struct addrinfo *,
		     struct addrinfo **);

/* In place of the C library's: names that we make up, and one that takes for
 * ever. What is asked as a number goes on. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *want,
		struct addrinfo **out)
{
	resolver *real;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (want->ai_flags & AI_NUMERICHOST)
		return real(host, port, want, out);
	while (strcmp(host, "slow.example") == 0)
		pause();
	return strcmp(host, "here.example") == 0
		       ? real("127.0.0.1", port, want, out)
		       : EAI_NONAME;
}

static struct host_address list[HOST_ADDRESSES_MAX];
static struct err err;
static size_t n;

static enum pv_code look(const char *host, int64_t ms)
{
	err_init(&err);
	n = 0;
	return host_lookup(host, "8080", pvtime_mono_ms() + ms, list, &n, &err);
}

static void is_loopback(void)
{
	const struct sockaddr_in *at = (const struct sockaddr_in *)&list[0].at;

	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(list[0].len, sizeof(*at));
	ck_assert_int_eq(at->sin_family, AF_INET);
	ck_assert_uint_eq(ntohl(at->sin_addr.s_addr), INADDR_LOOPBACK);
	ck_assert_uint_eq(ntohs(at->sin_port), 8080);
}

START_TEST(an_address_asks_nobody)
{
	const struct sockaddr_in6 *at =
		(const struct sockaddr_in6 *)&list[0].at;

	unit_ok(look("127.0.0.1", 0), &err);
	is_loopback();
	unit_ok(look("::1", 0), &err);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(at->sin6_family, AF_INET6);
	ck_assert_mem_eq(&at->sin6_addr, &in6addr_loopback, 16);
}
END_TEST

START_TEST(a_name_is_asked_of_a_child)
{
	unit_ok(look("here.example", 60000), &err);
	is_loopback();
	unit_refused(look("none.example", 60000), PV_STORAGE, "http.connect",
		     &err);
}
END_TEST

START_TEST(who_does_not_answer_is_left)
{
	int64_t before = pvtime_mono_ms();

	unit_refused(look("slow.example", 100), PV_STORAGE, "http.timeout",
		     &err);
	ck_assert_int_ge(pvtime_mono_ms() - before, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hostlookup");
	TCase *tc = tcase_create("hostlookup");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, an_address_asks_nobody);
	tcase_add_test(tc, a_name_is_asked_of_a_child);
	tcase_add_test(tc, who_does_not_answer_is_left);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
