#!/bin/sh
# Somebody who may write the home, and has neither PIN nor an officer's key,
# appends decisions with their entries through the project's own libraries
# (tests/cli/people.c). Each is found by the next command that opens the store,
# before anything counts it and before HOME/governance is signed over it, and by
# an audit. (What an exported log can show: check_pairing, check_audit_tiles.)
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
PEOPLE=$builddir/tests/cli/people

people() {
	"$PEOPLE" "$H" "$@" 2>"$T/err" || fail "people $*: $(cat "$T/err")"
}

copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$base
	copy_authority "$T/copy$copies"
}

# found DECISION...: that is found, whoever asks.
found() {
	fresh
	cp "$H/governance" "$T/before"
	people "$@"
	expect_error 5 store.governance -C "$H" status
	expect_error 5 store.governance -C "$H" issue \
		--template symmetric-sensor --device S0100000001
	expect_error 5 store.governance -C "$H" audit verify
	cmp -s "$H/governance" "$T/before" || fail "$1: the file was signed anew"
	rm "$H/governance"
	expect_error 5 store.governance -C "$H" status
}

new_authority
stations='"without_order": true, "stations": ["line-*"]'
adopt_changed symmetric-sensor sensor \
	-e "s|\"without_order\": true|$stations, \"on_anomaly\": \"quarantine\"|"
for name in alice bob carol dave; do
	officer_key "$name"
done
"$PROVCTL" officer key new --name bob --file "$T/mallory.key" >"$T/out" \
	2>"$T/err" || fail "another key of that name: $(cat "$T/err")"
for n in 1 2; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	expect_equal "$rc" 0 "issue client-0000000$n: $(cat "$T/err")"
done
# One that waits for its receipt.
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301"
	| .rotation = {same_key: true}' "$templates/tls-client.json" \
	>"$T/same.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/same.json"
new_device tls-client client-00000003
issue same client-00000003
expect_equal "$rc" 0 "issue client-00000003: $(cat "$T/err")"
run "$PROVCTL" -C "$H" rotate device client-00000003 -o "$T/3.pvb"
expect_equal "$rc" 0 "rotate client-00000003: $(cat "$T/err")"
run "$PROVCTL" -C "$H" rotate bundle --prepare
expect_equal "$rc" 0 "the next bundle key: $(cat "$T/err")"
make_roster "$T/one.json" 1 '"roster": 1, "adopt": 2' \
	alice:security-officer bob:security-officer \
	carol:security-officer dave:operator
make_roster "$T/two.json" 2 '"roster": 1' \
	alice:security-officer bob:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/one.json"
sed 's/"version": *1/"version": 9/' "$templates/tls-client.json" >"$T/next.json"
people held:r-1:D-1 held:r-2:D-2
people by:"$T/keys/bob.key" secret:there:1:sealed
p export inventory >"$T/inventory" 2>"$T/err" || fail "$(cat "$T/err")"
verify_audit
base=$H

case_start "approved by bob, each is fine: the tool does what a verb does"
while read -r decision; do
	fresh
	people by:"$T/keys/bob.key" "$decision"
	case $decision in
	# The rest of what rotate does: it has its approval.
	rotate:*) expect_exit 0 "$PROVCTL" -C "$H" rotate bundle ;;
	esac
	expect_exit 0 "$PROVCTL" -C "$H" order show
	p export inventory >"$T/inventory" 2>"$T/err" ||
		fail "$decision: $(cat "$T/err")"
	verify_audit
done <<END
roster:2:$T/two.json
order:o-1:tls-client
clock
secret:fleet:1:sealed
secret:there:2:sealed
destroy:there:1
release:1:r-1
reject:2:r-2
revoke:client-00000001
retire:client-00000001
kek:S0000000001
enrol:client-00000001
rotate:bundle
END

case_start "with no approval, one that nobody signed, a stranger's"
while read -r decision; do
	found "$decision"
	found "$decision" approved
	found by:"$T/mallory.key" "$decision"
	# Nor does one that is good hide one that is not.
	found "$decision" by:"$T/keys/bob.key" order:o-9:tls-client
done <<END
roster:2:$T/two.json
order:o-1:tls-client
clock
config
secret:fleet:1:sealed
secret:there:2:sealed
destroy:there:1
release:1:r-1
reject:2:r-2
adopt:$T/next.json
revoke:client-00000001
retire:client-00000001
kek:S0000000001
enrol:client-00000001
rotate:bundle
END

case_start "no decision on it, only its nonce, or one on something else"
while read -r act; do
	for how in bare alone other; do
		found by:"$T/keys/bob.key" "$act:$how"
	done
done <<END
revoke:client-00000001
retire:client-00000001
kek:S0000000001
enrol:client-00000001
rotate:bundle
END

case_start "as superseded by what is not in its place"
found superseded:client-00000001:client-00000002
found superseded:client-00000001:client-00000001

case_start "as superseded by what its device has not said to have"
found superseded:client-00000003:client-00000003

case_start "a TPM's answer to what nobody offered"
found answer:client-00000001:0
found answer:client-00000001:999999

case_start "one approval where two are asked for"
found by:"$T/keys/bob.key" adopt:"$T/next.json"

case_start "an approval of nothing"
found approval:1:note

case_start "a release that comes while a run goes on"
fresh
mkfifo "$T/requests"
: >"$T/stream"
"$PROVCTL" -C "$H" --as dave --key "$T/keys/dave.key" issue --template sensor \
	--station shed --stream --jobs 1 <"$T/requests" >"$T/stream" \
	2>"$T/stream.err" &
echo $! >>"$T/pids"
run_pid=$!
exec 3>"$T/requests"
# says NUMBER STATUS: the run's answer of that number, once it is there.
says() {
	tries=0
	while [ "$(wc -l <"$T/stream")" -lt "$1" ] && [ "$tries" -lt 200 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	expect_equal "$(sed -n "$1p" "$T/stream" | jq -r .status)" "$2" \
		"answer $1"
}
echo '{"device":"S0000000001"}' >&3
says 1 quarantined
people by:"$T/keys/bob.key" release:3:S0000000001
echo '{"device":"S0000000001"}' >&3
says 2 issued
echo '{"device":"S0000000002"}' >&3
says 3 quarantined
people release:4:S0000000002
echo '{"device":"S0000000002"}' >&3
exec 3>&-
wait "$run_pid"
expect_equal "$?" 5 "exit of the run"
grep -q "approvals of this decision do not follow" "$T/stream.err" ||
	fail "$(cat "$T/stream.err")"
expect_equal "$(grep -c '"issued"' "$T/stream")" 1 "issued"

tests_end
