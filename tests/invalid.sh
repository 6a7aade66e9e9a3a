#!/bin/sh
# Pins what is said about bad input: invalid.sh [SRCDIR] runs provctl on every
# tests/invalid/<case>/input and compares with tests/invalid/<case>/error:
# "exit N", then standard error, then standard output. The command follows
# from the case's name (template-*, request-*, csr-*), or stands in the case's
# file "args", one argument a line. Commands run inside a copy of the case's
# folder, so that paths in messages are short; input.jsonl is input once more. @HOME@ in args is the authority's home;
# its path in the output becomes HOME.
#
# PROVCTL   the binary (default ./provctl)
# HOME_DIR  an authority; else one is made with init --softhsm when asked for
# Requests are issued under symmetric-sensor, CSRs under azure-dps.
# REGEN=1   writes the error files instead; read the difference before commit
set -u
LC_ALL=C
export LC_ALL

src=$(cd "${1:-${srcdir:-.}}" && pwd) || exit 2
provctl=${PROVCTL:-./provctl}
case $provctl in
/*) ;;
*) provctl=$(pwd)/$provctl ;;
esac
cases=$src/tests/invalid
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-invalid.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

if [ ! -x "$provctl" ]; then
	echo "invalid: no $provctl" >&2
	exit 2
fi
home=${HOME_DIR:-}

need_home() {
	if [ -z "$home" ]; then
		home=$tmp/authority
		# A copy that others cannot write, whatever the sources' mode.
		(umask 077 && cp -R "$src/templates" "$tmp/templates") || exit 2
		"$provctl" init "$home" --softhsm --name invalid \
			--templates "$tmp/templates" >"$tmp/init" 2>&1 </dev/null || {
			cat "$tmp/init" >&2
			exit 2
		}
	fi
}

# One argument a line on standard output.
args_of() {
	if [ -f "$cases/$1/args" ]; then
		sed "s|@HOME@|$home|g" "$cases/$1/args"
		return
	fi
	case $1 in
	template-*) printf '%s\n' policy lint input ;;
	request-*) printf '%s\n' -C "$home" issue --template \
		symmetric-sensor --from input.jsonl ;;
	csr-*) printf '%s\n' -C "$home" issue --template azure-dps \
		--device INVALID-1 --csr input ;;
	*) return 1 ;;
	esac
}

run_case() {
	rm -rf "$tmp/case"
	cp -r "$cases/$1" "$tmp/case"
	cp "$tmp/case/input" "$tmp/case/input.jsonl"
	(
		cd "$tmp/case" || exit 2
		set -f
		IFS='
'
		# shellcheck disable=SC2046  # split at line feeds only
		set -- $(cat "$tmp/args")
		timeout 60 "$provctl" "$@" >"$tmp/stdout" 2>"$tmp/stderr" \
			</dev/null
	)
	printf 'exit %d\n' "$?" >"$tmp/got"
	cat "$tmp/stderr" "$tmp/stdout" |
		sed "s|${home:-$tmp/authority}|HOME|g" >>"$tmp/got"
}

failed=0
total=0
for dir in "$cases"/*/; do
	[ -f "$dir/input" ] || continue
	name=$(basename "$dir")
	case $name in
	template-*) ;;
	*) need_home ;;
	esac
	if ! args_of "$name" >"$tmp/args"; then
		echo "FAIL: $name: no args and no known prefix" >&2
		failed=$((failed + 1))
		continue
	fi
	total=$((total + 1))
	run_case "$name"
	if [ "${REGEN:-0}" = 1 ]; then
		cp "$tmp/got" "$dir/error"
	fi
	if grep -q '^exit 0$' "$tmp/got"; then
		echo "FAIL: $name: was accepted" >&2
		failed=$((failed + 1))
	elif ! diff -u "$dir/error" "$tmp/got" >"$tmp/diff" 2>&1; then
		echo "FAIL: $name:" >&2
		cat "$tmp/diff" >&2
		failed=$((failed + 1))
	fi
done
echo "invalid: $total cases, $failed failed"
[ "$failed" -eq 0 ] && [ "$total" -gt 0 ]
