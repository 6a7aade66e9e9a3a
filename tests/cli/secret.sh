#!/bin/sh
# Stored secrets: sealed by the token's store key, named by templates, given to
# devices of many. Rotated, destroyed, edited behind the store's back, and
# looked for in all that provctl leaves.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/secrets.sh"
SQL=$builddir/tests/cli/sql
module=

sql() {
	"$SQL" "$H/store.db" "$@" 2>"$T/err" || fail "sql: $(cat "$T/err")"
}

use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}

# leave_open ID: a durable intent that nothing was sealed for: the bundle's
# seal is asked of the token (mac0), which has gone by then.
leave_open() {
	use_module "$builddir/tests/fault/shim.so"
	FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
	export FAULT_C_Sign_RV
	issue sensor "$1"
	unset FAULT_C_Sign_RV
	[ "$rc" -ne 0 ] || fail "a token that does not sign has sealed"
	use_module "$module"
}

new_authority
module=$(jq -r .module "$H/provctl.json")
new_programmer
value one 'canary-one-fa7beec0'
value two 'canary-two-5d01e3b2, another length'
value three 'canary-three-77'
: >"$T/empty.value"
chmod 600 "$T/empty.value"
head -c 5000 /dev/zero >"$T/long.value"

case_start "a template that names an unknown secret is not adopted"
template sensor 1
expect_error 10 secret.missing -C "$H" policy adopt "$T/sensor.json"
expect_text fleet-key

case_start "values come from private files, input or a prompt, not from argv"
expect_error 2 usage.argument -C "$H" secret add fleet-key canary
expect_error 2 usage.option -C "$H" secret add fleet-key --value x
expect_error 2 usage.option -C "$H" secret destroy fleet-key --from x
chmod 644 "$T/one.value"
expect_error 4 '' -C "$H" secret add fleet-key --from "$T/one.value"
chmod 600 "$T/one.value"
ln -s one.value "$T/link.value"
expect_error 3 '' -C "$H" secret add fleet-key --from "$T/link.value"
expect_error 3 '' -C "$H" secret add fleet-key --from "$T/empty.value"
expect_error 3 secret.length -C "$H" secret add fleet-key --from -
chmod 600 "$T/long.value"
expect_error 3 '' -C "$H" secret add fleet-key --from "$T/long.value"
expect_error 3 secret.name -C "$H" secret add 'fleet/key' --from "$T/one.value"
expect_error 10 '' -C "$H" secret add fleet-key --from "$T/none"
expect_error 10 secret.missing -C "$H" secret rotate fleet-key \
	--from "$T/one.value"
expect_error 10 secret.missing -C "$H" secret destroy fleet-key
setsid "$PROVCTL" -C "$H" secret add fleet-key >"$T/out" 2>"$T/err" </dev/null
expect_equal "$?" 4 "exit without a terminal"
expect_text secret.terminal
expect_exit 0 "$PROVCTL" -C "$H" secret list
expect_equal "$(wc -c <"$T/out")" 0 "bytes of an empty list"

case_start "added: the template is adopted, a device has the value"
expect_exit 0 "$PROVCTL" -C "$H" secret add fleet-key --from "$T/one.value"
expect_text "fleet-key version 1 stored (19 bytes)"
expect_error 9 secret.exists -C "$H" secret add fleet-key --from "$T/two.value"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/sensor.json"
new_sensor S0000000001
issue sensor S0000000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
has S0000000001 "$T/1.pvb" one

case_start "rotated: the next device has the new one, a retry the same bytes"
"$PROVCTL" -C "$H" --json secret rotate fleet-key --from - \
	<"$T/two.value" >"$T/out" 2>"$T/err" || fail "rotate: $(cat "$T/err")"
expect_equal "$(jq -r .version "$T/out")" 2 version
new_sensor S0000000002
issue sensor S0000000002 -o "$T/2.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
has S0000000002 "$T/2.pvb" two
for i in 1 2; do
	p --json audit show --device "S000000000$i" --type cert.intent >"$T/shown"
	expect_equal "$(jq -r .facts.stored "$T/shown")" "fleet-key/$i" \
		"what the log says of it"
done
issue sensor S0000000001 -o "$T/1.again"
expect_equal "$rc" 0 "exit of a retry"
same_bytes "$T/1.pvb" "$T/1.again"
expect_exit 0 "$PROVCTL" -C "$H" --json secret list
expect_equal "$(jq -r '"\(.secret) \(.version) \(.state)"' "$T/out" |
	tr '\n' ,)" "fleet-key 1 stored,fleet-key 2 stored," list
verify_audit

case_start "an open intent is finished with the version it began with"
new_sensor S0000000003
leave_open S0000000003
verify_audit
expect_equal "$(audit_number open_intents)" 1 "open intents"
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/three.value"
issue sensor S0000000003 -o "$T/3.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
has S0000000003 "$T/3.pvb" two
new_sensor S0000000004
issue sensor S0000000004 -o "$T/4.pvb"
has S0000000004 "$T/4.pvb" three

case_start "one destroyed version: only what began with it is refused"
new_sensor S0000000005
leave_open S0000000005
value four 'canary-four-9c'
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/four.value"
expect_exit 0 "$PROVCTL" -C "$H" secret destroy fleet-key --version 3
expect_text "1 version destroyed"
issue sensor S0000000005
expect_equal "$rc" 10 exit
expect_text fleet-key
new_sensor S0000000006
issue sensor S0000000006 -o "$T/6.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
has S0000000006 "$T/6.pvb" four
verify_audit

case_start "while a run is on: one that is destroyed goes to no further device"
new_sensor S0000000007
new_sensor S0000000008
mkfifo "$T/requests"
: >"$T/stream"
"$PROVCTL" -C "$H" issue --template sensor --stream --jobs 1 \
	<"$T/requests" >"$T/stream" 2>"$T/stream.err" &
echo $! >>"$T/pids"
parent=$!
exec 3>"$T/requests"
echo '{"device":"S0000000007"}' >&3
tries=0
while [ ! -s "$T/stream" ] && [ "$tries" -lt 200 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
expect_equal "$(jq -r .status "$T/stream")" issued status
# The value is in the signer's memory only.
if [ "$(id -u)" -eq 0 ] && ! grep -q __asan_init "$PROVCTL"; then
	reader=$(child_of "$parent" reader)
	writer=$(child_of "$parent" writer)
	nothing_in --pid "$parent" "$reader" "$writer"
fi
cat "/proc/$parent/cmdline" "/proc/$parent/environ" >"$T/argv"
expect_exit 0 "$PROVCTL" -C "$H" secret destroy fleet-key --version 4
echo '{"device":"S0000000008"}' >&3
exec 3>&-
wait "$parent"
expect_equal "$?" 10 "exit of the run"
expect_equal "$(sed -n 2p "$T/stream" | jq -r .status)" failed status
sed -n 2p "$T/stream" >"$T/out"
expect_text secret.destroyed

case_start "destroyed: refused by name, what was issued stays"
issue sensor S0000000008
expect_equal "$rc" 10 exit
expect_text secret.destroyed
expect_text fleet-key
issue sensor S0000000001 -o "$T/1.third"
expect_equal "$rc" 0 "exit of a retry ($(cat "$T/err"))"
same_bytes "$T/1.pvb" "$T/1.third"
template sensor 2
expect_error 10 secret.destroyed -C "$H" policy adopt "$T/sensor.json"
expect_exit 0 "$PROVCTL" -C "$H" secret destroy fleet-key
expect_text "2 versions destroyed"
expect_exit 0 "$PROVCTL" -C "$H" secret destroy fleet-key
expect_text "destroyed before"
expect_error 9 secret.exists -C "$H" secret add fleet-key --from "$T/one.value"
value five 'canary-five-e0'
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/five.value"
expect_text "version 5"
issue sensor S0000000008 -o "$T/8.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
has S0000000008 "$T/8.pvb" five
verify_audit

case_start "no value in home, log, output or argv"
for verb in "audit verify" "audit show" status "secret list" "policy list"; do
	# shellcheck disable=SC2086  # words
	"$PROVCTL" -C "$H" -v $verb >>"$T/said" 2>&1
	# shellcheck disable=SC2086
	"$PROVCTL" -C "$H" --json $verb >>"$T/said" 2>&1
done
p export log --out "$T/tiles" >>"$T/said" 2>&1
nothing_in "$H" "$T/said" "$T/tiles" "$T/argv" "$T/stream" "$T/stream.err" \
	"$T/1.pvb" "$T/8.pvb"
cat "$T/one.value" >"$T/planted"
"$scan" "$needles" "$T/planted" >"$T/hits" 2>&1 && fail "a planted one is missed"

# edited NAME SQL...: whatever needs the secret is refused, and the audit.
whole=$H
value other 'canary-other-1'
expect_exit 0 "$PROVCTL" -C "$H" secret add other --from "$T/other.value"
edited() {
	case_start "$1"
	shift
	H=$whole
	rm -rf "$T/edited"
	copy_authority "$T/edited"
	sql "$@"
	new_device symmetric-sensor S0000000009
	issue sensor S0000000009
	expect_equal "$rc" 5 exit
	rm -rf "$T/dev/S0000000009"
	expect_exit 5 "$PROVCTL" -C "$H" secret list
	expect_exit 5 "$PROVCTL" -C "$H" audit verify
}
edited "an edited row" "update secret set sealed=zeroblob(length(sealed)) \
	where name='fleet-key' and version=5"
edited "a row with the sealed bytes of another name" "update secret set \
	sealed=(select sealed from secret where name='other') \
	where name='fleet-key' and version=5"
edited "a row that takes another's place" \
	"delete from secret where name='fleet-key' and version=5" \
	"update secret set name='fleet-key', version=5 where name='other'"
edited "one brought back from before it was destroyed" "update secret set \
	destroyed_index=null, sealed=(select sealed from secret where \
	name='other') where name='fleet-key' and version=4"

edited "a row that is gone" \
	"delete from secret where name='fleet-key' and version=5"
case_start "the authority itself is as it was"
H=$whole
verify_audit
tests_end
