#!/bin/sh
# Revoking: who is chosen, by what, for which reason; all or nothing; holds and
# their removal; what is denied afterwards (reliability.md, case 41).
. "$(dirname "$0")/../lib.sh"

new_authority

# revoke_ok OPTION...: $T/out has the JSON lines.
revoke_ok() {
	run "$PROVCTL" -C "$H" revoke "$@"
	expect_equal "$rc" 0 "exit of revoke $*: $(cat "$T/err")"
	no_secret "$T/out" "$T/err"
}

# says JQ WANT: of all lines, joined.
says() {
	expect_equal "$(jq -r -s "map($1) | join(\" \")" "$T/out")" "$2" "$1"
}

serial_of() {
	p --json export inventory | jq -r "select(.device == \"$1\") | .serial"
}

# listed SERIAL: its shard's list, as it is published, has it or not.
listed() {
	listed_shard=$((0x${1#"${1%?}"}))
	openssl crl -inform DER -noout -text \
		-in "$H/publish/crl/issuing-1/$listed_shard.crl" |
		grep -q -i "Serial Number: 0*$1"
}

case_start "what is revoked is made first"
open_order o-1 "$templates/tls-client.json" 4
for n in 1 2 3; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n --order o-1
	expect_equal "$rc" 0 "issue client-0000000$n"
done
for n in 4 5 6 7; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	expect_equal "$rc" 0 "issue client-0000000$n"
done
new_device symmetric-sensor S0000000001
issue symmetric-sensor S0000000001
expect_equal "$rc" 0 "issue S0000000001"

case_start "usage"
expect_error 2 usage.option -C "$H" revoke --reason keyCompromise
expect_error 2 usage.option -C "$H" revoke --device client-00000001
expect_error 2 usage.option -C "$H" revoke --device client-00000001 \
	--order o-1 --reason keyCompromise
expect_error 2 usage.option -C "$H" revoke --device client-00000001 \
	--reason stolen
expect_error 2 usage.option -C "$H" revoke --device client-00000001 \
	--reason aACompromise
expect_error 2 usage.option -C "$H" revoke --device client-00000001 \
	--reason superseded --invalidity yesterday
expect_error 4 revoke.reason -C "$H" revoke --device client-00000001 \
	--reason cACompromise
expect_error 3 revoke.invalidity -C "$H" revoke --device client-00000001 \
	--reason keyCompromise --invalidity 2999-01-01T00:00:00Z

case_start "what is unknown: 10, and nothing is revoked"
expect_error 10 device.unknown -C "$H" revoke --device client-000000ff \
	--reason keyCompromise
expect_error 3 device.id -C "$H" revoke --device ../x --reason keyCompromise
expect_error 10 serial.unknown -C "$H" revoke \
	--serial 01000000aabbccddeeff001122334455 --reason keyCompromise
expect_error 3 revoke.serial -C "$H" revoke --serial 0102 \
	--reason keyCompromise
expect_error 10 order.unknown -C "$H" revoke --order o-9 \
	--reason keyCompromise
expect_error 10 store.template -C "$H" revoke --template none \
	--reason keyCompromise
printf '{"device":"client-00000001"}\n{"device":"client-000000ff"}\n' \
	>"$T/list.jsonl"
expect_error 10 device.unknown -C "$H" revoke --from "$T/list.jsonl" \
	--reason keyCompromise
verify_audit
expect_equal "$(p --json audit show | jq -r .type | grep -c cert.revoke)" 0 \
	"entries of what was refused"

case_start "a CA of ours is not revoked so"
ca=$(openssl x509 -in "$H/out/ca.pem" -noout -serial 2>/dev/null |
	sed 's/serial=//')
[ -n "$ca" ] || ca=$(p export chain |
	openssl x509 -noout -serial | sed 's/serial=//')
expect_error 4 revoke.ca -C "$H" revoke --serial "$ca" --reason keyCompromise

case_start "a dry run changes nothing"
revoke_ok --device client-00000001 --reason keyCompromise --dry-run
says .status revoked
says .dry_run true
issue tls-client client-00000001 --order o-1
expect_equal "$rc" 0 "it is answered as before"

case_start "one device, and what it is told afterwards"
revoke_ok --device client-00000001 --reason keyCompromise \
	--invalidity 2025-01-02T03:04:05Z
says .status revoked
says .reason keyCompromise
date=$(jq -r .revoked "$T/out")
serial=$(jq -r .serial "$T/out")
listed "$serial" || fail "it is on no list that is published"
issue tls-client client-00000001 --order o-1
expect_equal "$rc" 4 "exit of its retry"
expect_text device.revoked
expect_error 4 device.revoked -C "$H" export bundle --device client-00000001
verify_audit

case_start "twice: 0, and the date is unchanged"
sleep 1
revoke_ok --device client-00000001 --reason superseded
says .status unchanged
says .reason keyCompromise
says .revoked "$date"
expect_equal "$(p --json audit show | jq -r .type | grep -c cert.revoke)" 1 \
	entries

case_start "a hold, a retry, its removal, and for good since the hold"
revoke_ok --device client-00000004 --reason certificateHold
says .status held
expect_error 4 device.held -C "$H" export bundle --device client-00000004
expect_text "the device is held"
issue tls-client client-00000004
expect_equal "$rc" 0 "a held device's retry"
expect_text existing
expect_error 4 device.held -C "$H" export bundle --device client-00000004
revoke_ok --device client-00000004 --reason certificateHold
says .status unchanged
serial=$(serial_of client-00000004)
listed "$serial" || fail "what is held is on no list"
revoke_ok --device client-00000004 --reason removeFromCRL
says .status released
listed "$serial" && fail "what was let go of is still on the list"
says '.revoked // "-"' -
revoke_ok --device client-00000004 --reason removeFromCRL
says .status unchanged
revoke_ok --device client-00000004 --reason certificateHold
held=$(jq -r .revoked "$T/out")
sleep 1
revoke_ok --device client-00000004 --reason keyCompromise
says .status revoked
says .revoked "$held"
expect_error 9 revoke.final -C "$H" revoke --device client-00000004 \
	--reason removeFromCRL
expect_error 3 revoke.invalidity -C "$H" revoke --device client-00000005 \
	--reason removeFromCRL --invalidity 2025-01-02T03:04:05Z
verify_audit

case_start "a rotated device, held and let go of: what is over stays so"
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301" |
	. * {rotation: {same_key: true}}' "$templates/tls-client.json" \
	>"$T/same.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/same.json"
p export key --purpose bundle >"$T/bundle.pem"
new_device tls-client client-0000000a
issue same client-0000000a
expect_equal "$rc" 0 issue
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-0000000a -o "$T/a.pvb"
revoke_ok --device client-0000000a --reason certificateHold
says .status "held held"
revoke_ok --device client-0000000a --reason removeFromCRL
says .status "released released"
expect_exit 0 "$PROVDEV" open "$T/dev/client-0000000a" "$T/a.pvb" \
	--bundle-key "$T/bundle.pem"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
	"$T/dev/client-0000000a/receipt.cose"
revoke_ok --device client-0000000a --reason certificateHold
says '.status' "unchanged held"
revoke_ok --device client-0000000a --reason removeFromCRL
says .status released
revoke_ok --device client-0000000a --reason removeFromCRL
says .status unchanged
revoke_ok --device client-0000000a --reason certificateHold
echo '{"device":"client-0000000a"}' >"$T/a.jsonl"
revoke_ok --from "$T/a.jsonl" --reason removeFromCRL
says .status released
revoke_ok --device client-0000000a --reason superseded
expect_error 9 revoke.final -C "$H" revoke --device client-0000000a \
	--reason removeFromCRL
verify_audit

case_start "by serial, of either case"
serial=$(serial_of client-00000005)
revoke_ok --serial "$(echo "$serial" | tr a-f A-F)" --reason superseded
says .serial "$serial"
says .device client-00000005

case_start "a token that does not sign: revoked all the same, and published later"
cp "$H/provctl.json" "$T/module.json"
jq --arg to "$builddir/tests/fault/shim.so" '.module = $to' "$T/module.json" \
	>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
accept_module
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
run "$PROVCTL" -C "$H" revoke --device client-00000006 --reason superseded
unset FAULT_C_Sign_RV
cat "$T/module.json" >"$H/provctl.json"
accept_module
expect_equal "$rc" 6 "exit without the token"
expect_text "it is recorded, but what is published is behind"
says .status revoked
late=$(jq -r .serial "$T/out")
listed "$late" && fail "it is on a list that nobody signed"
shard=$((0x${late#"${late%?}"}))
expect_error 4 status.crl -C "$H" status
expect_equal "$(p --json status | jq -s '[.[0].crls[].behind] | add')" 1 behind
printf '%-32d' 3601 >"$T/offset" # an hour later
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
kept=${ASAN_OPTIONS-}
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
expect_error 5 crl.behind -C "$H" status
unset CLOCK_FILE LD_PRELOAD
ASAN_OPTIONS=$kept
expect_error 5 crl.behind -C "$H" export crl --ca issuing-1 --shard "$shard"
issue tls-client client-00000006
expect_equal "$rc" 4 "exit of its retry"
revoke_ok --device client-00000006 --reason superseded
says .status unchanged
listed "$late" || fail "the next run has not published it"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" export crl --ca issuing-1 --shard "$shard"
verify_audit

case_start "a wrong PIN is one try"
jq --arg to "$builddir/tests/fault/shim.so" '.module = $to' "$T/module.json" \
	>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
accept_module
FAULT_LOG=$T/calls
FAULT_C_Login_RV=160 # CKR_PIN_INCORRECT
export FAULT_LOG FAULT_C_Login_RV
run "$PROVCTL" -C "$H" revoke --device client-00000006 --reason superseded
unset FAULT_LOG FAULT_C_Login_RV
cat "$T/module.json" >"$H/provctl.json"
accept_module
expect_equal "$rc" 7 "exit with a wrong PIN"
expect_equal "$(grep -c ' C_Login ' "$T/calls")" 1 "tries"

case_start "by order: one that is revoked stays as it is"
revoke_ok --order o-1 --reason cessationOfOperation
says .status "unchanged revoked revoked"
grep -q '3 certificates, 2 changed' "$T/err" || fail "$(cat "$T/err")"
revoke_ok --order o-1 --reason certificateHold
says .status "unchanged unchanged unchanged"
expect_exit 0 "$PROVCTL" -C "$H" order close o-1 -o "$T/o-1.note"
grep -q '^revoked 3$' "$T/o-1.note" || fail "$(cat "$T/o-1.note")"

case_start "a device without a certificate"
revoke_ok --device S0000000001 --reason privilegeWithdrawn
says .status revoked
issue symmetric-sensor S0000000001
expect_equal "$rc" 4 "exit of its retry"
verify_audit

case_start "by template, and by lists of either form"
revoke_ok --template tls-client --reason unspecified
says .status "unchanged unchanged unchanged unchanged unchanged unchanged \
revoked"
says '.reason' "keyCompromise cessationOfOperation cessationOfOperation \
keyCompromise superseded superseded unspecified"
printf 'serial,device\n,client-00000001\n%s,\n' "$serial" >"$T/list.csv"
revoke_ok --from "$T/list.csv" --reason superseded
says .device "client-00000001 client-00000005"
printf '{"device":"client-00000001"}\n{"device":"client-00000001"}\n' >"$T/in"
"$PROVCTL" -C "$H" revoke --from - --reason superseded <"$T/in" >"$T/out" \
	2>"$T/err"
expect_equal "$?" 0 "exit of a list on standard input: $(cat "$T/err")"
says .device client-00000001

printf 'client-00000001\nclient-00000005\n' >"$T/ids"
revoke_ok --from "$T/ids" --reason superseded
says .device "client-00000001 client-00000005"
echo client-000000ff >>"$T/ids"
expect_error 10 device.unknown -C "$H" revoke --from "$T/ids" \
	--reason superseded

case_start "lists that are refused"
for line in '{"device":"a","serial":"00"}' '{}' '[]' '{"device":1}' \
	'{"devise":"x"}' '{"device":"a\u0000b"}' '{"device":"-x"}' \
	'{"device":"x","device":"y"}' '{"serial":"zz"}'; do
	echo "$line" >"$T/list.jsonl"
	expect_error 3 '' -C "$H" revoke --from "$T/list.jsonl" \
		--reason superseded
done
printf 'device,device\na,b\n' >"$T/list.csv"
expect_error 3 csv.columns -C "$H" revoke --from "$T/list.csv" \
	--reason superseded
printf 'lot\nL1\n' >"$T/list.csv"
expect_error 3 csv.columns -C "$H" revoke --from "$T/list.csv" \
	--reason superseded
: >"$T/list.csv"
expect_error 3 csv.columns -C "$H" revoke --from "$T/list.csv" \
	--reason superseded
: >"$T/list.jsonl"
expect_error 10 revoke.nothing -C "$H" revoke --from "$T/list.jsonl" \
	--reason superseded
truncate -s 1G "$T/list.jsonl"
expect_error 3 input.row -C "$H" revoke --from "$T/list.jsonl" \
	--reason superseded
rm -f "$T/list.jsonl"
ln -s "$T/in" "$T/list.jsonl"
expect_error 3 '' -C "$H" revoke --from "$T/list.jsonl" --reason superseded
verify_audit

tests_end
