#!/bin/sh
# A device's way in two stages: bootstrap, evidence, what evidence is for, its
# receipt; and the next credential of one that must show evidence again.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
digest=$(printf '%064d' 5)
cat >"$T/at.json" <<-END
	{"formats": ["psa"], "lifecycle": ["secured"], "require_receipt": true,
	"reference": [{"component": "BL", "digest": "sha256:$digest"}]}
END
jq -c --slurpfile at "$T/at.json" '.template = "thing" | .rotation =
	{renew_before_days: 30, fresh_evidence: true, same_key: true} |
	.stages = {bootstrap: ["service"], operational: {components:
	["identity"], requires: "attestation"}} | .attestation = $at[0]' \
	"$srcdir/templates/tls-client.json" >"$T/thing.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/thing.json"
open_order 2026-07 "$T/thing.json" 10
a=client-00000001
b=client-00000002

# begun ID: issued under the order, bootstrapped, its key enrolled.
begun() {
	new_device tls-client "$1"
	issue thing "$1" --order 2026-07 -o "$T/$1.bootstrap.pvb"
	expect_equal "$rc" 0 "issue ($(cat "$T/err"))"
	run "$PROVDEV" open "$T/dev/$1" "$T/$1.bootstrap.pvb" \
		--bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "bootstrap ($(cat "$T/err"))"
	run "$PROVDEV" attest-key "$T/dev/$1" --format psa
	expect_equal "$rc" 0 "attest-key ($(cat "$T/err"))"
	expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device "$1" \
		--format psa --key "$T/dev/$1/iak_pub.pem"
}

# shown ID: its answer to a challenge of now, $T/ID.cose.
shown() {
	rm -f "$T/$1.challenge" "$T/$1.cose"
	expect_exit 0 "$PROVCTL" -C "$H" attest challenge --device "$1" \
		-o "$T/$1.challenge"
	run "$PROVDEV" attest "$T/dev/$1" --format psa --seal-key \
		--challenge "$T/$1.challenge" --out "$T/$1.cose" \
		--measure "BL=$digest"
	expect_equal "$rc" 0 "provdev attest ($(cat "$T/err"))"
}

# verify CODE ID OPTION...
verify() {
	verify_code=$1
	verify_of=$2
	shift 2
	expect_exit "$verify_code" "$PROVCTL" -C "$H" attest verify \
		--device "$verify_of" --evidence "$T/$verify_of.cose" \
		--challenge "$T/$verify_of.challenge" "$@"
}

# installed ID FILE: opened, and its receipt taken in.
installed() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem" \
		--nonce "$(json_field nonce "$T/$1.challenge")" \
		--evidence "$T/$1.cose"
	expect_equal "$rc" 0 "open $2 ($(cat "$T/err"))"
	expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
		"$T/dev/$1/receipt.cose"
}

missing() {
	p --json order show 2026-07 | jq -r '.missing | join(" ")'
}

case_start "bootstrap: what is for everybody, and nothing else"
begun $a
begun $b
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/dev/$a/receipt.cose"
expect_text '"stage":"bootstrap"'
expect_equal "$(missing)" "$a $b" "devices without their last receipt"

case_start "evidence: its bundle is sealed in the same run, and comes over a bad line"
shown $a
verify 0 $a -o "$T/$a.pvb"
expect_text '"status":"verified"'
expect_text '"status":"issued"'
rm -f "$T/s"
(
	"$builddir/tests/cli/relay" "$T/s" 7 50 0 0 3 8 "$PROVDEV" receive \
		"$T/dev/$a" --link fd:3 --idle 1 --bundle-key "$T/bundle.pem" \
		--nonce "$(json_field nonce "$T/$a.challenge")" \
		--evidence "$T/$a.cose"
	echo $? >"$T/device.rc"
) >"$T/device.out" 2>&1 </dev/null &
echo $! >>"$T/pids"
tries=0
while [ ! -S "$T/s" ] && [ "$tries" -lt 600 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
# 5 % of the frames are damaged, and the device is reset three times.
expect_exit 0 "$PROVCTL" -C "$H" --json export stream --link "$T/s" \
	--device $a --stage operational --mtu 64 --wait 60 --tries 12 \
	--receipt "$T/$a.receipt"
wait
expect_equal "$(cat "$T/device.rc")" 0 "the device ($(cat "$T/device.out"))"
grep -q 'resets 3$' "$T/device.out" || fail "resets: $(cat "$T/device.out")"
same_bytes "$T/$a.receipt" "$T/dev/$a/receipt.cose"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/$a.receipt"
expect_equal "$(missing)" "$b" "devices without their last receipt"
verify_audit

case_start "many at once, into a folder, and the rest later"
shown $b
jq -c --arg e "$(base64 -w0 "$T/$b.cose")" \
	'{device, nonce, manifest, evidence: $e}' "$T/$b.challenge" >"$T/list"
expect_exit 0 "$PROVCTL" -C "$H" attest verify --from "$T/list" --no-release
expect_error 10 bundle.none -C "$H" export bundle --device $b \
	--stage operational
printf '{"device":"%s"}\n' $b $a nobody >"$T/devices"
expect_exit 10 "$PROVCTL" -C "$H" attest release --from "$T/devices" \
	--out "$T/o"
expect_equal "$(jq -r .status "$T/o/results.jsonl" | tr '\n' ' ')" \
	"issued existing " results
installed $b "$T/o/bundles/$b.operational.pvb"
expect_equal "$(missing)" "" "devices without their last receipt"
verify_audit

case_start "the next credential asks for evidence of now"
expect_exit 0 "$PROVCTL" -C "$H" order close 2026-07 -o "$T/note"
echo 400 >"$T/clock"
LD_PRELOAD=$builddir/tests/cli/clock.so
CLOCK_FILE=$T/clock
export LD_PRELOAD CLOCK_FILE
expect_error 4 rotate.evidence -C "$H" rotate device $a
shown $a
verify 0 $a -o "$T/$a.again.pvb"
installed $a "$T/$a.again.pvb"
expect_exit 0 "$PROVCTL" -C "$H" rotate device $a -o "$T/$a.next.pvb"
expect_error 10 bundle.none -C "$H" export bundle --device $a \
	--stage operational
# What the credential before was released for is none of this one's.
expect_error 4 release.evidence -C "$H" attest release --device $a
shown $a
verify 0 $a -o "$T/$a.last.pvb"
installed $a "$T/$a.last.pvb"
verify_audit

case_start "rotate due waits for it, and says so"
echo $((340 * 86400)) >"$T/clock"
expect_exit 0 "$PROVCTL" -C "$H" clock accept --until \
	"$(date -u -d @$(($(date +%s) + 340 * 86400 + 3600)) +%FT%TZ)"
expect_exit 0 "$PROVCTL" -C "$H" rotate due
expect_text rotate.evidence
expect_equal "$(jq -r 'select(.status == "waiting") | .device' "$T/out" |
	sort | tr '\n' ' ')" "$a $b " "devices that wait"
shown $b
verify 0 $b --no-release
expect_exit 0 "$PROVCTL" -C "$H" rotate due
expect_equal "$(jq -r 'select(.status == "issued") | .device' "$T/out")" $b \
	"devices that are rotated"

case_start "evidence of the credential before releases nothing of the next one"
expect_error 4 release.evidence -C "$H" attest release --device $b
expect_error 10 bundle.none -C "$H" export bundle --device $b \
	--stage operational
verify_audit
tests_end
