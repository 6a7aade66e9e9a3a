#!/bin/sh
# limits.per_hour in a batch: what is within it is given out at once, the rest
# waits, an hour lets through no more than one hour's worth, and a signal ends
# the waiting.
. "$(dirname "$0")/../lib.sh"

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

lines() {
	i=0
	while [ "$i" -lt "$2" ]; do
		printf '{"device":"S%s%08X"}\n' "$1" "$i"
		i=$((i + 1))
	done
}

# start_batch JOBS [TEMPLATE]: in the background, its process in $pid, results in $T/out.
start_batch() {
	: >"$T/out" # before anybody counts its lines
	"$PROVCTL" -C "$H" -q issue --template "${2:-slow}" --jobs "$1" \
		--from "$T/in.jsonl" >"$T/out" 2>"$T/err" </dev/null &
	pid=$!
	echo "$pid" >>"$T/pids"
}

# wait_lines N: until that many results stand in $T/out; 10 s at most.
wait_lines() {
	tries=0
	while [ "$(wc -l <"$T/out")" -lt "$1" ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	expect_equal "$(wc -l <"$T/out")" "$1" "results given out"
	[ "$(wc -l <"$T/out")" -eq "$1" ] || show_output
}

# end_batch SIGNAL: it is still there, and then ends within 5 s as interrupted.
end_batch() {
	kill -s "$1" "$pid" || fail "the batch did not wait"
	tries=0
	while [ "$tries" -lt 100 ]; do
		case $(cut -d ' ' -f 3 "/proc/$pid/stat" 2>/dev/null) in
		'' | Z) break ;;
		esac
		sleep 0.05
		tries=$((tries + 1))
	done
	[ "$tries" -lt 100 ] || {
		fail "still there 5 s after SIG$1"
		kill -9 "$pid"
	}
	wait "$pid"
	expect_equal "$?" 130 "exit after SIG$1"
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
adopt_changed symmetric-sensor slow \
	-e 's|"without_order": true|"without_order": true, "per_hour": 3|'

case_start "what is within the rate is given out, a signal ends the rest"
lines 01 12 >"$T/in.jsonl"
start_batch 1
wait_lines 3
end_batch INT
wait_lines 3
expect_text "interrupted after 3 results"
verify_audit
expect_equal "$(audit_number devices)" 3 devices
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "an hour later the same command gets three more, no more"
clock_set 3620
start_batch 2
wait_lines 6
sleep 2.5
wait_lines 6
expect_equal "$(jq -r .status "$T/out" | sort | uniq -c | tr -s ' \n' ' ')" \
	" 3 existing 3 issued " "statuses"

case_start "what waited through the hour comes three by three"
clock_set 7240
wait_lines 9
sleep 2.5
wait_lines 9
clock_set 10860
wait_lines 12
wait "$pid"
expect_equal "$?" 0 "exit with every line answered"
expect_equal "$(jq -r .device "$T/out")" "$(jq -r .device "$T/in.jsonl")" order
verify_audit
expect_equal "$(audit_number devices)" 12 devices

case_start "a denied line behind a held one is told when its turn comes"
{
	lines 02 4
	echo '{"device":"nonsense"}'
} >"$T/in.jsonl"
clock_set 14480
start_batch 1
wait_lines 3
end_batch TERM
expect_equal "$(jq -r .status "$T/out" | tail -n 1)" denied "the last status"
verify_audit

case_start "a held line whose manifest ends meanwhile is denied"
after=$(date -u -d '+1800 seconds' +%Y-%m-%dT%H:%M:%SZ)
adopt_changed symmetric-sensor ends \
	-e 's|"without_order": true|"without_order": true, "per_hour": 3|' \
	-e "s|\"limits\": {|\"manifest\": {\"not_after\": \"$after\"}, &|"
lines 03 4 >"$T/in.jsonl"
start_batch 1 ends
wait_lines 3
clock_set 18100
wait_lines 4
wait "$pid"
expect_equal "$?" 4 exit
expect_equal "$(jq -r .error.rule "$T/out" | tail -n 1)" manifest.expired rule
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

tests_end
