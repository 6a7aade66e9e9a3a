#!/bin/sh
# Stored secrets and what a token does to them: several threads on one login, a
# token that goes away and its twin with the same store key, and SIGKILL and
# SIGABRT in the middle of `secret rotate': a version is there or it is not,
# and its value in nothing that is left.
#
# KILLS  how many (6)
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/secrets.sh"
kills=${KILLS:-6}

set_config() {
	jq "$1" "$H/provctl.json" >"$T/provctl.json" &&
		cat "$T/provctl.json" >"$H/provctl.json"
}

# A value by its number, which every version has.
numbered() {
	value "v$1" "canary-number-$1-of-the-fleet"
}

newest() {
	p --json secret list | jq -s 'map(select(.state == "stored").version) |
		max'
}

new_authority
new_programmer
numbered 1
expect_exit 0 "$PROVCTL" -C "$H" secret add fleet-key --from "$T/v1.value"
template sensor 1
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/sensor.json"

case_start "several threads on one login give each device the value"
set_config '.sessions_per_token = 4'
seq -f '{"device":"S1%09g"}' 1 64 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template sensor --jobs 2 \
	--from "$T/in.jsonl" --out "$T/threads"
expect_equal "$(jq -r .status "$T/threads/results.jsonl" | sort | uniq -c |
	tr -s ' ')" " 64 issued" results
for n in 01 33 64; do
	new_sensor "S10000000$n"
	has "S10000000$n" "$T/threads/bundles/S10000000$n.operational.pvb" v1
done
numbered 2
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/v2.value"
seq -f '{"device":"S1%09g"}' 33 96 >"$T/in.jsonl"
cp -a "$T/threads/bundles" "$T/first"
expect_exit 0 "$PROVCTL" -C "$H" issue --template sensor --jobs 2 \
	--from "$T/in.jsonl" --out "$T/threads"
for n in 33 64; do
	same_bytes "$T/first/S10000000$n.operational.pvb" \
		"$T/threads/bundles/S10000000$n.operational.pvb"
done
new_sensor S1000000096
has S1000000096 "$T/threads/bundles/S1000000096.operational.pvb" v2
set_config '.sessions_per_token = 0'
verify_audit

# The same keys on a token of another label and serial number.
cp -a "$H/softhsm/tokens" "$T/tokens"
serial=$(SOFTHSM2_CONF=$H/softhsm/softhsm2.conf softhsm2-util --show-slots |
	sed -n 's/.*Serial number: *\([0-9a-f]\{16\}\)$/\1/p' | head -n 1)
[ "${#serial}" -eq 16 ] || fail "no serial number of the token: $serial"
twin=$H/softhsm/tokens/00000000-0000-4000-8000-000000000002
cp -a "$T/tokens"/* "$twin"
sed -i -e "s/$serial/ffff00000abcdef2/" -e 's/acme   /twin   /' \
	"$twin/token.object"
own=$(jq -c .tokens "$H/provctl.json")
module=$(jq -r .module "$H/provctl.json")
shim=$builddir/tests/fault/shim.so

case_start "what one token sealed its twin opens, and the other way round"
set_config '.tokens = ["pkcs11:token=twin"]'
new_sensor S2000000001
issue sensor S2000000001 -o "$T/twin.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
has S2000000001 "$T/twin.pvb" v2
numbered 3
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/v3.value"
set_config ".tokens = $own"
new_sensor S2000000002
issue sensor S2000000002 -o "$T/own.pvb"
has S2000000002 "$T/own.pvb" v3
verify_audit

case_start "a preferred token that is away: the next one seals"
set_config '.tokens = ["pkcs11:token=absent", "pkcs11:token=twin"]'
numbered 4
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/v4.value"
expect_text "version 4"

case_start "a token that goes away when it is asked to open: its twin does"
set_config ".tokens = $own + [\"pkcs11:token=twin\"] | .module = \"$shim\""
accept_module
for sessions in 0 4; do
	set_config ".sessions_per_token = $sessions"
	id=S200000001$sessions
	FAULT_LOG=$T/calls
	FAULT_C_Decrypt_RV=0x32 FAULT_C_Decrypt_TIMES=1
	export FAULT_LOG FAULT_C_Decrypt_RV FAULT_C_Decrypt_TIMES
	: >"$FAULT_LOG"
	new_sensor "$id"
	issue sensor "$id" -o "$T/$id.pvb"
	unset FAULT_LOG FAULT_C_Decrypt_RV FAULT_C_Decrypt_TIMES
	expect_equal "$rc" 0 "exit with $sessions sessions ($(cat "$T/err"))"
	grep -q ' C_Decrypt 0x32$' "$T/calls" || fail "no call failed"
	has "$id" "$T/$id.pvb" v4
done
set_config '.sessions_per_token = 0'
verify_audit

case_start "a token that goes away when it is asked to seal: nothing is stored"
numbered 5
before=$(newest)
FAULT_C_Encrypt_RV=0x32
export FAULT_C_Encrypt_RV
expect_error 6 hsm.device -C "$H" secret rotate fleet-key \
	--from "$T/v5.value"
unset FAULT_C_Encrypt_RV
expect_equal "$(newest)" "$before" "newest version"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/v5.value"
expect_text "version 5"
set_config ".tokens = $own"

# SoftHSM writes its object files without care for kills.
token_whole() {
	p --json status >"$T/status" 2>&1 && return
	rm -rf "$H/softhsm/tokens"
	cp -a "$T/tokens" "$H/softhsm/tokens"
}

# rotating: version $next is being sealed in a session of its own, for a second.
rotating() {
	next=$(($(newest) + 1))
	numbered "$next"
	: >"$T/calls"
	(
		cd "$T" || exit
		ulimit -c unlimited 2>/dev/null
		FAULT_LOG=$T/calls FAULT_C_Encrypt_MS=1000 exec setsid \
			"$PROVCTL" -C "$H" secret rotate fleet-key \
			--from "$T/v$next.value" >"$T/said" 2>&1 </dev/null
	) &
	parent=$!
	echo "$parent" >>"$T/pids"
}

# child: of the rotation, once it is in C_Encrypt or before.
child() {
	tries=0
	pid=
	while [ -z "$pid" ] && [ "$tries" -lt 100 ]; do
		sleep 0.02
		pid=$(child_of "$parent" provctl)
		tries=$((tries + 1))
	done
	[ -n "$pid" ] || fail "no child of the rotation"
}

case_start "$kills kills in mid-rotation: a version is whole, or not there"
stored=0
n=0
while [ "$n" -lt "$kills" ]; do
	n=$((n + 1))
	before=$(newest)
	rotating
	child
	# The first ones before C_Encrypt, most in it, the last behind it.
	delay=$((n * 1600 / kills))
	sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
	if [ $((n % 2)) -eq 0 ]; then
		kill -9 "$pid" 2>/dev/null
	else
		kill -9 -- "-$parent" 2>/dev/null
	fi
	wait "$parent" 2>/dev/null
	token_whole
	verify_audit
	after=$(newest)
	case $after in
	"$before") ;;
	"$next") stored=$((stored + 1)) ;;
	*) fail "version $after behind $before" ;;
	esac
	new_sensor "S300000000$n"
	issue sensor "S300000000$n" -o "$T/kill.$n.pvb"
	expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
	has "S300000000$n" "$T/kill.$n.pvb" "v$after"
done
echo "# $kills kills, $stored of them with the version stored"

case_start "a version that was killed can be made again"
next=$(($(newest) + 1))
numbered "$next"
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key \
	--from "$T/v$next.value"
expect_text "version $next"
verify_audit

case_start "abort in mid-rotation leaves no core, and the value nowhere"
rotating
child
tries=0
while ! [ -s "$T/calls" ] && [ "$tries" -lt 100 ]; do
	sleep 0.02
	tries=$((tries + 1))
done
sleep 0.3
grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits" ||
	fail "a core may be written: $(grep core "/proc/$pid/limits")"
cat "/proc/$pid/cmdline" "/proc/$parent/cmdline" "/proc/$parent/environ" \
	"/proc/$pid/environ" >"$T/argv" 2>/dev/null
# The process that holds no token holds no value either.
if [ "$(id -u)" -eq 0 ] && ! grep -q __asan_init "$PROVCTL"; then
	nothing_in --pid "$parent"
fi
kill -ABRT "$pid"
wait "$parent"
[ "$?" -ne 0 ] || fail "it ended with 0"
token_whole
find "$T" -name 'core*' -type f ! -path "$T/dev/*" >"$T/found"
[ ! -s "$T/found" ] || fail "cores: $(cat "$T/found")"
for verb in "audit verify" "audit show" status "secret list"; do
	# shellcheck disable=SC2086  # words
	"$PROVCTL" -C "$H" -v $verb >>"$T/said" 2>&1
	# shellcheck disable=SC2086
	"$PROVCTL" -C "$H" --json $verb >>"$T/said" 2>&1
done
nothing_in "$H" "$T/said" "$T/argv" "$T/threads" "$T"/kill.*.pvb
verify_audit
set_config ".module = \"$module\""
tests_end
