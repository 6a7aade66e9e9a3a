#!/bin/sh
# make coverage-receiver: how many branches of lib/device the tests and the
# corpus of the receiver take: coverage_receiver.sh BUILD. One line a file, then
# the figure. BUILD was made with --coverage. Ends 1 below 95 %.
set -eu
build=$1
: "${srcdir:?}"
cd "$build"
find . -name '*.gcda' -exec rm -f {} +
for program in tests/unit/check_device tests/unit/check_device_*; do
	case $(basename "$program") in
	*.*) ;;
	*) "$program" >/dev/null ;;
	esac
done
tests/fuzz/replay_device "$srcdir/tests/data/fuzz/device" >/dev/null

for data in lib/device/*.gcda; do
	name=$(basename "$data" .gcda)
	case $name in *crypto_*) continue ;; esac # libraries' business
	gcov -n -b -o lib/device "lib/device/$name.o" |
		awk -v file="File '.*/lib/device/$name.c'" '
		$0 ~ file { on = 1; next }
		/^File/ || /^$/ { on = 0 }
		on && /^Taken/ {
			gsub(/[:%]/, " ")
			print $5, $7
		}' | sed "s/^/$name /"
done | awk '{
	taken += $2 * $3 / 100
	all += $3
	printf "%-12s %6.2f %% of %d\n", $1, $2, $3
}
END {
	if (all == 0)
		exit 1
	share = 100 * taken / all
	printf "{\"figure\":\"receiver_branches_percent\",\"value\":%.2f," \
		"\"target\":95,\"ours\":%d,\"theirs\":%d,\"rounds\":1}\n",
		share, taken + 0.5, all
	exit share < 95
}'
