#!/bin/sh
# rotate due: all whose certificate ends soon, in one go, under any template;
# what needs a CSR is listed; credentials of hours without a revocation list.
. "$(dirname "$0")/../lib.sh"

# Seconds that programs see the clock ahead by.
clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
hour=3600
day=$((24 * hour))

new_authority
p export key --purpose bundle >"$T/bundle.pem"
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

template() {
	jq --arg name "$2" ".template = \$name |
		.class = \"0d4f3a52-8e19-4c6b-9d27-51b8e0c7f3$4\" | . * $3" \
		"$templates/$1.json" >"$T/$2.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$2.json"
}
expect_exit 0 "$PROVCTL" -C "$H" policy adopt \
	"$templates/tls-client-short.json"
template aws-iot thing '{rotation: {renew_before_days: 7},
	certificate: {validity: {days: 10}}}' 05
template tls-client fresh '{rotation: {renew_before_days: 5},
	certificate: {validity: {days: 10}}}' 06

due() {
	run "$PROVCTL" -C "$H" rotate due "$@"
}
# issued TEMPLATE ID: a device that has its bundle, and its receipt taken in.
issued() {
	new_device tls-client "$2"
	issue "$1" "$2" -o "$T/$2.1.pvb"
	expect_equal "$rc" 0 "issue $2"
}
# credentials WHERE: how many rows.
credentials() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		"SELECT count(*) FROM device WHERE $1"
}

case_start "nothing is due at first"
for i in 1 2 3; do
	issued tls-client-short "client-0000000$i"
done
issued fresh client-00000004
run "$PROVCTL" -C "$H" issue --template thing --device thing-00000000000b \
	--set lot=LOT1 -o "$T/h.pvb"
expect_equal "$rc" 0 "issue of a host key"
due
expect_equal "$rc" 0 exit
expect_equal "$(wc -c <"$T/out")" 0 "what it said"
expect_equal "$(credentials 1=1)" 5 credentials

case_start "a certificate of hours: when it ends, and nothing to look it up"
issue tls-client-short client-00000001 -o "$T/again.pvb"
json_field certificate "$T/out" >"$T/short.pem"
openssl x509 -in "$T/short.pem" -noout -text >"$T/text"
grep -q "2.5.29.56\|noRevAvail\|No Revocation" "$T/text" ||
	fail "no noRevAvail"
grep -q "CRL Distribution" "$T/text" && fail "a CRL is named"
openssl x509 -in "$T/short.pem" -noout -checkend $((day - 60)) >/dev/null ||
	fail "it ends too early"
openssl x509 -in "$T/short.pem" -noout -checkend $((day + 60)) >/dev/null &&
	fail "it ends too late"

case_start "within the window all of them are renewed"
clock_set $((17 * hour))
due --out "$T/due"
expect_equal "$rc" 0 exit
expect_equal "$(jq -r '.device + " " + .status' "$T/due/results.jsonl" |
	sort | tr '\n' ' ')" "client-00000001 issued client-00000002 issued \
client-00000003 issued " "what was renewed"
expect_equal "$(credentials 'replaces IS NOT NULL')" 3 "renewals"

case_start "and not once more"
due
expect_equal "$rc $(wc -c <"$T/out")" "0 0" exit
expect_equal "$(credentials 'replaces IS NOT NULL')" 3 "renewals"

case_start "the receipt revokes the old one, and no list names it"
run "$PROVDEV" open "$T/dev/client-00000001" \
	"$T/due/bundles/client-00000001.operational.pvb" --bundle-key \
	"$T/bundle.pem"
expect_equal "$rc" 0 "provdev open"
run "$PROVCTL" -C "$H" attest receipt "$T/dev/client-00000001/receipt.cose"
expect_equal "$rc $(json_field superseded "$T/out")" "0 1" receipt
expect_equal "$("$builddir/tests/cli/sql" "$H/store.db" \
	"SELECT count(*) || ' ' || coalesce(max(ca), 0) FROM revocation")" \
	"1 0" "revocations, and of which CA's lists"
p audit show --device client-00000001 | grep -q cert.revoke ||
	fail "the log does not have it"

case_start "one whose receipt never came is renewed again in its turn"
clock_set $((34 * hour))
due
expect_equal "$rc" 0 exit
expect_equal "$(jq -r .status "$T/out" | sort | uniq -c | tr -s ' ')" \
	" 3 issued" statuses

case_start "what needs a CSR is listed, what we make ourselves is made"
clock_set $((6 * day))
due
expect_equal "$rc" 0 exit
expect_equal "$(jq -r 'select(.status == "waiting") | .device + " " +
	.error.rule' "$T/out")" "client-00000004 rotate.csr" waiting
expect_equal "$(jq -r 'select(.device == "thing-00000000000b") | .status' \
	"$T/out")" issued "the host key's"
expect_text "1 waiting"

case_start "what was taken back is due again"
"$PROVCTL" -C "$H" rotate device thing-00000000000b --rollback \
	--not-installed >/dev/null ||
	fail rollback
due
expect_equal "$(jq -r 'select(.device == "thing-00000000000b") | .status' \
	"$T/out")" issued "the host key's"

case_start "a revocation that no list tells of is said to be one"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason keyCompromise
expect_text "are short-lived and on no list"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason keyCompromise
grep -q "on no list" "$T/err" && fail "nothing has changed"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000004 \
	--reason keyCompromise
grep -q "on no list" "$T/err" && fail "it is on one"
expect_exit 0 "$PROVCTL" -C "$H" status

case_start "log and store agree"
expect_equal "$(credentials "device = 'thing-00000000000b'")" 3 credentials
verify_audit

case_start "held, revoked and retired, the list of ends still agrees"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason certificateHold
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason removeFromCRL
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason superseded
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" revoke --device thing-00000000000b \
	--reason superseded --retire
verify_audit
due
verify_audit

case_start "a list of ends that somebody edited is found"
base=$H
sql_number() {
	"$builddir/tests/cli/sql" "$H/store.db" "SELECT number FROM device
		WHERE device = '$1' ORDER BY intent_index" | tail -n 1
}
client=$(sql_number client-00000001)
revoked=$(sql_number client-00000003)
for edit in "DELETE FROM ending WHERE number = $client" \
	"UPDATE ending SET end_s = end_s + 86400 WHERE number = $client" \
	"UPDATE ending SET end_s = 1 WHERE number = $client" \
	"INSERT INTO ending SELECT end_s + 1, number FROM ending
		WHERE number = $client" \
	"INSERT INTO ending VALUES (7, $revoked)"; do
	rm -rf "$T/edited"
	H=$base
	copy_authority "$T/edited"
	"$builddir/tests/cli/sql" "$H/store.db" "$edit" || fail "sql: $edit"
	expect_exit 5 "$PROVCTL" -C "$H" --json audit verify
	expect_text audit.ending
done

case_start "a template that somebody edited rotates nothing"
rm -rf "$T/edited"
H=$base
copy_authority "$T/edited"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE template SET bytes =
	cast(replace(cast(bytes AS TEXT), 'renew_before', 'renew_befora') AS BLOB)
	WHERE instr(cast(bytes AS TEXT), 'renew_before') > 0" || fail sql
expect_error 5 '' -C "$H" rotate due
expect_error 5 '' -C "$H" rotate device client-00000001
H=$base
verify_audit
tests_end
