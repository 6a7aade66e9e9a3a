#!/bin/sh
# attest challenge and verify: a nonce out, evidence in, once.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

new_authority
staged staged 1 "$reference"
a=client-00000001
enrolled staged $a
iak=$T/$a-iak.pem

case_start "a challenge says what the device makes A of"
challenge $a
expect_equal "$(json_field stage "$T/$a.challenge")" operational stage
expect_equal "$(json_field format "$T/$a.challenge")" psa format
expect_equal "$(json_field nonce "$T/$a.challenge" | tr -d '\n' | wc -c)" 64 \
	"length of the nonce"
p export bundle --device $a --stage bootstrap -o "$T/boot.pvb" 2>/dev/null
expect_error 9 output.exists -C "$H" attest challenge --device $a \
	-o "$T/$a.challenge"
expect_equal "$(entries attest.challenge)" 1 "entries of challenges"
expect_error 10 device.unknown -C "$H" attest challenge --device nobody \
	-o "$T/nobody.challenge"
[ ! -e "$T/nobody.challenge" ] || fail "a file without a challenge"

case_start "evidence for it is verified, and again while nothing is released"
token $a "$iak"
verify 0 '"status":"verified"' $a
verify 0 '"status":"existing"' $a
expect_equal "$(entries attest.verify)" 1 "entries of evidence"

case_start "its nonce is good once"
token $a "$iak"
verify 4 evidence.nonce $a
expect_text "one that was used"
expect_text '"quarantine":1'
verify 4 evidence.nonce $a
expect_equal "$(entries attest.verify)" 2 "entries of evidence"
expect_equal "$(entries quarantine.put)" 1 "entries of quarantine"
expect_exit 0 "$PROVCTL" -C "$H" --json quarantine show 1
expect_text 'evidence.nonce'
expect_text 'evidence_under'

case_start "a nonce whose row was set back is used still: its evidence says so"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE nonce SET used_index = NULL"
token $a "$iak"
verify 4 evidence.nonce $a
expect_text "one that was used"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE nonce SET used_index = (SELECT
	log_index FROM evidence WHERE nonce = hash AND uses = 1)"

case_start "each check is shown with what was expected and found"
challenge $a
token $a "$iak" -e 's/"3.1.4"/"2.9.0"/'
verify 4 evidence.svn $a --explain
expect_text "expected 3 or higher, found 2"
expect_text "passed evidence.signature"
challenge $a
token $a "$iak"
expect_exit 0 "$PROVCTL" -C "$H" --json attest verify --device $a --explain \
	--no-release --evidence "$T/$a.evidence" --challenge "$T/$a.challenge" \
	--seal-key "$T/dev/$a/seal_pub.pem"
expect_equal "$(jq -r '[.checks[] | select(.passed | not)] | length' \
	"$T/out")" 0 "checks that failed"
expect_equal "$(jq -r '.checks | length > 5' "$T/out")" true "checks"

case_start "a device that was refused has used its nonce up; a stranger none"
challenge $a
new_key stranger
token $a "$T/stranger.pem"
verify 5 evidence.signature $a
token $a "$iak"
verify 0 '"status":"verified"' $a
challenge $a
token $a "$iak" -e 's/2395: 12288/2395: 4096/'
verify 4 evidence.lifecycle $a
token $a "$iak"
verify 4 evidence.nonce $a
expect_text "one that was used"
# Genuine evidence over another nonce is anybody's to bring.
challenge $a
cp "$T/$a.challenge" "$T/old"
token $a "$iak"
challenge $a
verify 4 evidence.nonce $a
token $a "$iak"
verify 0 '"status":"verified"' $a

case_start "many at once, of devices with keys of both kinds"
b=client-00000002
staged_device staged $b
head -c 32 /dev/urandom >"$T/mac"
other=01$(printf '%064d' 9)
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device $b --format psa \
	--mac-key "$T/mac" --instance "$other"
printf '{"device":"%s"}\n' $a $b nobody >"$T/list"
expect_exit 10 "$PROVCTL" -C "$H" attest challenge --from "$T/list" \
	-o "$T/many"
grep $a "$T/many" >"$T/$a.challenge"
grep $b "$T/many" >"$T/$b.challenge"
token $a "$iak"
claims "$(answer_to $b)" -e "s/$ueid/$other/"
attester mac "$T/mac" "$T/claims" "$T/$b.evidence"
for id in $a $b; do
	jq -c --rawfile seal "$T/dev/$id/seal_pub.pem" \
		--arg evidence "$(base64 -w0 "$T/$id.evidence")" \
		'{device, nonce, manifest, seal_key: $seal, evidence: $evidence}' \
		"$T/$id.challenge"
done >"$T/evidence.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" attest verify --from "$T/evidence.jsonl" \
	--no-release
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" "verified verified "
verify 0 '"status":"existing"' $b

case_start "whoever waits for the next line holds nobody up"
# slow WORD OPTION...: attest WORD reads $T/slow, which stays open as 9;
# slow_said N: until it has said as many lines.
slow() {
	rm -f "$T/slow"
	mkfifo "$T/slow"
	: >"$T/slow.out"
	"$PROVCTL" -C "$H" attest "$@" --from - <"$T/slow" >"$T/slow.out" \
		2>"$T/slow.err" &
	slow=$!
	echo $slow >>"$T/pids"
	exec 9>"$T/slow"
}
slow_said() {
	tries=0
	while [ "$(wc -l <"$T/slow.out")" -lt "$1" ] && [ $tries -lt 600 ] &&
		kill -0 $slow 2>/dev/null; do
		tries=$((tries + 1))
		sleep 0.1
	done
	expect_equal "$(wc -l <"$T/slow.out")" "$1" \
		"lines that were said ($(cat "$T/slow.err"))"
}
slow challenge
printf '{"device":"%s"}\n{"device":' $a >&9
slow_said 1
expect_equal "$(json_field device "$T/slow.out")" $a "who was answered"
challenge $b
printf '"%s"}\n' $b >&9
slow_said 2
challenge $b
exec 9>&-
wait $slow || fail "the slow list: $(cat "$T/slow.err")"

case_start "the file has what was handed out, also after a kill"
slow challenge -o "$T/killed"
printf '{"device":"%s"}\n{"device":' $a >&9
tries=0
while [ ! -s "$T/killed" ] && [ $tries -lt 600 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
work=$(ps -o pid= --ppid $slow | tr -d ' ')
kill -KILL "$work"
exec 9>&-
wait $slow
expect_equal $? 1 "exit of what was killed"
cp "$T/killed" "$T/$a.challenge"
token $a "$iak"
verify 0 '"status":"verified"' $a
expect_error 9 output.exists -C "$H" attest challenge --device $a \
	-o "$T/killed"
: >"$T/list"
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --from "$T/list" \
	-o "$T/nothing"
[ ! -e "$T/nothing" ] || fail "an empty file stays"

# line DEVICE: of its challenge and evidence, for --from.
line() {
	jq -c --rawfile seal "$T/dev/$1/seal_pub.pem" \
		--arg evidence "$(base64 -w0 "$T/$1.evidence")" \
		'{device, nonce, manifest, seal_key: $seal, evidence: $evidence}' \
		"$T/$1.challenge"
}
# keeper_of PID: the process that forks boxes, child of the one that works.
keeper_of() {
	work=$(ps -o pid= --ppid "$1" | tr -d ' ')
	[ -z "$work" ] || ps -o pid= --ppid "$work" | tr -d ' '
}

find_keeper() {
	keeper=
	while [ -z "$keeper" ] && kill -0 $slow; do
		keeper=$(keeper_of $slow)
		sleep 0.1
	done
}

case_start "evidence that takes its time holds nobody up"
challenge $a
token $a "$iak"
slow verify --no-release
find_keeper
kill -STOP "$keeper"
echo "$keeper" >>"$T/pids"
line $a >&9
challenge $b
expect_equal "$(wc -l <"$T/slow.out")" 0 "lines that were said"
kill -CONT "$keeper"
slow_said 1
expect_equal "$(json_field status "$T/slow.out")" verified status

case_start "what came before a run's end is durable"
challenge $a
token $a "$iak"
challenge $b
claims "$(answer_to $b)" -e "s/$ueid/$other/"
attester mac "$T/mac" "$T/claims" "$T/$b.evidence"
line $a >&9
slow_said 2
kill -KILL "$keeper"
line $b >&9
exec 9>&-
wait $slow
expect_equal $? 1 "exit without a box"
grep -q evidence "$T/slow.err" || fail "it says: $(cat "$T/slow.err")"
verify 0 '"status":"existing"' $a
verify 0 '"status":"verified"' $b

case_start "and it is released, where it was the box that ended"
challenge $a
token $a "$iak"
challenge $b
claims "$(answer_to $b)" -e "s/$ueid/$other/"
attester mac "$T/mac" "$T/claims" "$T/$b.evidence"
slow verify --out "$T/o"
find_keeper
line $a >&9
slow_said 1
kill -KILL "$keeper"
line $b >&9
exec 9>&-
wait $slow
expect_equal $? 1 "exit without a box"
[ -s "$T/o/bundles/$a.operational.pvb" ] || fail "no bundle of $a"
verify 4 evidence.nonce $a

case_start "without a connection, within its time"
challenge $a --offline
expect_equal "$(json_field offline "$T/$a.challenge")" true offline
until=$(json_field until "$T/$a.challenge")
[ "$(date -u -d "$until" +%s)" -gt "$(($(date +%s) + 600000))" ] ||
	fail "an offline nonce is good until $until"
token $a "$iak"
verify 0 '"status":"verified"' $a

case_start "hours later an offline nonce is good, another one is over"
# later SECONDS COMMAND...: with the clock so far ahead.
later() {
	printf '%-31s' "$1" >"$T/clock"
	shift
	CLOCK_FILE=$T/clock LD_PRELOAD=$builddir/tests/cli/clock.so \
		ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 \
		"$@"
}
# given CODE: what verify() asks for, two hours from now.
given() {
	later 7200 timeout 60 "$PROVCTL" -C "$H" attest verify --device $a \
		--evidence "$T/$a.evidence" --challenge "$T/$a.challenge" \
		--seal-key "$T/dev/$a/seal_pub.pem" >"$T/out" 2>"$T/err"
	expect_equal $? "$1" "exit of attest verify ($(cat "$T/err"))"
}
before=$H
challenge $a
token $a "$iak"
copy_authority "$T/online"
given 4
expect_text "one that is over"
H=$before
challenge $a --offline
token $a "$iak"
copy_authority "$T/offline"
given 0
expect_text '"status":"verified"'
H=$before

case_start "no more than 16 challenges of a device are open"
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --withdraw --device $b
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	p attest challenge --device $b >>"$T/open" 2>/dev/null
done
expect_error 4 attest.nonces -C "$H" attest challenge --device $b
expect_equal "$(grep -c '"status":"open"' "$T/open")" 16 "open ones"

case_start "what is open is taken back, and answers nothing any more"
before=$(entries attest.withdraw)
head -n 1 "$T/open" >"$T/$b.challenge"
claims "$(answer_to $b)" -e "s/$ueid/$other/"
attester mac "$T/mac" "$T/claims" "$T/$b.evidence"
printf '{"device":"%s"}\n' $b nobody >"$T/list"
expect_exit 10 "$PROVCTL" -C "$H" attest challenge --withdraw \
	--from "$T/list"
expect_equal "$(head -n 1 "$T/out" | jq -r '[.device, .status, .withdrawn] |
	join(" ")')" "$b withdrawn 16" "what is said"
expect_equal "$(entries attest.withdraw)" $((before + 16)) entries
verify 4 evidence.nonce $b
expect_text "one that was withdrawn"
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --withdraw --device $b
expect_text '"withdrawn":0'
challenge $b
expect_error 2 usage.option -C "$H" attest challenge --withdraw --device $b \
	--offline
expect_error 2 usage.option -C "$H" attest challenge --withdraw --device $b \
	-o "$T/none"
was=$H
copy_authority "$T/set-back"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE nonce SET used_index = NULL
	WHERE used_index IN (SELECT max(used_index) FROM nonce)"
expect_error 5 audit.attest -C "$H" audit verify
H=$was

case_start "a token that takes its time holds nobody up"
was=$H
copy_authority "$T/slow-token"
sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json"
accept_module
printf '{"device":"%s"}\n' $a $b >"$T/list"
FAULT_C_GenerateRandom_WAIT=$T/drawn "$PROVCTL" -C "$H" attest challenge \
	--from "$T/list" >"$T/drawing" 2>&1 &
drawing=$!
echo $drawing >>"$T/pids"
while [ ! -e "$T/drawn.here" ] && kill -0 $drawing; do
	sleep 0.1
done
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --withdraw --device $b
: >"$T/drawn"
wait $drawing || fail "the slow one: $(cat "$T/drawing")"
expect_equal "$(grep -c '"status":"open"' "$T/drawing")" 2 "open ones"
verify_audit
H=$was

case_start "what is expected changes while it is looked at: nothing is recorded"
was=$H
copy_authority "$T/changed"
sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json"
accept_module
challenge $b
claims "$(answer_to $b)" -e "s/$ueid/$other/"
attester mac "$T/mac" "$T/claims" "$T/$b.evidence"
jq -c 'del(.manifest)' "$T/$b.challenge" >"$T/unsaid"
before=$(entries attest.verify)
FAULT_C_Decrypt_WAIT=$T/go "$PROVCTL" -C "$H" attest verify --device $b \
	--evidence "$T/$b.evidence" --challenge "$T/unsaid" \
	--seal-key "$T/dev/$b/seal_pub.pem" --no-release >"$T/verify.out" \
	2>"$T/verify.err" &
verifying=$!
echo $verifying >>"$T/pids"
while [ ! -e "$T/go.here" ] && kill -0 $verifying; do
	sleep 0.1
done
staged staged 2 "$reference"
: >"$T/go"
wait $verifying
expect_equal $? 9 "exit of attest verify ($(cat "$T/verify.err"))"
grep -q evidence.changed "$T/verify.err" || fail "$(cat "$T/verify.err")"
expect_equal "$(entries attest.verify)" "$before" "entries of evidence"
verify_audit
H=$was

case_start "a lot of which evidence fails is an anomaly"
jq -c '.template = "lots" | .limits.anomalies = {evidence_failures_per_lot: 2} |
	.device.fields = {lot: {pattern: "L[0-9]+"}} |
	.rotation = {renew_before_days: 1}' "$T/staged.json" >"$T/lots.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/lots.json"
c=client-00000003
new_device tls-client $c
issue lots $c --set lot=L7 -o "$T/$c.pvb"
new_key $c-iak
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device $c --format psa \
	--key "$T/$c-iak.pub" --instance "01$(printf '%064d' 5)"
for n in 1 2 3; do
	challenge $c
	token $c "$T/$c-iak.pem"
	verify 4 evidence.identity $c
done
expect_exit 0 "$PROVCTL" -C "$H" --json audit anomalies
expect_text '"L7"'
expect_text evidence_failures_per_lot

case_start "the sealing key that was kept need not be given"
challenge $c
token $c "$T/$c-iak.pem" -e "s/$ueid/01$(printf '%064d' 5)/"
expect_exit 0 "$PROVCTL" -C "$H" attest verify --device $c \
	--evidence "$T/$c.evidence" --challenge "$T/$c.challenge"
expect_text '"status":"verified"'
challenge $a
token $a "$iak"
expect_exit 0 "$PROVCTL" -C "$H" attest verify --device $a \
	--evidence "$T/$a.evidence" --challenge "$T/$a.challenge"

case_start "the audit knows all of it"
verify_audit
tests_end
