#!/bin/sh
# A CA whose key is revoked: the list of the CA above says so, nothing is issued
# under it any more, its own lists go on, and it can be given a new key.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
SQL=$builddir/tests/cli/sql

new_authority
jq --arg shim "$builddir/tests/fault/shim.so" '.module = $shim' \
	"$H/provctl.json" >"$T/config" && cat "$T/config" >"$H/provctl.json"
accept_module

serial_of_ca() {
	openssl x509 -inform DER -in "$H/publish/ca/$1.cer" -noout -serial |
		sed 's/.*=//' | tr A-F a-f
}

# on_list LIST SERIAL: is it there?
on_list() {
	openssl crl -inform DER -in "$H/publish/crl/$1.crl" -noout -text |
		grep -q -i "Serial Number: 0*$2"
}

case_start "what is not revoked so"
expect_error 4 revoke.root -C "$H" revoke --ca root --reason cACompromise
expect_error 10 store.ca -C "$H" revoke --ca none --reason cACompromise
expect_error 10 chain.generation -C "$H" revoke --ca issuing-1 \
	--generation 2 --reason cACompromise
expect_error 4 revoke.reason -C "$H" revoke --ca issuing-1 \
	--reason certificateHold
expect_error 3 revoke.invalidity -C "$H" revoke --ca issuing-1 \
	--reason cACompromise --invalidity 2999-01-01T00:00:00Z
expect_exit 2 "$PROVCTL" -C "$H" revoke --ca issuing-1 --device d \
	--reason cACompromise
expect_exit 2 "$PROVCTL" -C "$H" revoke --device d --generation 1 \
	--reason superseded
expect_exit 2 "$PROVCTL" -C "$H" revoke --ca issuing-1 --retire \
	--reason cACompromise
for n in 1 2 3; do new_device tls-client client-0000000$n; done
issue tls-client client-00000001
expect_equal "$rc" 0 "issue: $(cat "$T/err")"
cp "$T/out" "$T/first"
jq -r .certificate "$T/first" >"$T/device.pem"
# One that was begun, and not signed.
FAULT_C_Sign_RV=0x30 issue tls-client client-00000002
expect_equal "$rc" 6 "exit without the token"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca issuing-1 --reason cACompromise \
	--dry-run
expect_equal "$(jq -c '[.status, .dry_run, has("revoked")]' "$T/out")" \
	'["revoked",true,false]' "dry run"
expect_exit 0 "$PROVCTL" -C "$H" status
serial=$(serial_of_ca issuing-1-1)
on_list root/0 "$serial" && fail "it is on the list already"

case_start "at a terminal it is shown and asked, and a no revokes nothing"
if command -v expect >/dev/null; then
	printf 'revoke this key for good? [yes/no]\tno\n' >"$T/script"
	expect "$srcdir/tests/cli/room.exp" "$T/script" "$PROVCTL" -C "$H" \
		revoke --ca issuing-1 --reason cACompromise >"$T/out" 2>"$T/err"
	expect_equal "$?" 4 "exit of a no"
	expect_text "CA issuing-1, generation 1, for cACompromise"
	expect_text "certificate $serial, on the list of root, generation 1"
	expect_text "rule: revoke.declined"
	expect_exit 0 "$PROVCTL" -C "$H" status
	sed 's/no$/yes/' "$T/script" >"$T/agreed"
	mine=$H
	copy_authority "$T/asked"
	expect "$srcdir/tests/cli/room.exp" "$T/agreed" "$PROVCTL" \
		-C "$H" revoke --ca issuing-1 --reason cACompromise \
		>"$T/out" 2>"$T/err"
	expect_equal "$?" 0 "exit of a yes"
	H=$mine
	expect_text '"status":"revoked"'
else
	skip_case "no expect for a terminal"
fi
expect_exit 2 "$PROVCTL" -C "$H" revoke --device d --yes --reason superseded

case_start "by its serial: refused, with the way to do it"
expect_error 4 revoke.ca -C "$H" revoke --serial "$serial" \
	--reason superseded
expect_text "--ca NAME"

case_start "a run that goes on ends with it"
mkfifo "$T/in"
"$PROVCTL" -C "$H" issue --template tls-client --stream \
	<"$T/in" >"$T/clients" 2>"$T/clients.err" &
stream=$!
echo "$stream" >>"$T/pids"
exec 5>"$T/in"
answers() {
	for try in $(seq 100); do
		[ "$(wc -l <"$T/clients")" -ge "$1" ] && return
		sleep 0.1
	done
	fail "no answer after $try tries: $(cat "$T/clients.err")"
}
request_line client-00000003 >&5
answers 1
expect_equal "$(jq -r .status "$T/clients")" issued "before"
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca issuing-1 \
	--reason cACompromise --invalidity 2026-01-01T00:00:00Z
cp "$T/out" "$T/revoked"
new_device tls-client client-00000004
request_line client-00000004 >&5
answers 2
expect_equal "$(tail -n 1 "$T/clients" | jq -r '.status, .error.rule' |
	tr '\n' ' ')" "denied ca.revoked " "after"
exec 5>&-
wait "$stream"
expect_equal "$?" 4 "exit of the run"

case_start "the list of the CA above says so, and verifiers go by it"
expect_equal "$(jq -c '[.ca, .generation, .issuer, .status, .reason]' \
	"$T/revoked")" '["issuing-1",1,"root","revoked","cACompromise"]' line
on_list root/0 "$serial" || fail "it is not on the root's list"
p export chain --ca issuing-1 >"$T/chain.pem"
for list in "$H"/publish/crl/root/0.crl "$H"/publish/crl/issuing-1/*.crl; do
	openssl crl -inform DER -in "$list"
done >"$T/lists.pem"
openssl x509 -inform DER -in "$H/publish/ca/root-1.cer" -out "$T/root.pem"
run openssl verify -crl_check_all -extended_crl -CAfile "$T/root.pem" \
	-untrusted "$T/chain.pem" -CRLfile "$T/lists.pem" "$T/device.pem"
[ "$rc" -ne 0 ] || fail "openssl accepts the device"
expect_text "certificate revoked"
verify_audit

case_start "nothing is issued under it, begun or new; what was given stays"
issue tls-client client-00000004
expect_equal "$rc" 4 "exit of a new device"
expect_text ca.revoked
expect_text "rotate ca"
issue tls-client client-00000002
expect_equal "$rc" 4 "exit of the one that was begun"
expect_text ca.revoked
issue tls-client client-00000001
expect_equal "$rc" 0 "exit of a known device"
expect_equal "$(json_field serial "$T/out")" "$(json_field serial "$T/first")" \
	serial
expect_equal "$(json_field status "$T/out")" existing status

case_start "what needs no CA is issued"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --device S0000000009
expect_equal "$rc" 0 "exit without a CA"

case_start "its own lists go on"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason superseded
device=$(json_field serial "$T/first")
shard=$(printf '%d' "0x${device#"${device%?}"}")
on_list "issuing-1/$shard" "$device" || fail "$device is on no list"

case_start "status says so"
run "$PROVCTL" -C "$H" status
expect_equal "$rc" 4 "exit of status"
expect_text ": revoked"
expect_equal "$(p --json status | head -n 1 |
	jq -c '[.cas[] | select(.revoked) | .name]')" '["issuing-1"]' revoked

case_start "twice: nothing happens, and the date stays"
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca issuing-1 --reason superseded
expect_equal "$(jq -c '[.status, .reason, .revoked]' "$T/out")" \
	"$(jq -c '["unchanged", .reason, .revoked]' "$T/revoked")" line

case_start "a database in which it is taken back is found"
base=$H
number=$((0x$(printf '%.8s' "$serial")))
for edit in "delete from revocation where number = $number" \
	"insert into revocation select ca, shard, number + 4096, log_index, \
		reason, revoked_ms, invalidity_s, not_after_s, serial \
		from revocation where number = $number" \
	"update revocation set reason = 4 where number = $number"; do
	rm -rf "$T/edited"
	H=$base
	copy_authority "$T/edited"
	"$SQL" "$H/store.db" "$edit" || fail "sql: $edit"
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit: $edit"
	expect_exit 5 "$PROVCTL" -C "$H" rotate crl --all
done
issue tls-client client-00000004
expect_equal "$rc" 5 "exit of issue under an edited revocation"
H=$base

case_start "a new key: without certificates of or for the revoked one"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
expect_text "over or revoked"
expect_equal "$(find "$H/publish/ca" -name '*-by-*')" "" cross-certificates
issue tls-client client-00000004
expect_equal "$rc" 0 "exit under the new key: $(cat "$T/err")"
issue tls-client client-00000002
expect_equal "$rc" 4 "what was begun under the old key"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit

case_start "of several generations one is named; cross-certificates go with it"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
expect_error 3 revoke.generation -C "$H" revoke --ca issuing-1 \
	--reason superseded
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca issuing-1 --generation 2 \
	--reason keyCompromise
expect_equal "$(jq -r '"\(.issuer)/\(.issuer_generation)"' "$T/out" | sort |
	tr '\n' ' ')" "issuing-1/3 root/1 " issuers
cross=$(jq -r 'select(.issuer == "issuing-1") | .serial' "$T/out")
found=0
for list in "$H"/publish/crl/issuing-1/*.crl; do
	n=$(basename "$list" .crl)
	[ "$n" -ge 32 ] && on_list "issuing-1/$n" "$cross" && found=$n
done
[ "$found" -ge 32 ] || fail "$cross is on no list of generation 3"
issue tls-client client-00000004
expect_equal "$rc" 0 "exit of a known device"
new_device tls-client client-00000005
issue tls-client client-00000005
expect_equal "$rc" 0 "exit under generation 3"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit

case_start "under a roster: as many as for a rotation of the CA"
for name in alice bob carol; do officer_key "$name"; done
make_roster "$T/roster.json" 1 '"roster": 2, "revoke": 1, "rotate_ca": 2' \
	alice:security-officer bob:security-officer carol:auditor
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"
expect_error 11 approval.missing -C "$H" revoke --ca matter-pai \
	--reason keyCompromise --request "$T/ask.json"
approve alice "$T/ask.json"
expect_error 11 approval.missing -C "$H" revoke --ca matter-pai \
	--reason keyCompromise --approval "$T/notes/alice.note" \
	--request "$T/ask.json"
expect_equal "$(p --json status | head -n 1 |
	jq -c '[.cas[] | select(.name == "matter-pai") | .revoked]')" \
	'[false]' "while one agreed"
approve bob "$T/ask.json"
run "$PROVCTL" approve "$T/ask.json" --as bob --key "$T/keys/bob.key" --yes \
	-o "$T/notes/shown.note"
expect_text "revoke keyCompromise"
expect_text "ca matter-pai generation 1"
expect_text "serial $(serial_of_ca matter-pai-1)"
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca matter-pai \
	--reason keyCompromise --approval "$T/notes/alice.note" \
	--approval "$T/notes/bob.note"
expect_text "approved by"
on_list matter-paa/0 "$(serial_of_ca matter-pai-1)" ||
	fail "the PAI is not on the PAA's list"
verify_audit

tests_end
