#!/bin/sh
# lib/device with its codecs is freestanding: it compiles for a Cortex-M4 with
# no C library's headers, asks for nothing but its five functions, does not
# recurse, and keeps the stack that device.h promises: freestanding.sh. Exit 77
# (skipped) without clang.
set -u
src=${srcdir:?}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-freestanding.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

cc=${FREESTANDING_CC:-clang}
target=--target=thumbv7em-none-eabi
command -v "$cc" >/dev/null 2>&1 &&
	echo 'int f(void);' | "$cc" $target -fsyntax-only -x c - \
		>/dev/null 2>&1 || {
	echo "skipped: no clang for thumbv7em"
	exit 77
}

files=0
for file in "$src"/lib/device/*.c "$src"/lib/base/cbor*.c \
	"$src"/lib/base/cose.c "$src"/lib/base/cobs.c \
	"$src"/lib/base/linkframe.c; do
	name=$(basename "$file" .c)
	case $name in crypto_*) continue ;; esac # libraries' business
	"$cc" $target -ffreestanding -std=c99 -Wall -Wextra -Werror -Os \
		-fstack-usage -I"$src" -S -o "$tmp/$name.s" "$file" || {
		echo "FAILED: $name.c is not freestanding C99"
		exit 1
	}
	files=$((files + 1))
done

limit=$(awk '$2 == "PVDEV_STACK_MAX" { print $3 + 0 }' \
	"$src/lib/device/device.h")
[ "${limit:-0}" -gt 0 ] || { echo "FAILED: no PVDEV_STACK_MAX"; exit 1; }

# The deepest chain of calls, with every callback taken as 0 bytes. A tail call
# counts as a call.
# shellcheck disable=SC2016  # awk's own
awk -F '\t' -v limit="$limit" '
function unit(path) {
	sub(/.*\//, "", path)
	sub(/\.[a-z]+$/, "", path)
	return path
}
function full(u, f) {
	return (u "/" f) in frame ? u "/" f : f in global ? global[f] : ""
}
function depth(f,    n, i, part, callee, d, best) {
	if (f in done)
		return done[f]
	if (f in open) {
		print "FAILED: recursion through " f
		bad = 1
		return 0
	}
	open[f] = 1
	best = 0
	n = split(calls[f], part, " ")
	for (i = 1; i <= n; i++) {
		callee = full(unit_of[f], part[i])
		if (callee == "") {
			if (part[i] !~ allowed) {
				print "FAILED: " f " asks for " part[i]
				bad = 1
			}
			continue
		}
		d = depth(callee)
		if (d > best)
			best = d
	}
	delete open[f]
	return done[f] = frame[f] + best
}
BEGIN {
	branch = "^(bl|b(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?)(\\.w)?$"
	allowed = "^(mem(cpy|move|set|cmp)|strlen|__aeabi_.*)$"
}
FILENAME ~ /\.su$/ {
	n = split($1, part, ":")
	key = unit(FILENAME) "/" part[n]
	frame[key] = $2
	unit_of[key] = unit(FILENAME)
	if ($3 !~ /^static/) {
		print "FAILED: " key " has a frame of unknown size"
		bad = 1
	}
	next
}
$2 == ".globl" { global[$3] = unit(FILENAME) "/" $3 }
/^[A-Za-z_][A-Za-z0-9_]*:/ {
	label = $0
	sub(/:.*/, "", label)
	key = unit(FILENAME) "/" label
	here = key in frame ? key : ""
}
here != "" && $2 ~ branch && $3 ~ /^[A-Za-z_][A-Za-z0-9_]*$/ {
	calls[here] = calls[here] " " $3
}
END {
	for (f in frame)
		if ((d = depth(f)) > most) {
			most = d
			name = f
		}
	if (most > limit) {
		print "FAILED: " name " needs " most " bytes of stack, not " \
			limit
		bad = 1
	}
	print "deepest: " name ", " most " of " limit " bytes of stack"
	exit bad
}' "$tmp"/*.su "$tmp"/*.s || exit 1
echo "freestanding: $files files"
