#!/bin/sh
# Every rule of tests/lint.sh finds a planted violation and nothing else:
# lint_test.sh [SRCDIR]. A tree without violations passes.
set -u
LC_ALL=C
export LC_ALL

src=$(cd "${1:-${srcdir:-.}}" && pwd) || exit 2
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-lint-test.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
failed=0
checks=0

fail() {
	echo "FAIL: $*" >&2
	failed=$((failed + 1))
}

# A small tree in which everything is as it must be.
clean_tree() {
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/cmd" "$tmp/tree/policy" "$tmp/tree/pkcs11" \
		"$tmp/tree/tests/unit" "$tmp/tree/lib/base" \
		"$tmp/tree/lib/flow" "$tmp/tree/lib/store" \
		"$tmp/tree/lib/device" "$tmp/tree/lib/x509" \
		"$tmp/tree/lib/seal" "$tmp/tree/lib/log"
	cd "$tmp/tree" || exit 2
	: >Makefile.am
	cat >lib/base/good.c <<'END'
/* It says "system(x)", atoi(s), exit(1) and printf("x") in a comment. */
#include "lib/base/good.h"

#include <stdio.h>

#define CALLS(x)                                                              \
	do {                                                                  \
		good_use(x);                                                  \
	} while (0)

static const int table[] = { 1, 2, 3 };
static const char *const names[] = {
	"system(", "int x;",
};
static const struct {
	int a;
	const char *b;
} pairs[] = {
	{ 1, "exit(1)" },
};
const struct good_ops good_ops = { .run = NULL };

struct pair {
	int a;
	int (*call)(int n);
};

enum { GOOD_ONE, GOOD_TWO };

static int add(int a, int b);

static int add(int a,
	       int b)
{
	static const int one = 1;
	char text[8];

	snprintf(text, sizeof(text), "%d /* \" */", a);
	_exit(a + b + one + table[0] + names[0][0] + pairs[0].a);
}

int good_add(int a, int b)
{
	return add(a, b);
}
END
	cat >lib/base/good.h <<'END'
#ifndef PV_BASE_GOOD_H
#define PV_BASE_GOOD_H

struct good_ops {
	int (*run)(void *ctx);
};

extern const struct good_ops good_ops;

__attribute__((warn_unused_result)) int good_add(int a, int b);

static inline int good_sub(int a, int b)
{
	return a - b;
}

#endif
END
	cat >cmd/main.c <<'END'
#include "lib/flow/run.h"
#include "lib/store/sqlite.h"
#include "pkcs11/pkcs11.h"

int main(void)
{
	fprintf(stderr, "x\n");
	exit(1);
}
END
	echo '#include "lib/base/cbor.h"' >lib/device/device.h
	echo '#include "lib/log/entry.h"' >lib/store/sqlite_ok.c
	printf '#include "%s"\n' lib/hsm.h lib/x509/cert.h policy/decide.h \
		lib/store/store_log.h lib/flow/own.h >lib/flow/run.h
	printf '#include "%s"\n' lib/base/err.h lib/x509/profile.h \
		lib/x509/value.h >policy/decide.h
	printf '#include "%s"\n' lib/hsm.h pkcs11/own.h >pkcs11/pkcs11.h
	printf '#include "%s"\n' pkcs11/pkcs11.h lib/store/sqlite.h \
		>tests/unit/check_x.c
	printf 'static int counter;\n' >>tests/unit/check_x.c
}

lines() {
	i=0
	while [ "$i" -lt "$1" ]; do
		echo "$2"
		i=$((i + 1))
	done
}

run() {
	"$src/tests/lint.sh" "$tmp/tree" >"$tmp/out" 2>&1
}

# expect RULE PATH:LINE: exactly this one finding.
expect() {
	checks=$((checks + 1))
	if run; then
		fail "$1 at $2 not found"
	elif ! grep -q "^$2: $1: " "$tmp/out"; then
		fail "$1 at $2 not named:"
		cat "$tmp/out" >&2
	elif [ "$(wc -l <"$tmp/out")" -ne 1 ]; then
		fail "$1 at $2 came with others:"
		cat "$tmp/out" >&2
	fi
	clean_tree
}

# plant RULE FILE TEXT: one line in a file of its own.
plant() {
	printf '%s\n' "$3" >"$2"
	expect "$1" "$2:1"
}

clean_tree
checks=$((checks + 1))
if ! run; then
	fail "a clean tree has findings:"
	cat "$tmp/out" >&2
fi

lines 501 'int x_f(void);' >lib/base/x.c
expect file-length lib/base/x.c:501
lines 500 'int x_f(void);' >lib/base/x.c
lines 120 'int x_f(void);' >lib/base/x.h
lines 200 'int x_f(void);' >cmd/cmd_x.c
checks=$((checks + 1))
run || fail "a length at its limit is found"
clean_tree
lines 121 'int x_f(void);' >lib/base/x.h
expect header-length lib/base/x.h:121
lines 201 'int x_f(void);' >cmd/cmd_x.c
expect command-length cmd/cmd_x.c:201
{
	printf 'int x_f(void)\n{\n'
	lines 79 '	x_g();'
	printf '}\n'
} >lib/base/x.c
expect function-length lib/base/x.c:2

plant struct-typedef lib/base/x.h 'typedef struct x { int a; } x_t;'
plant struct-typedef lib/base/x.h 'typedef	union x x_t;'
plant trailing-blank lib/base/x.h 'int x_f(void); '
plant trailing-blank lib/base/x.h "$(printf 'int x_f(void);\r')"
plant indent lib/base/x.h '        int x_f(void);'
plant indent lib/base/x.h "$(printf '  \tint x_f(void);')"

for call in gets strcpy strcat sprintf vsprintf; do
	plant banned-call lib/base/x.c "	$call(a, b);"
	plant banned-call tests/unit/x.c "	$call (a, b);"
done
for call in atoi system popen mktemp; do
	plant banned-call lib/base/x.c "	n = $call(a);"
	plant banned-call cmd/x.c "	n = $call(a);"
done
for call in 'exit(1)' 'printf("x")' 'puts("x")' 'perror("x")' \
	'fprintf(stderr, "x")' 'fputs("x", stdout)' \
	'vfprintf(stderr, f, ap)' 'fwrite(p, 1, n, stderr)'; do
	plant library-output lib/base/x.c "	$call;"
done
plant library-output pkcs11/x.c '	exit(1);'
plant library-output policy/x.c '	exit(1);'

for global in 'int x;' 'static int x;' 'static int x = 3;' \
	'static char x[10];' 'struct x x;' 'static struct x *x;' \
	'static const char *x = "a";' 'static const char *x[] = { "a" };' \
	'extern int x;' 'static struct { int a; } x;' \
	'static int (*x)(int);' 'static struct x x = { .a = 1 };' \
	'__thread unsigned long x;'; do
	plant mutable-global lib/base/x.c "$global"
done
for global in 'unsigned next;' 'const char *last = "a";' 'int n[] = {'; do
	printf 'int x_f(void)\n{\n\tstatic %s\n}\n' "$global" >lib/base/x.c
	expect mutable-global lib/base/x.c:3
done

include() {
	plant "$1" "$2" "#include \"$3\""
}
include include-path lib/base/x.c err.h
include include-path lib/flow/x.c ../base/err.h
include include-private lib/flow/x.c lib/seal/content_impl.h
include include-private cmd/x.c lib/device/impl.h
include include-direction lib/base/x.c lib/hsm.h
include include-direction lib/base/x.c policy/decide.h
include include-direction lib/hsm.h lib/x509/cert.h
include include-direction lib/x509/x.c lib/store/store.h
include include-direction lib/store/store.h lib/log/entry.h
include include-direction lib/store/sqlite_x.c lib/log/proof.h
include include-direction lib/store/sqlite_x.c lib/x509/cert.h
include include-direction lib/seal/x.c lib/x509/cert.h
include include-direction lib/seal/x.c policy/template.h
include include-direction lib/log/x.c lib/flow/run.h
include include-direction lib/flow/x.c cmd/opts.h
include include-direction lib/flow/x.c lib/ceremony/run.h
include include-direction lib/flow/x.c lib/device/device.h
include include-direction policy/x.c lib/x509/cert.h
include include-direction policy/x.c lib/hsm.h
include include-direction policy/x.c lib/store/store.h
include include-direction pkcs11/x.c lib/x509/cert.h
include include-direction pkcs11/x.c lib/flow/run.h
include include-direction lib/device/x.c lib/base/buf.h
include include-direction lib/device/x.c lib/seal/bundle.h
include include-direction lib/x509/x.c tests/unit/unit.h
include include-backend lib/flow/x.c pkcs11/pkcs11.h
include include-backend lib/flow/x.c lib/store/sqlite.h
include include-backend cmd/cmd_x.c pkcs11/pkcs11.h
include include-backend cmd/cmd_x.c lib/store/sqlite.h
include include-backend cmd/main.c pkcs11/token.h

plant policy-io policy/x.c '	f = fopen(path, "r");'
plant policy-io policy/x.c '	now = time(NULL);'
plant policy-io policy/x.c '	now = pvtime_now_s();'
plant policy-io policy/x.c '	rc = file_read(fd, path, 0, &b, err);'
plant device-heap lib/device/x.c '	p = malloc(10);'
plant device-heap lib/device/x.c '	free(p);'
plant top-level notes.txt x
mkdir scripts
expect top-level scripts:1

# An exception allows its file and its rule only, has a reason and a use.
lines 121 'int x_f(void);' >lib/base/x.h
echo 'header-length lib/base/x.h one interface' >tests/lint.allow
checks=$((checks + 1))
run || fail "an allowed finding is reported"
echo 'int x_f(void); ' >>lib/base/x.h
expect trailing-blank lib/base/x.h:122
lines 121 'int x_f(void);' >lib/base/x.h
echo 'header-length lib/base/x.h' >tests/lint.allow
expect no-reason tests/lint.allow:1
printf '# a comment\n\nindent lib/base/x.h was needed once\n' \
	>tests/lint.allow
expect stale-allowance tests/lint.allow:3

if [ "$failed" -ne 0 ]; then
	echo "lint_test: $failed of $checks checks failed" >&2
	exit 1
fi
echo "lint_test: $checks checks passed"
