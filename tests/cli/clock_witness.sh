#!/bin/sh
# A witness's time is a lower bound: a clock that was set back behind it
# denies, although the log alone would let it pass.
. "$(dirname "$0")/../lib.sh"
day=86400

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

# What a witness at that time says of the log.
cosign_at() { # SECONDS
	expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
	clock_set "$1"
	expect_exit 0 "$PROVCTL" audit witness --log "$T/log" --state \
		"$T/w.state" --key "$T/w.key" --log-key "$(cat "$T/vkey")" $2
	cp "$T/out" "$T/line"
	expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$T/line"
}

case_start "without a witness the newest entry holds the clock, and status says so"
p export key --purpose log --vkey >"$T/vkey"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "clock      not before "
expect_text ", the newest entry; not after "
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -c '[.clock, .clock_bounds.witnessed,
	(.clock_bounds.newest_entry < .clock_bounds.until)]' "$T/out")" \
	'[true,null,true]' bounds

case_start "a witness 10 days later: before that, nothing is an event"
expect_exit 0 "$PROVCTL" audit witness --new-key "$T/w.key" --name w.example
cp "$T/out" "$H/witnesses"
cosign_at $((10 * day)) --first
expect_error 5 crl.expired -C "$H" status # those of init
clock_set $((9 * day))
for id in S0000000001 S0000000002; do
	expect_error 4 clock.witness -C "$H" issue --template symmetric-sensor \
		--device "$id"
done
expect_error 4 clock.witness -C "$H" export chain
sed 's|"version": 1,|"version": 2,|' "$srcdir/templates/tls-client.json" \
	>"$T/tls-client.json"
expect_error 4 clock.witness -C "$H" policy adopt "$T/tls-client.json"
expect_error 4 clock.witness -C "$H" status
run "$PROVCTL" -C "$H" status
expect_text ", as witnesses say"

case_start "a batch denies each line, and its denials are logged"
printf '{"device":"S%010d"}\n' 11 12 >"$T/batch.jsonl"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/batch.jsonl" --out "$T/out.d"
expect_equal "$rc" 4 "exit of the batch"
expect_equal "$(jq -r .error.rule "$T/out.d/results.jsonl" | sort -u)" \
	clock.witness rule

case_start "after it: all goes on, and what was denied is issued"
clock_set $((10 * day + 60))
expect_exit 0 "$PROVCTL" -C "$H" rotate crl # those of init have ended
expect_exit 0 "$PROVCTL" -C "$H" status
issue symmetric-sensor S0000000001
expect_equal "$rc" 0 "exit of issue"
verify_audit

case_start "a cosignature that was edited is found by whoever opens the store"
cp "$H/cosigned" "$T/kept"
raw=$(grep '^— w.example ' "$H/cosigned" | cut -d ' ' -f 3)
printf %s "$raw" | base64 -d >"$T/raw"
flip "$T/raw" 11
sed "s|$raw|$(base64 -w 0 "$T/raw")|" "$T/kept" >"$H/cosigned"
expect_error 5 log.cosignature -C "$H" policy list
cp "$T/kept" "$H/cosigned"
expect_exit 0 "$PROVCTL" -C "$H" policy list

case_start "a witness that is known no more holds nothing"
: >"$H/witnesses"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq .clock_bounds.witnessed "$T/out")" null witnessed

tests_end
