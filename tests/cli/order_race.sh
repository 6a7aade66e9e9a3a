#!/bin/sh
# Eight processes race for the last ten devices of an order, two of them while
# it is closed: never one too many. ROUNDS of it, 2 in the check.
. "$(dirname "$0")/../lib.sh"

ROUNDS=${ROUNDS:-2}
new_authority
sensor=$templates/symmetric-sensor.json

# racer ORDER ROUND N: five devices of its own.
racer() {
	seq -f "S${3}%04g$(printf %05d "$2")" 1 5 | jq -R -c '{device: .}' \
		>"$T/in.$3"
	timeout -k 5 60 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--order "$1" --from "$T/in.$3" >"$T/out.$3" 2>"$T/err.$3" \
		</dev/null
	echo $? >"$T/rc.$3"
}

# race ORDER ROUND: all at once; $issued and $denied.
race() {
	for n in 1 2 3 4 5 6 7 8; do
		racer "$1" "$2" $n &
		echo $! >>"$T/pids"
		racers="$racers $!"
	done
}

wait_racers() {
	for racer in $racers; do
		wait "$racer"
	done
	racers=
	: >"$T/pids"
	cat "$T"/out.[1-8] >"$T/all"
	issued=$(jq -s 'map(select(.status == "issued")) | length' "$T/all")
	denied=$(jq -s 'map(select(.status == "denied")) | length' "$T/all")
}

racers=
round=0
total_issued=0
total_denied=0
worst=0
closed_in_time=0
while [ "$round" -lt "$ROUNDS" ]; do
	round=$((round + 1))
	case_start "round $round: ten of forty, the others are denied"
	open_order "o-$round" "$sensor" 10
	race "o-$round" "$round"
	wait_racers
	expect_equal "$issued $denied" "10 30" "issued and denied"
	total_issued=$((total_issued + issued))
	total_denied=$((total_denied + denied))
	[ "$issued" -le "$worst" ] || worst=$issued
	expect_equal "$(jq -r 'select(.status == "denied") | .error.rule' \
		"$T/all" | sort -u)" order.quantity rule
	for n in 1 2 3 4 5 6 7 8; do
		case $(cat "$T/rc.$n") in
		0 | 4) ;;
		*) fail "exit $(cat "$T/rc.$n"): $(cat "$T/err.$n")" ;;
		esac
	done

	case_start "round $round: the end, while others issue"
	open_order "e-$round" "$sensor" 40
	race "e-$round" $((9000 + round))
	sleep "0.$(((round * 37) % 60 + 10))"
	run "$PROVCTL" -C "$H" order close "e-$round" -o "$T/e-$round.note"
	closed=$rc
	wait_racers
	case $closed in
	0)
		closed_in_time=$((closed_in_time + 1))
		said=$(sed -n 's/^issued \([0-9]*\) of 40$/\1/p' "$T/e-$round.note")
		expect_equal "$issued" "$said" "issued, by the note"
		;;
	9) grep -q "waits\? for \(its\|their\) result\|right now" "$T/err" || fail "$(cat "$T/err")" ;;
	*) fail "exit $closed: $(cat "$T/err")" ;;
	esac
done
case_start "the log never has one too many"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile --no-out
echo "# $ROUNDS rounds of 8 for 10: $total_issued issued, at most $worst in a round, \
$total_denied denied; $closed_in_time orders ended while 8 issued"
tests_end
