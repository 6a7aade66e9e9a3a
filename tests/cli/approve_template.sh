#!/bin/sh
# A template may ask for more than the roster: keys in tokens, and a request
# that was made just now.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

# version N ASK: the template with what it asks for its adoption.
version() {
	jq --argjson version "$1" --argjson ask "$2" \
		'.version = $version | .approvals = {adopt: $ask}' \
		"$srcdir/templates/tls-client.json" >"$T/v$1.json"
}

adopt() { # N [OPTION]...
	n=$1
	shift
	run "$PROVCTL" -C "$H" policy adopt "$T/v$n.json" "$@"
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
for name in alice bob operator; do
	officer_key "$name"
done
make_roster "$T/r1.json" 1 '"roster": 1' alice:security-officer \
	bob:security-officer operator:operator
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"

case_start "both forms are a template, and show has the whole"
version 2 '{"persons": 2, "max_age_s": 900}'
expect_exit 0 "$PROVCTL" policy lint "$T/v2.json"
expect_exit 0 "$PROVCTL" policy show "$T/v2.json"
expect_equal "$(jq -c '[.approvals.adopt, .approvals.order]' "$T/out")" \
	'[{"persons":2,"max_age_s":900,"token":false},0]' shown

case_start "a request lives as long as the template lets it"
adopt 2 --request "$T/q.json"
expect_equal "$rc" 11 "exit without approvals"
expires=$(date -d "$(jq -r .expires "$T/q.json")" +%s)
now=$(env -u LD_PRELOAD date +%s)
[ "$expires" -le $((now + 901)) ] || fail "expires in $((expires - now)) s"
for name in alice bob; do
	approve "$name" "$T/q.json"
	expect_equal "$rc" 0 "exit of approve"
done
clock_set 901
adopt 2 --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 4 "exit after its time"
expect_text "rule: approval.expired"

case_start "in its time it is adopted"
adopt 2 --request "$T/q2.json"
expect_equal "$rc" 11 "exit without approvals"
for name in alice bob; do
	approve "$name" "$T/q2.json"
done
adopt 2 --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 0 "exit in time"

case_start "when it was asked for is what the log says, not what was signed"
asks() {
	p --json audit show --type approval.ask | jq -s length
}
version 3 '{"persons": 1, "max_age_s": 900}'
before=$(asks)
for i in 1 2; do
	adopt 3 --request "$T/q3.json"
	expect_equal "$rc" 11 "exit of asking"
done
expect_equal "$(asks)" $((before + 1)) "entries for one request"
later=$(date -u -d "@$(($(env -u LD_PRELOAD date +%s) + 901 + 1700))" \
	+%Y-%m-%dT%H:%M:%SZ)
jq --arg later "$later" '.expires = $later' "$T/q3.json" >"$T/later.json"
jq '.nonce = "00112233445566778899aabbccddeeff"' "$T/q3.json" >"$T/own.json"
approve alice "$T/own.json"
expect_equal "$rc" 0 "exit of approve"
adopt 3 --approval "$T/notes/alice.note"
expect_equal "$rc" 4 "exit with a nonce that nobody handed out"
expect_text "rule: approval.age"
approve alice "$T/later.json"
expect_equal "$rc" 0 "exit of approve"
clock_set 1902
adopt 3 --approval "$T/notes/alice.note"
expect_equal "$rc" 4 "exit with an expiry that was put off"
expect_text "rule: approval.age"
adopt 3 --request "$T/later.json"
expect_equal "$rc" 9 "exit where that request lies"
adopt 3 --request "$T/q4.json"
expect_equal "$rc" 11 "exit of asking anew"
approve alice "$T/q4.json"
adopt 3 --approval "$T/notes/alice.note"
expect_equal "$rc" 11 "exit with as many as the new version wants"
expect_text "needs 2 approvals and has 1"
approve bob "$T/q4.json"
adopt 3 --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 0 "exit with as many as the version in effect wants"
verify_audit

case_start "whatever a template may raise, it does; the rest is the roster's"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
jq '.template = "raised" | .version = 2 | .limits.stations = ["line-*"] |
	.limits.on_anomaly = "quarantine" |
	.approvals = {adopt: 3, order: 4, release_quarantine: 5}' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/raised.json"
jq '.version = 1 | .approvals.adopt = 1' "$T/raised.json" >"$T/alone.json"
expect_exit 11 "$PROVCTL" -C "$H" policy adopt "$T/alone.json" \
	--request "$T/alone.q"
approve alice "$T/alone.q"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/alone.json" \
	--approval "$T/notes/alice.note"
run "$PROVCTL" -C "$H" --as operator --key "$T/keys/operator.key" issue \
	--template raised --station shed --device S0000000001
expect_equal "$(json_field status "$T/out")" quarantined status
digest=$(p --json policy list | jq -r 'select(.template == "raised").sha256')
jq -n --arg digest "$digest" '{order: "o-1", template: "raised", version: 1,
	template_sha256: $digest, quantity: 5}' >"$T/order.json"
jq '.version = 2' "$T/r1.json" >"$T/r2.json"
# More than the two who there are is never waited for.
while read -r code number rest; do
	# shellcheck disable=SC2086  # a command's words
	run "$PROVCTL" -C "$H" $rest --request "$T/asked.json"
	expect_equal "$rc" "$code" "exit of $rest"
	expect_text "needs $number approval"
	rm -f "$T/asked.json"
done <<EOF
4 3 policy adopt $T/raised.json
4 4 order open $T/order.json
4 5 quarantine release 1
4 5 quarantine reject 1
11 1 officer roster $T/r2.json
11 1 secret add fleet-key --from $T/prog.key
11 1 export kek --to $T/prog.pem --device S0000000001 -o $T/kek
EOF

case_start "a key that may be a file does not do where a token is wanted"
version 4 '{"persons": 1, "token": true}'
adopt 4 --request "$T/q5.json"
expect_equal "$rc" 4 "exit where nobody has one"
expect_text "rule: approval.few"
[ ! -e "$T/q5.json" ] || fail "approvals are asked for that nobody can give"
jq --rawfile bytes "$T/v4.json" '.subject = ($bytes | @base64) |
	.nonce = "00112233445566778899aabbccddee00"' \
	"$T/q4.json" >"$T/q5.json"
approve alice "$T/q5.json"
adopt 4 --approval "$T/notes/alice.note"
expect_equal "$rc" 4 "exit with a key file"
expect_text "rule: approval.key"

tests_end
