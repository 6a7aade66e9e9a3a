#!/bin/sh
# Counts what a run of `make check' did: count.sh BUILDDIR [STATUS of make].
# One line for each failed or skipped program, and as the last line "N passed,
# N failed[, N skipped]". Counted are: the checks of a unit test, the cases ("ok",
# "not ok") of a command-line test, the cases of invalid.sh; what counts nothing
# itself is one. A program that failed without a failed case counts as one more.
# Exit 1 when something failed or nothing ran.
set -u
LC_ALL=C
export LC_ALL

build=${1:-.}
made=${2:-0}
find "$build/tests" -name '*.trs' | sort | while read -r trs; do
	log=${trs%.trs}.log
	name=${trs#"$build/"}
	awk -v name="${name%.trs}" '
	FILENAME ~ /\.trs$/ {
		if ($1 == ":test-result:" && result == "")
			result = $2
		next
	}
	/^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
		n = $3 + 0
		bad = $5 + $7
		pass += n - bad
		fail += bad
		next
	}
	/^ok .*# SKIP/ { skip++; next }
	/^ok / { pass++; next }
	/^not ok / { fail++; next }
	/^invalid: [0-9]+ cases, [0-9]+ failed$/ {
		pass += $2 - $4
		fail += $4
	}
	END {
		if (result == "")
			result = "FAIL"
		if (result == "SKIP" && pass + fail + skip == 0)
			skip = 1
		if (result == "PASS" && pass + fail + skip == 0)
			pass = 1
		if (result != "PASS" && result != "SKIP" && fail == 0)
			fail = 1
		print name, result, pass + 0, fail + 0, skip + 0
	}' "$trs" "$(test -f "$log" && echo "$log" || echo /dev/null)"
done | awk -v made="$made" '
{
	pass += $3
	fail += $4
	skip += $5
}
$4 > 0 { print "FAIL: " $1 " (" $4 " failed, " $3 " passed)" }
$5 > 0 && $4 == 0 { print "SKIP: " $1 " (" $5 ")" }
END {
	# make failed, but no test did: something was not even built
	if (made != 0 && fail == 0) {
		print "FAIL: make check ended with " made
		fail = 1
	}
	printf "%d passed, %d failed", pass, fail
	if (skip > 0)
		printf ", %d skipped", skip
	printf "\n"
	exit fail > 0 || pass == 0
}'
