#!/bin/sh
# Another PIN for the tokens: the token takes it, then the file holds it, and
# whatever falls between, the same command goes on.
. "$(dirname "$0")/../lib.sh"

# new_pin TEXT: a private file with a PIN.
new_pin() {
	printf '%s' "$1" >"$T/new"
	chmod 600 "$T/new"
}

# The token is used, by the PIN that pin_source gives.
works() {
	expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/programmer.pem" \
		--device "works-$1" -o "$T/works-$1.cms"
}

rotations() {
	p --json audit show --type pin.rotate | grep -c '"type":"pin.rotate"'
}

new_authority
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
pinfile=$H/softhsm/pin
cp -p "$pinfile" "$T/first"

case_start "the new PIN comes from a private file or is typed, not from argv"
expect_error 2 usage.option -C "$H" rotate pin --new-pin 1234
expect_error 2 usage.argument -C "$H" rotate pin 1234567890
new_pin 4711-canary-pin
chmod 644 "$T/new"
expect_error 4 '' -C "$H" rotate pin --new-pin-source "file:$T/new"
expect_error 10 '' -C "$H" rotate pin --new-pin-source "file:$T/none"
expect_error 3 pin.source -C "$H" rotate pin --new-pin-source "$T/new"
expect_error 3 pin.same -C "$H" rotate pin --new-pin-source "file:$pinfile"
new_pin 12
expect_error 3 pin.length -C "$H" rotate pin --new-pin-source "file:$T/new"
[ ! -e "$pinfile.new" ] || fail "a PIN that no token takes is staged"
setsid "$PROVCTL" -C "$H" rotate pin >"$T/out" 2>"$T/err" </dev/null
expect_equal "$?" 4 "exit without a terminal"
expect_text "next: give it with --new-pin-source"
same_bytes "$pinfile" "$T/first"
expect_equal "$(rotations)" 0 "pin.rotate entries"
works 1

case_start "the token has it, the file holds it, nothing says it"
new_pin 4711-canary-pin
expect_exit 0 "$PROVCTL" -C "$H" --json rotate pin \
	--new-pin-source "file:$T/new"
expect_equal "$(json_field tokens "$T/out")" 1 tokens
expect_equal "$(json_field file "$T/out")" true file
same_bytes "$pinfile" "$T/new"
expect_equal "$(stat -c %a "$pinfile")" 600 mode
[ ! -e "$pinfile.new" ] || fail "the staged PIN is there still"
expect_equal "$(rotations)" 1 "pin.rotate entries"
works 2
if grep -r -a -q -F 4711-canary-pin "$T/out" "$T/err" "$H"/store.db* \
	"$H/sealed.dat" "$H/provctl.json" "$H/checkpoint"; then
	fail "the PIN stands somewhere"
fi
cp -p "$T/first" "$pinfile"
expect_error 7 hsm.pin -C "$H" export kek --to "$T/programmer.pem" \
	--device works-3
cp -p "$T/new" "$pinfile"
works 3
verify_audit

case_start "it ended before the token knew: the same command goes on"
cp -p "$pinfile" "$T/second"
new_pin third-canary-pin
cp -p "$T/new" "$pinfile.new"
new_pin other-canary-pin
expect_error 9 pin.staged -C "$H" rotate pin --new-pin-source "file:$T/new"
same_bytes "$pinfile" "$T/second"
expect_exit 0 "$PROVCTL" -C "$H" rotate pin
expect_text "going on with the new PIN"
expect_equal "$(cat "$pinfile")" third-canary-pin "PIN's file"
[ ! -e "$pinfile.new" ] || fail "the staged PIN is there still"
works 4

case_start "it ended when the token knew and the file did not"
cp -p "$pinfile" "$T/third"
new_pin fourth-canary-pin
expect_exit 0 "$PROVCTL" -C "$H" rotate pin --new-pin-source "file:$T/new"
cp -p "$T/third" "$pinfile"
cp -p "$T/new" "$pinfile.new"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate pin
expect_equal "$(json_field before "$T/out")" 1 "tokens that had it"
expect_equal "$(cat "$pinfile")" fourth-canary-pin "PIN's file"
works 5
verify_audit

case_start "a new PIN that a killed run was writing does not stay"
temp=$H/softhsm/.pin.new.0.99999999.tmp # no process has that number
other=$H/softhsm/.other.0.99999999.tmp
echo 4711-left >"$temp"
: >"$other"
new_pin 4711-after
expect_exit 0 "$PROVCTL" -C "$H" rotate pin --new-pin-source "file:$T/new"
[ ! -e "$temp" ] || fail "it is there"
[ -e "$other" ] || fail "what is no PIN is gone"
rm "$other"
works swept

case_start "what cannot be looked at is not said to be staged"
long=$(printf '%0252d' 0)
cp -p "$pinfile" "$H/softhsm/$long" # with .new it is no name any more
cp "$H/provctl.json" "$T/config.long"
jq --arg f "file:softhsm/$long" '.pin_source = $f' "$T/config.long" \
	>"$H/provctl.json"
expect_error 8 pin.staged -C "$H" export kek --to "$T/programmer.pem" \
	--device long -o "$T/long.cms"
expect_text "cannot see"
cp "$T/config.long" "$H/provctl.json"
works long

token_size() {
	find "$1" -name token.object -exec cat {} + | wc -c
}

case_start "killed at any moment, it goes on"
i=0
while [ $i -lt 10 ]; do
	i=$((i + 1))
	new_pin "killed-canary-$i"
	rm -rf "$T/tokens"
	cp -a "$H/softhsm/tokens" "$T/tokens"
	cp -p "$pinfile" "$T/tokens.pin"
	setsid "$PROVCTL" -C "$H" rotate pin --new-pin-source "file:$T/new" \
		>"$T/out" 2>"$T/err" </dev/null &
	pid=$!
	sleep "0.0$((i * 7 % 10))"
	kill -9 "-$pid" 2>/dev/null # all of its processes
	wait "$pid" 2>/dev/null
	# SoftHSM writes a token's file anew in place, at each login, too: a
	# kill may cut it. Its PIN is the one from before then.
	[ "$(token_size "$H/softhsm/tokens")" -ge "$(token_size "$T/tokens")" ] || {
		rm -rf "$H/softhsm/tokens"
		cp -a "$T/tokens" "$H/softhsm/tokens"
		cp -p "$T/tokens.pin" "$pinfile"
	}
	if [ -e "$pinfile.new" ]; then
		expect_exit 0 "$PROVCTL" -C "$H" rotate pin || break
	fi
	works "killed-$i" || break
done

case_start "all tokens have it, or the next run goes on with the rest"
SOFTHSM2_CONF=$H/softhsm/softhsm2.conf softhsm2-util --init-token --free \
	--label second --so-pin 12345678 --pin "$(cat "$pinfile")" \
	>"$T/tool" 2>&1 || fail "softhsm2-util: $(cat "$T/tool")"
jq '.tokens += ["pkcs11:token=second", "pkcs11:token=third"]' \
	"$H/provctl.json" >"$T/config"
cp "$H/provctl.json" "$T/config.one"
cat "$T/config" >"$H/provctl.json"
cp -p "$pinfile" "$T/all.old"
new_pin all-canary-pin
expect_error 6 hsm.token-missing -C "$H" rotate pin \
	--new-pin-source "file:$T/new"
same_bytes "$pinfile" "$T/all.old"
jq 'del(.tokens[2])' "$T/config" >"$H/provctl.json"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate pin \
	--new-pin-source "file:$T/new"
expect_equal "$(json_field tokens "$T/out")" 2 tokens
works all
cat "$T/config.one" >"$H/provctl.json"
verify_audit

case_start "what waits to be ended costs no login"
module=$(jq -r .module "$H/provctl.json")
use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" >"$T/config"
	cat "$T/config" >"$H/provctl.json"
	accept_module
}
use_module "$builddir/tests/fault/shim.so"
cp -p "$pinfile" "$T/fifth"
new_pin sixth-canary-pin
FAULT_C_Login_RV=50 # CKR_DEVICE_REMOVED, once the PIN is set
export FAULT_C_Login_RV
expect_error 6 hsm.device -C "$H" rotate pin --new-pin-source "file:$T/new"
unset FAULT_C_Login_RV
same_bytes "$pinfile.new" "$T/new"
FAULT_LOG=$T/calls
export FAULT_LOG
: >"$FAULT_LOG"
for i in 1 2 3 4 5; do
	expect_error 9 pin.staged -C "$H" rotate crl --all
done
expect_error 9 pin.staged -C "$H" status
expect_equal "$(grep -c C_Login "$FAULT_LOG")" 0 "logins"
unset FAULT_LOG
expect_exit 0 "$PROVCTL" -C "$H" --json rotate pin
expect_equal "$(json_field before "$T/out")" 1 "tokens that had it"
[ ! -e "$pinfile.new" ] || fail "the staged PIN is there still"
works 6

case_start "what the token took is kept, though it refuses it at once"
new_pin seventh-canary-pin
FAULT_C_Login_RV=160 # CKR_PIN_INCORRECT
FAULT_C_Login_TIMES=1
export FAULT_C_Login_RV FAULT_C_Login_TIMES
expect_error 7 hsm.pin -C "$H" rotate pin --new-pin-source "file:$T/new"
unset FAULT_C_Login_RV FAULT_C_Login_TIMES
same_bytes "$pinfile.new" "$T/new"
expect_exit 0 "$PROVCTL" -C "$H" rotate pin
same_bytes "$pinfile" "$T/new"
works 7
use_module "$module"
verify_audit

case_start "a wrong PIN is tried once, and the new one once"
printf 'not-the-pin-at-all' >"$pinfile"
new_pin fifth-canary-pin
expect_error 7 hsm.pin -C "$H" rotate pin --new-pin-source "file:$T/new"
[ ! -e "$pinfile.new" ] || fail "a PIN that no token has is staged"

tests_end
