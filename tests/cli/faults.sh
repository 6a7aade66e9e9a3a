#!/bin/sh
# What a token, a signal or a parent process can do to a run: tests/fault/shim
# stands between provctl and SoftHSM.
. "$(dirname "$0")/../lib.sh"

new_authority
sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json"
accept_module
FAULT_LOG=$T/calls
export FAULT_LOG

# requests N FIRST: lines for symmetric devices, numbered from FIRST.
requests() {
	seq -f '{"device":"S%010g"}' "$2" $(($2 + $1 - 1))
}

# things N FIRST: lines for aws-iot, whose private keys we make.
things() {
	seq -f '{"device":"thing-%012.0f","fields":{"lot":"AB1234"}}' "$2" \
		$(($2 + $1 - 1))
}

calls() {
	grep -c " $1 " "$FAULT_LOG"
}

# batch_of TEMPLATE CODE JOBS [OPTION]...
batch_of() {
	batch_template=$1
	batch_code=$2
	batch_jobs=$3
	shift 3
	expect_exit "$batch_code" "$PROVCTL" -C "$H" issue \
		--template "$batch_template" --jobs "$batch_jobs" \
		--from "$T/in.jsonl" "$@"
}

batch() {
	batch_of symmetric-sensor "$1" "$2"
}

case_start "a wrong PIN is one try, however many signers there are"
requests 8 1 >"$T/in.jsonl"
cp "$H/softhsm/pin" "$T/pin"
printf 'wrong-pin-1234\n' >"$H/softhsm/pin"
: >"$FAULT_LOG"
batch 7 4
expect_text "PIN"
expect_equal "$(calls C_Login)" 1 "calls of C_Login"
cp "$T/pin" "$H/softhsm/pin"
batch 0 4

case_start "a token with fewer sessions than signers serves all the same"
requests 300 1000 >"$T/in.jsonl"
: >"$FAULT_LOG"
FAULT_SESSIONS=1 FAULT_LOCKS=$T/session
export FAULT_SESSIONS FAULT_LOCKS
batch 0 3
unset FAULT_SESSIONS FAULT_LOCKS
expect_equal "$(wc -l <"$T/out")" 300 results
expect_equal "$(calls C_Login)" 1 "calls of C_Login"
grep -q ' C_OpenSession 0xb1$' "$FAULT_LOG" ||
	fail "no session was refused: the case shows nothing"

case_start "a pin pad is asked once, by one signer"
requests 20 2000 >"$T/in.jsonl"
: >"$FAULT_LOG"
FAULT_PAD=$H/softhsm/pin
export FAULT_PAD
batch 0 4
unset FAULT_PAD
expect_equal "$(calls C_Login)" 1 "calls of C_Login"

case_start "a parent that ignores SIGCHLD does not make the run hang"
requests 50 3000 >"$T/in.jsonl"
expect_exit 0 sh -c 'trap "" CHLD; exec "$@"' sh "$PROVCTL" -C "$H" issue \
	--template symmetric-sensor --from "$T/in.jsonl"

# until_login: somebody is inside C_Login.
until_login() {
	tries=0
	while ! grep -q ' entering-C_Login ' "$FAULT_LOG" &&
		[ "$tries" -lt 400 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	[ "$tries" -lt 400 ] || fail "nobody logs in"
}

case_start "signals to the whole group find no signer inside C_Login"
for signal in TERM HUP INT; do
	# Under nohup it means nothing to provctl either.
	case $signal$(sed -n 's/^SigIgn:.*\(.\)$/\1/p' /proc/self/status) in
	HUP[13579bdf]) continue ;;
	esac
	# More than is read ahead: what was read is finished.
	requests 4000 100000 >"$T/in.jsonl"
	: >"$FAULT_LOG"
	FAULT_C_Login_MS=700 setsid "$PROVCTL" -C "$H" issue --jobs 1 \
		--template symmetric-sensor --from "$T/in.jsonl" \
		>"$T/out" 2>"$T/err" </dev/null &
	pid=$!
	echo "$pid" >>"$T/pids"
	until_login
	kill -s "$signal" -- "-$pid"
	wait "$pid"
	expect_equal "$?" 130 "exit after $signal"
	[ "$(calls entering-C_Login)" -gt 0 ] || fail "nobody logged in"
	expect_equal "$(calls C_Login)" "$(calls entering-C_Login)" \
		"logins that came back after $signal"
done
batch 0 2

# set KEY VALUE: a number in provctl.json.
set_number() {
	jq ".$1 = $2" "$H/provctl.json" >"$T/config" &&
		cat "$T/config" >"$H/provctl.json"
}

case_start "a slow token makes progress: the time-out is for one call"
set_number hsm_timeout_s 4
requests 60 5000 >"$T/in.jsonl"
export FAULT_C_Sign_MS=50
batch 0 1
unset FAULT_C_Sign_MS
expect_equal "$(wc -l <"$T/out")" 60 results

case_start "logins that wait for one another are not called a time-out"
requests 8 6000 >"$T/in.jsonl"
export FAULT_C_Login_MS=1500
batch 0 4
unset FAULT_C_Login_MS

case_start "another provctl's login is not called a time-out"
requests 8 6050 >"$T/in.jsonl"
rm "$H"/locks/*
batch 0 4
lock=$(echo "$H"/locks/*)
for jobs in 1 4; do
	flock "$lock" sleep 6 &
	echo $! >>"$T/pids"
	for try in 1 2 3 4 5 6 7 8 9; do
		flock -n "$lock" true || break
		sleep 0.05
	done
	batch 0 "$jobs"
done

case_start "a person at a pin pad may take longer than the token"
requests 8 6100 >"$T/in.jsonl"
export FAULT_PAD="$H/softhsm/pin" FAULT_C_Login_MS=5500
batch 0 1
unset FAULT_PAD FAULT_C_Login_MS

case_start "a call that does not come back ends issue, and can be resumed"
requests 8 6200 >"$T/in.jsonl"
export FAULT_C_Sign_MS=30000
RUN_S=17 batch 6 2
expect_text "did not answer within 4 s"
unset FAULT_C_Sign_MS
batch 0 2

case_start "a call that does not come back ends other verbs too"
sed 's|"template": "azure-dps"|"template": "azure-new"|' \
	"$srcdir/templates/azure-dps.json" >"$T/azure-new.json"
export FAULT_C_Sign_MS=30000
RUN_S=17 expect_error 6 hsm.timeout -C "$H" policy adopt "$T/azure-new.json"
unset FAULT_C_Sign_MS
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/azure-new.json"

case_start "a call that does not come back ends what follows a replacement"
new_device tls-client client-00000301
issue tls-client client-00000301
expect_equal "$rc" 0 "exit of the first"
rm -rf "$T/dev/client-00000301"
new_device tls-client client-00000301
export FAULT_C_Sign_MS=30000 FAULT_AFTER="$T/replaced.pvb"
RUN_S=17 issue tls-client client-00000301 --replace --reason rework \
	-o "$T/replaced.pvb"
unset FAULT_C_Sign_MS FAULT_AFTER
expect_equal "$rc" 6 "exit of the replacement"
expect_text "what is published is behind"
expect_text "did not answer within 4 s"
expect_equal "$(json_field status "$T/out")" issued status
old=$(p export inventory | jq -r -s 'map(select(.state == "revoked"))[0].serial')
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
for list in "$H"/publish/crl/issuing-1/*.crl; do
	openssl crl -inform DER -noout -text -in "$list"
done | grep -q -i "Serial Number: $old" || fail "$old is on no list"

case_start "an interrupt finds no other verb inside C_Login"
sed 's|"template": "azure-dps"|"template": "azure-int"|' \
	"$srcdir/templates/azure-dps.json" >"$T/azure-int.json"
: >"$FAULT_LOG"
set_number hsm_timeout_s 20
FAULT_C_Login_MS=700 setsid "$PROVCTL" -C "$H" policy adopt \
	"$T/azure-int.json" >"$T/out" 2>"$T/err" </dev/null &
pid=$!
echo "$pid" >>"$T/pids"
until_login
kill -s INT -- "-$pid"
wait "$pid"
expect_equal "$(calls C_Login)" "$(calls entering-C_Login)" \
	"logins that came back"

case_start "several sessions: threads of one signer, the same answers"
set_number sessions_per_token 6
requests 300 7000 >"$T/in.jsonl"
: >"$FAULT_LOG"
batch 0 2
expect_equal "$(wc -l <"$T/out")" 300 results
expect_equal "$(jq -r .device "$T/out" | sort -u | wc -l)" 300 devices
expect_equal "$(calls C_OpenSession)" 6 "sessions opened"
cp "$T/out" "$T/first"
batch 0 1
jq -c 'del(.status)' "$T/first" >"$T/one"
jq -c 'del(.status)' "$T/out" >"$T/two"
same_bytes "$T/one" "$T/two"
set_number sessions_per_token 0

case_start "a token that goes away in mid-batch is replaced by the next one"
# The same keys on a token of another label and serial number.
cp "$H/provctl.json" "$T/one-token"
serial=$(SOFTHSM2_CONF=$H/softhsm/softhsm2.conf softhsm2-util --show-slots |
	sed -n 's/.*Serial number: *\([0-9a-f]\{16\}\)$/\1/p' | head -n 1)
twin=00000000-0000-4000-8000-000000000002
for token in "$H"/softhsm/tokens/*; do
	cp -a "$token" "$H/softhsm/tokens/$twin"
done
[ "${#serial}" -eq 16 ] || fail "no serial number of the token: $serial"
sed -i -e "s/$serial/ffff00000abcdef2/" -e 's/acme   /twin   /' \
	"$H/softhsm/tokens/$twin/token.object"
jq '.tokens += ["pkcs11:token=twin"]' "$T/one-token" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
for sessions in 0 4; do
	set_number sessions_per_token "$sessions"
	requests 200 "80${sessions}00" >"$T/in.jsonl"
	: >"$FAULT_LOG"
	export FAULT_C_Sign_RV=0x30 FAULT_C_Sign_FROM=150 FAULT_C_Sign_TIMES=1
	batch 0 1
	unset FAULT_C_Sign_RV FAULT_C_Sign_FROM FAULT_C_Sign_TIMES
	expect_equal "$(wc -l <"$T/out")" 200 results
	expect_text "went on with the next token"
	# Another thread may have looked at the first token once more.
	[ "$(calls C_Login)" -le $((sessions > 0 ? 3 : 2)) ] ||
		fail "$(calls C_Login) logins with $sessions sessions"
done
# Not the last: then the run ends, and can be resumed.
requests 200 8700 >"$T/in.jsonl"
export FAULT_C_Sign_RV=0x30 FAULT_C_Sign_FROM=150
batch 6 1
unset FAULT_C_Sign_RV FAULT_C_Sign_FROM
cat "$T/one-token" >"$H/provctl.json"
batch 0 1

case_start "a token that goes away between two batch signatures"
jq '.tokens += ["pkcs11:token=twin"]' "$T/one-token" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
jq '.template = "azure-two" |
	.stages = {bootstrap: ["dps"], operational: ["identity"]}' \
	"$srcdir/templates/azure-dps.json" >"$T/azure-two.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/azure-two.json"
: >"$T/in.jsonl"
for n in 1 2 3 4 5; do
	new_device azure-two two-0000000$n
	request_line two-0000000$n >>"$T/in.jsonl"
done
export FAULT_C_Sign_RV=0x30 FAULT_C_Sign_FROM=7 FAULT_C_Sign_TIMES=1
batch_of azure-two 0 1 --out "$T/twofold"
unset FAULT_C_Sign_RV FAULT_C_Sign_FROM FAULT_C_Sign_TIMES
expect_text "went on with the next token"
p export key --purpose bundle >"$T/bundle.pem"
for stage in bootstrap operational; do
	run "$PROVDEV" open "$T/dev/two-00000001" \
		"$T/twofold/bundles/two-00000001.$stage.pvb" \
		--bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "exit of the device with $stage"
done
verify_audit

case_start "a preferred token that is away does not keep a batch from starting"
jq '.tokens = ["pkcs11:token=absent", "pkcs11:token=acme"]' "$T/one-token" \
	>"$T/config" && cat "$T/config" >"$H/provctl.json"
requests 20 9000 >"$T/in.jsonl"
batch 0 1
requests 20 9100 >"$T/in.jsonl"
batch 0 2

case_start "a wrong PIN on the next token is one try, too"
jq '.tokens += ["pkcs11:token=twin"]' "$T/one-token" >"$T/two-tokens"
cat "$T/two-tokens" >"$H/provctl.json"
requests 800 10000 >"$T/in.jsonl"
: >"$FAULT_LOG"
export FAULT_C_Sign_RV=0x30 FAULT_C_Sign_FROM=100
export FAULT_C_Login_RV=0xa0 FAULT_C_Login_FROM=2
batch 7 4
unset FAULT_C_Sign_RV FAULT_C_Sign_FROM FAULT_C_Login_RV FAULT_C_Login_FROM
expect_equal "$(grep -c ' C_Login 0xa0$' "$FAULT_LOG")" 1 "refused logins"
cat "$T/one-token" >"$H/provctl.json"
batch 0 2

case_start "what the next token is refused for is told, not what the first had"
things 20 1000 >"$T/in.jsonl"
export FAULT_C_Sign_RV=0x30
batch_of aws-iot 6 1
unset FAULT_C_Sign_RV
cat "$T/two-tokens" >"$H/provctl.json"
: >"$FAULT_LOG"
export FAULT_C_Decrypt_RV=0x30 FAULT_C_Login_RV=0xa0 FAULT_C_Login_FROM=2
batch_of aws-iot 7 1
unset FAULT_C_Decrypt_RV FAULT_C_Login_RV FAULT_C_Login_FROM
expect_equal "$(grep -c ' C_Decrypt 0x30$' "$FAULT_LOG")" 1 "failed calls"
expect_text "PIN"
cat "$T/one-token" >"$H/provctl.json"
batch_of aws-iot 0 1

case_start "every wrong signature is held, also of several threads"
set_number sessions_per_token 8
: >"$T/in.jsonl"
for n in 1 2 3 4 5 6 7 8 9; do
	new_device tls-client client-0000010$n
	request_line client-0000010$n >>"$T/in.jsonl"
done
: >"$FAULT_LOG"
export FAULT_FLIP=1 FAULT_C_Sign_MS=30
batch_of tls-client 7 1
unset FAULT_FLIP FAULT_C_Sign_MS
signed=$(calls C_Sign)
verify_audit
expect_equal "$(audit_number quarantined)" "$signed" \
	"held for $signed wrong signatures"

case_start "also when the signer itself meets a token that has gone"
# A group of new devices is being signed when one of open intents is taken up.
things 20 20000 >"$T/open.jsonl"
cp "$T/open.jsonl" "$T/in.jsonl"
export FAULT_C_Sign_RV=0x30
batch_of aws-iot 6 1
unset FAULT_C_Sign_RV
things 128 21000 >"$T/in.jsonl"
cat "$T/open.jsonl" >>"$T/in.jsonl"
held=$(audit_number quarantined)
: >"$FAULT_LOG"
export FAULT_C_Sign_MS=500 FAULT_FLIP=1 FAULT_C_Decrypt_RV=0x30
batch_of aws-iot 7 1
unset FAULT_C_Sign_MS FAULT_FLIP FAULT_C_Decrypt_RV
expect_equal "$(calls C_Decrypt)" 1 "calls of C_Decrypt"
flipped=$(calls flipped)
[ "$flipped" -gt 0 ] || fail "nothing was signed: the case shows nothing"
verify_audit
expect_equal "$(audit_number quarantined)" "$((held + flipped))" \
	"held after $flipped wrong signatures"
set_number sessions_per_token 0

verify_audit
tests_end
