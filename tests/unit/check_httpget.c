#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/flow/httpget.h"
#include "tests/unit/unit.h"

/* A server on the loopback that takes one request and says what it is told. */
static struct {
	int listens, family, port;
	const char *says;
	size_t fills; /* so many bytes more behind it */
	pthread_t thread;
	char asked[4096];
} at;

static struct err err;
static struct buf out;

static bool server_open(int family)
{
	struct sockaddr_storage any = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&any;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&any;
	socklen_t len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);

	v4->sin_addr.s_addr = family == AF_INET ? htonl(INADDR_LOOPBACK) : 0;
	if (family == AF_INET6)
		v6->sin6_addr = in6addr_loopback;
	at.family = family;
	at.listens = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (at.listens < 0)
		return false;
	if (bind(at.listens, (const struct sockaddr *)&any, len) == 0 &&
	    listen(at.listens, 1) == 0 &&
	    getsockname(at.listens, (struct sockaddr *)&any, &len) == 0)
		at.port =
			ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
	return at.port > 0;
}

/* Until the head of the request has ended, and its body when it has one. */
static void *serve(void *unused)
{
	static char fill[65536];
	int fd = accept(at.listens, NULL, NULL);
	size_t have = 0;
	ssize_t n = 1;

	(void)unused;
	while (fd >= 0 && n > 0 && !strstr(at.asked, "\r\n\r\n") &&
	       have + 1 < sizeof(at.asked)) {
		n = recv(fd, at.asked + have, sizeof(at.asked) - 1 - have, 0);
		have += n > 0 ? (size_t)n : 0;
	}
	n = send(fd, at.says, strlen(at.says), MSG_NOSIGNAL);
	while (n > 0 && at.fills > 0) {
		n = send(fd, fill, sizeof(fill), MSG_NOSIGNAL);
		at.fills -=
			n > 0 && (size_t)n < at.fills ? (size_t)n : at.fills;
	}
	close(fd);
	return NULL;
}

/* What a GET gives; host: as it stands in the URL. */
static enum pv_code get(const char *host, const char *says, size_t fills)
{
	char url[128];
	enum pv_code rc;

	err_init(&err);
	buf_init(&out, 65536);
	at.says = says;
	at.fills = fills;
	ck_assert_int_eq(pthread_create(&at.thread, NULL, serve, NULL), 0);
	snprintf(url, sizeof(url), "http://%s:%d/a?b", host, at.port);
	rc = http_fetch(url, NULL, (struct span){ NULL, 0 }, &out, &err);
	ck_assert_int_eq(pthread_join(at.thread, NULL), 0);
	return rc;
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n\r\n"

static void asks(const char *host)
{
	char want[128];

	unit_ok(get(host, OK_HEAD "body", 0), &err);
	ck_assert_uint_eq(out.len, 4);
	ck_assert_mem_eq(out.data, "body", 4);
	snprintf(want, sizeof(want), "GET /a?b HTTP/1.0\r\nHost: %s:%d\r\n\r\n",
		 host, at.port);
	ck_assert_str_eq(at.asked, want);
	buf_release(&out);
}

START_TEST(names_host_and_port)
{
	ck_assert(server_open(AF_INET));
	asks("127.0.0.1");
}
END_TEST

START_TEST(names_an_address_in_brackets)
{
	if (server_open(AF_INET6))
		asks("[::1]");
}
END_TEST

static const struct answer {
	const char *says;
	size_t fills;
	enum pv_code code;
	const char *rule;
} answers[] = {
	{ "HTTP/1.0 404 Not Found\r\n\r\n", 0, PV_NOT_FOUND, "http.status" },
	{ "HTTP/1.1 302 Found\r\nLocation: file:///x\r\n\r\n", 0, PV_NOT_FOUND,
	  "http.status" },
	{ "HTTP/1.1 \xff\x30z\r\n\r\n", 0, PV_INPUT, "http.answer" },
	{ "HTTP/1.1 /:0 OK\r\n\r\n", 0, PV_INPUT, "http.answer" },
	{ "HTTP/1.1 200", 0, PV_INPUT, "http.answer" },
	{ "SSH-2.0-x\r\n\r\n", 0, PV_INPUT, "http.answer" },
	{ OK_HEAD, 1 << 20, PV_INPUT, "size.limit" },
};

START_TEST(takes_no_other_answer)
{
	const struct answer *a = &answers[_i];

	ck_assert(server_open(AF_INET));
	unit_refused(get("127.0.0.1", a->says, a->fills), a->code, a->rule,
		     &err);
	buf_release(&out);
}
END_TEST

START_TEST(knows_its_urls)
{
	static const char *const good[] = { "http://a", "http://a.example:8080",
					    "http://[::1]", "http://[::1]:80/x",
					    "http://1.2.3.4/x?y" };
	static const char *const bad[] = { "https://a",	     "http://",
					   "ftp://a",	     "http://a@b/",
					   "http://a:9x",    "http://a:",
					   "http://[::1",    "http://a b",
					   "http://a:123456" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		UNIT_OK(http_url_check(good[i], &err_));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(http_url_check(bad[i], &err), PV_INPUT, "http.url",
			     &err);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("httpget");
	TCase *tc = tcase_create("httpget");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names_host_and_port);
	if (server_open(AF_INET6))
		tcase_add_test(tc, names_an_address_in_brackets);
	else
		unit_skip("names_an_address_in_brackets", "no IPv6 loopback");
	tcase_add_loop_test(tc, takes_no_other_answer, 0,
			    sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(tc, knows_its_urls);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
