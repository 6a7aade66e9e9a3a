#!/bin/sh
# Suspect requests wait in quarantine: kept with reason, source and bytes, they
# slow nobody else, and leave by release or reject only. A release is for that
# request and that rule alone, and none is given that would make no key right.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
SQL=$builddir/tests/cli/sql

# expect_held NUMBER RULE ISSUE-ARGUMENT...: denied by the rule, and kept.
expect_held() {
	held_number=$1
	held_rule=$2
	shift 2
	expect_exit 4 "$PROVCTL" -C "$H" issue "$@"
	expect_equal "$(json_field status "$T/out")" quarantined status
	expect_equal "$(json_field error.rule "$T/out")" "$held_rule" rule
	expect_text "quarantine show $held_number"
}

# expect_denied STATUS RULE ISSUE-ARGUMENT...: denied, and not kept.
expect_denied() {
	denied_status=$1
	denied_rule=$2
	shift 2
	before=$(p --json quarantine list --all | wc -l)
	expect_exit 4 "$PROVCTL" -C "$H" issue "$@"
	expect_equal "$(json_field status "$T/out")" "$denied_status" status
	expect_equal "$(json_field error.rule "$T/out")" "$denied_rule" rule
	expect_equal "$(p --json quarantine list --all | wc -l)" "$before" kept
}

field() {
	p --json quarantine show "$1" | jq -r ".$2"
}

new_authority
stations='"without_order": true, "stations": ["line-*"]'
held='"on_anomaly": "quarantine"'
adopt_changed symmetric-sensor sensor \
	-e "s|\"without_order\": true|$stations, $held|"
adopt_changed symmetric-sensor plain -e "s|\"without_order\": true|$stations|"
adopt_changed tls-client client \
	-e "s|\"without_order\": true|\"without_order\": true, $held|" \
	-e 's|"sealing-key"|"certified-key"|'

case_start "nothing is held"
expect_exit 0 "$PROVCTL" -C "$H" quarantine list
expect_equal "$(cat "$T/out")" "" list
expect_error 10 quarantine.none -C "$H" quarantine show 1
expect_error 10 quarantine.none -C "$H" quarantine release 1

case_start "a template that says deny keeps nothing"
expect_denied denied limits.stations --template plain --device S0000000001

case_start "what is suspect is kept with reason, source and bytes"
expect_held 1 limits.stations --template sensor --station shed \
	--device S0000000001
expect_equal "$(field 1 state)" held state
expect_equal "$(field 1 rule)" limits.stations rule
expect_equal "$(field 1 device)" S0000000001 device
expect_equal "$(field 1 source)" \
	"request 1 of a run by os:$(id -u) at station shed" source
digest=$(p --json policy list | jq -r 'select(.template == "sensor").sha256')
expect_equal "$(field 1 bytes | jq -c .)" \
	'{"template":"sensor","template_sha256":"'"$digest"'","station":"shed","request":"S0000000001","device":"S0000000001","fields":{}}' \
	bytes
expect_exit 0 "$PROVCTL" -C "$H" quarantine show 1
expect_text '"device":"S0000000001"'
expect_exit 0 "$PROVCTL" -C "$H" audit show --type quarantine.put
expect_text S0000000001
verify_audit

case_start "a station's name is one, and nothing that a terminal obeys is shown"
while IFS= read -r bad; do
	expect_error 3 station.name -C "$H" issue --template sensor \
		--station "$(printf '%b' "$bad")" --device S0000000002
done <<'EOF'
x)\033[1A\033[2K\r1 held S0000000001
shed\nlog      entry 47
a b
../x
.x
0123456789012345678901234567890123456789012345678901234567890123456789
EOF
expect_error 3 station.name -C "$H" issue --template sensor --station "" \
	--device S0000000002
expect_equal "$(p --json quarantine list | wc -l)" 1 waiting
copy_authority "$T/escaped"
"$SQL" "$H/store.db" "UPDATE held SET source = 'x' || char(27) || '[2K' ||
	char(13) || char(10) || 'log      entry 9'"
run "$PROVCTL" -C "$H" quarantine list
LC_ALL=C grep -q '[[:cntrl:]]' "$T/out" && fail "raw: $(cat -v "$T/out")"
H=$T/acme

case_start "nobody else is slowed: what waits is that request, byte for byte"
expect_held 2 limits.stations --template sensor --station shed \
	--device S0000000002
echo '{"device":"S0000000005","request":"r-1"}' >"$T/in.jsonl"
expect_held 3 limits.stations --template sensor --station shed \
	--from "$T/in.jsonl"
{
	printf '{"device":"S00000000%s"}\n' 02 03
	echo '{"device":"S0000000004","request":"r-1"}'
} >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template sensor --station line-1 \
	--from "$T/in.jsonl"
expect_denied quarantined quarantine.held --template sensor --station shed \
	--device S0000000001
expect_exit 0 "$PROVCTL" -C "$H" issue --template sensor --station shed \
	--device S0000000002
expect_equal "$(json_field status "$T/out")" existing status
verify_audit

case_start "a release is for that request alone"
expect_exit 0 "$PROVCTL" -C "$H" quarantine release 1
expect_equal "$(field 1 state)" released state
expect_error 9 store.held -C "$H" quarantine reject 1
expect_equal "$(p quarantine list | wc -l)" 2 waiting
expect_held 4 limits.stations --template sensor --station attic \
	--device S0000000001
expect_exit 0 "$PROVCTL" -C "$H" quarantine reject 4
expect_denied denied limits.stations --template sensor --station attic \
	--device S0000000001
expect_denied denied limits.stations --template plain --station shed \
	--device S0000000001
expect_exit 0 "$PROVCTL" -C "$H" issue --template sensor --station shed \
	--device S0000000001
expect_equal "$(json_field status "$T/out")" issued status
expect_exit 0 "$PROVCTL" -C "$H" issue --template sensor --station shed \
	--device S0000000001
expect_equal "$(json_field status "$T/out")" existing status
verify_audit

# csr NAME KEY: $T/NAME.csr, signed with $T/KEY.key.
csr() {
	[ -f "$T/$2.key" ] || openssl genpkey -quiet -algorithm EC \
		-pkeyopt ec_paramgen_curve:P-256 -out "$T/$2.key" 2>"$T/err" ||
		fail "genpkey: $(cat "$T/err")"
	openssl req -new -key "$T/$2.key" -subj "/CN=$1" -out "$T/$1.csr" \
		2>"$T/err" || fail "req: $(cat "$T/err")"
}

case_start "a key of another device is held, and stays refused"
csr client-00000001 one
csr client-00000002 one
client1="--template client --device client-00000001 --csr"
client2="--template client --device client-00000002 --csr"
# shellcheck disable=SC2086  # options
expect_exit 0 "$PROVCTL" -C "$H" issue $client1 "$T/client-00000001.csr"
# shellcheck disable=SC2086  # options
expect_held 5 key.reused $client2 "$T/client-00000002.csr"
field 5 bytes | jq -j .csr >"$T/held.csr"
same_bytes "$T/held.csr" "$T/client-00000002.csr"
expect_error 4 quarantine.key -C "$H" quarantine release 5
expect_text "quarantine reject 5"
expect_equal "$(field 5 state)" held state
expect_exit 0 "$PROVCTL" -C "$H" quarantine reject 5
# shellcheck disable=SC2086  # options
expect_denied denied key.reused $client2 "$T/client-00000002.csr"

case_start "another key for a device is held, and its own answer is not"
cp "$T/client-00000001.csr" "$T/mine.csr"
csr client-00000001 two
# shellcheck disable=SC2086  # options
expect_held 6 device.key_changed $client1 "$T/client-00000001.csr"
# shellcheck disable=SC2086  # options
expect_exit 0 "$PROVCTL" -C "$H" issue $client1 "$T/mine.csr"
expect_equal "$(json_field status "$T/out")" existing status
# shellcheck disable=SC2086  # options
expect_denied quarantined quarantine.held $client1 "$T/client-00000001.csr"
expect_error 4 quarantine.key -C "$H" quarantine release 6
expect_text "issue --replace"
expect_exit 0 "$PROVCTL" -C "$H" quarantine reject 6
# shellcheck disable=SC2086  # options
expect_exit 0 "$PROVCTL" -C "$H" issue $client1 "$T/mine.csr"
expect_equal "$(json_field status "$T/out")" existing status
verify_audit

case_start "a key of the authority is held, though a signer knows it already"
adopt_changed tls-client sealed \
	-e "s|\"without_order\": true|\"without_order\": true, $held|"
p export chain --ca issuing-1 >"$T/chain.pem"
openssl x509 -in "$T/chain.pem" -pubkey -noout >"$T/ours.pem"
{
	printf 'provctl/seal-key/v1\0client-00000005\0'
	openssl pkey -pubin -in "$T/ours.pem" -outform DER
} >"$T/message"
csr client-00000005 five
openssl dgst -sha256 -sign "$T/five.key" "$T/message" |
	openssl base64 -A >"$T/sig.b64"
expect_held 7 key.authority --template sealed --device client-00000005 \
	--csr "$T/client-00000005.csr" --seal-key "$T/ours.pem" \
	--seal-key-sig "$T/sig.b64"
field 7 bytes | jq -j .seal_key >"$T/held.pem"
same_bytes "$T/held.pem" "$T/ours.pem"
expect_error 4 quarantine.key -C "$H" quarantine release 7
verify_audit

case_start "an edited row is found when it is shown, used and audited"
whole=$H
copy_authority "$T/edited"
expect_held 8 limits.stations --template sensor --station shed \
	--device S0000000009
"$SQL" "$H/store.db" "UPDATE held SET bytes = x'7b7d' WHERE id = 8"
expect_error 5 store.governance -C "$H" quarantine list
expect_error 5 store.governance -C "$H" quarantine show 8
expect_error 5 store.governance -C "$H" quarantine release 8
expect_error 5 store.governance -C "$H" audit verify

H=$whole

case_start "no more is kept than the template says, of each order or template"
full='"quarantine_max": 2, "on_anomaly": "quarantine"'
adopt_changed symmetric-sensor few -e "s|\"without_order\": true|$stations, $full|"
adopt_changed symmetric-sensor others \
	-e "s|\"without_order\": true|$stations, $full|"
copy_authority "$T/full"
printf '{"device":"S00000001%s"}\n' 01 02 03 04 >"$T/in.jsonl"
run "$PROVCTL" -C "$H" issue --template few --station shed \
	--from "$T/in.jsonl" --out "$T/full.out"
expect_equal "$rc" 4 "exit of the batch"
expect_equal "$(jq -r '.status + "." + .error.rule' \
	"$T/full.out/results.jsonl" | tr '\n' ' ')" "$(printf '%s ' quarantined.limits.stations \
	quarantined.limits.stations denied.quarantine.full \
	denied.quarantine.full)" statuses
expect_exit 4 "$PROVCTL" -C "$H" issue --template few --station shed \
	--device S0000000105
expect_text quarantine.full
expect_exit 0 "$PROVCTL" -C "$H" audit show --type request.deny --last 1
expect_text quarantine.full
expect_exit 4 "$PROVCTL" -C "$H" issue --template others --station shed \
	--device S0000000106
expect_equal "$(json_field status "$T/out")" quarantined "status of others"
p --json quarantine list >"$T/list"
expect_exit 0 "$PROVCTL" -C "$H" quarantine reject \
	"$(jq -r 'select(.device == "S0000000101").id' "$T/list")"
expect_exit 4 "$PROVCTL" -C "$H" issue --template few --station shed \
	--device S0000000105
expect_equal "$(json_field status "$T/out")" quarantined "status once there is room"
digest=$(p --json policy list | jq -r 'select(.template == "few").sha256')
for order in o-1 o-2; do
	jq -n --arg order "$order" --arg digest "$digest" '{order: $order,
		template: "few", version: 1, template_sha256: $digest,
		quantity: 9}' >"$T/$order.json"
	expect_exit 0 "$PROVCTL" -C "$H" order open "$T/$order.json"
done
while read -r order device status; do
	expect_exit 4 "$PROVCTL" -C "$H" issue --template few --order "$order" \
		--station shed --device "$device"
	expect_equal "$(json_field status "$T/out")" "$status" "$device"
done <<EOF
o-1 S0000000111 quarantined
o-1 S0000000112 quarantined
o-1 S0000000113 denied
o-2 S0000000114 quarantined
EOF
verify_audit
H=$whole

case_start "a release is for the template's bytes, not for its name"
expect_held 8 limits.stations --template sensor --station shed \
	--device S0000000008
expect_exit 0 "$PROVCTL" -C "$H" quarantine release 8
sed 's/"version": 1,/"version": 2,/' "$T/sensor.json" >"$T/sensor.2.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/sensor.2.json"
expect_held 9 limits.stations --template sensor --station shed \
	--device S0000000008
expect_exit 0 "$PROVCTL" -C "$H" quarantine reject 9

case_start "under a roster it takes the quorum, and each note is for one decision"
expect_held 10 limits.stations --template sensor --station shed \
	--device S0000000006
for name in alice bob carol; do officer_key "$name"; done
make_roster "$T/roster.json" 1 '"roster": 2, "release_quarantine": 2' \
	alice:security-officer bob:security-officer carol:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"
expect_exit 0 "$PROVCTL" -C "$H" quarantine list
expect_error 4 quarantine.key -C "$H" quarantine release 7 --request "$T/ask.json"
[ ! -e "$T/ask.json" ] || fail "somebody is asked to release a key"
expect_error 11 approval.missing -C "$H" quarantine release 10 --request "$T/ask.json"
approve alice "$T/ask.json"
expect_equal "$rc" 0 "exit of approve"
expect_error 11 approval.missing -C "$H" quarantine release 10 \
	--approval "$T/notes/alice.note" --request "$T/ask.json"
approve bob "$T/ask.json"
expect_error 5 approval.subject -C "$H" quarantine reject 10 \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_exit 0 "$PROVCTL" -C "$H" quarantine release 10 \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_text "approved by alice,bob"
expect_error 9 store.held -C "$H" quarantine release 10 \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
verify_audit

case_start "usage"
expect_error 2 usage.argument -C "$H" quarantine forget 8
expect_error 2 usage.value -C "$H" quarantine show five
expect_error 2 usage.argument -C "$H" quarantine release
tests_end
