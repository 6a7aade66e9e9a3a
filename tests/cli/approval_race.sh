#!/bin/sh
# Eight processes want one approval at once: one has it (0), the others get a
# conflict (9), and the log has one use. So that all have counted it before one
# can use it, the store's write lock is held until they wait for it. ROUNDS of
# it, 2 in the check.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

ROUNDS=${ROUNDS:-2}
RACERS=8
won=0
conflicts=0
new_authority
for name in alice bob; do
	officer_key "$name"
done
make_roster "$T/r1.json" 1 '"roster": 1' alice:security-officer \
	bob:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
kek() {
	timeout -k 5 60 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
		--device S0000000001 "$@" </dev/null
}

# hold and let_go: the store's write lock, by a process of its own.
hold() {
	rm -f "$T/lock"
	mkfifo "$T/lock"
	"$builddir/tests/cli/sql" "$H/store.db" - <"$T/lock" >"$T/locked" &
	holder=$!
	echo "$holder" >>"$T/pids"
	exec 4>"$T/lock"
	echo "BEGIN IMMEDIATE; SELECT 'locked';" >&4
	tries=0
	while [ ! -s "$T/locked" ] && [ "$tries" -lt 100 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
}

let_go() {
	echo "ROLLBACK;" >&4
	exec 4>&-
	wait "$holder"
}

# Processes of the racers, the ticks that they used, and how many of them would
# run if they could.
use_of_racers() {
	for cmdline in $(grep -l -a -F "$H" /proc/[0-9]*/cmdline 2>/dev/null); do
		cat "${cmdline%cmdline}stat"
	done 2>/dev/null | awk '/^[0-9]+ \(provctl\) / {
			sub(/^.*\) /, "")
			n++
			ticks += $12 + $13
			busy += $1 != "S"
		}
		END { print n + 0, ticks + 0, busy + 0 }'
}

# all_wait: until nobody moves: whoever could would use the processor. A racer
# is two processes: one has the token, one watches it.
all_wait() {
	same=0
	last=
	tries=0
	while [ "$same" -lt 3 ] && [ "$tries" -lt 600 ]; do
		sleep 0.1
		now=$(use_of_racers)
		case $now in
		"$((2 * RACERS)) "*" 0") [ "$now" != "$last" ] || same=$((same + 1)) ;;
		esac
		[ "$now" = "$last" ] || same=0
		last=$now
		tries=$((tries + 1))
	done
	[ "$same" -ge 3 ] || fail "the racers do not come to rest: $last"
}

one_round() {
	rm -f "$T/q.json"
	kek --request "$T/q.json" >"$T/out" 2>"$T/err"
	expect_equal "$?" 11 "exit of the request"
	approve bob "$T/q.json"
	hold
	racers=
	n=0
	while [ "$n" -lt "$RACERS" ]; do
		n=$((n + 1))
		{
			kek --approval "$T/notes/bob.note" \
				-o "$T/kek.$round.$n" >"$T/out.$n" 2>"$T/err.$n"
			echo $? >"$T/rc.$n"
		} &
		racers="$racers $!"
		echo $! >>"$T/pids"
	done
	all_wait
	let_go
	for racer in $racers; do
		wait "$racer"
	done
	: >"$T/pids"
}

round=0
while [ "$round" -lt "$ROUNDS" ]; do
	round=$((round + 1))
	case_start "round $round: one of $RACERS has it"
	one_round
	codes=$(cat "$T"/rc.[1-8] | sort -n | tr '\n' ' ')
	expect_equal "$codes" "0 9 9 9 9 9 9 9 " "exits"
	[ "$case_failed" -eq 0 ] || cat "$T"/err.[1-8]
	grep -L 'approval.used' "$T"/err.[1-8] >"$T/silent"
	expect_equal "$(wc -l <"$T/silent")" 1 "racers that say nothing of it"
	set -- "$T/kek.$round".*
	expect_equal "$#" 1 "files with keys"
	for n in 1 2 3 4 5 6 7 8; do
		case $(cat "$T/rc.$n") in
		0) won=$((won + 1)) ;;
		9) conflicts=$((conflicts + 1)) ;;
		esac
	done
	rm -f "$T/kek.$round".*
done

case_start "the log has one use for each round"
uses=$(p --json audit show --type approval.use | wc -l)
expect_equal "$uses" "$ROUNDS" "uses"
verify_audit
echo "# $ROUNDS rounds of $RACERS: $won winners, $conflicts conflicts, $uses uses in the log"
tests_end
