#!/bin/sh
# Fails when a test exists that `make check' does not know: wired.sh.
set -u
src=${srcdir:-$(dirname "$0")/..}
missing=0
count=0
for path in "$src"/tests/unit/check_*.c "$src"/tests/fuzz/fuzz_*.c \
	"$src"/tests/cli/*.sh; do
	name=${path#"$src/"}
	count=$((count + 1))
	if ! grep -q -E "(^|[[:space:]])${name%.c}([[:space:]]|\\.c|$)" \
		"$src/tests/local.mk"; then
		echo "tests/local.mk: $name is not run"
		missing=$((missing + 1))
	fi
done
# ... and none that is listed without a file.
for name in $(grep -o -E 'tests/(unit/check_[a-z0-9_]+|cli/[a-z_]+\.sh)' \
	"$src/tests/local.mk" | sort -u); do
	[ -f "$src/$name" ] || [ -f "$src/$name.c" ] || {
		echo "tests/local.mk: there is no $name"
		missing=$((missing + 1))
	}
done
echo "wired: $count tests, $missing missing"
[ "$missing" -eq 0 ]
