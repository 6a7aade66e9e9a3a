#!/bin/sh
# rotate ca besides the drill (rollover.sh): a time to take over, intents of
# before, interrupted runs, approvals, rows that were edited.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
SQL=$builddir/tests/cli/sql
day=86400

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}

new_client() {
	new_device tls-client "client-$1"
	issue tls-client "client-$1"
	expect_equal "$rc" 0 "exit of issue $1 ($(cat "$T/err"))"
	json_field certificate "$T/out" >"$T/$1.pem"
}

# by_generation N CERT: the CA's key of that generation signed it.
by_generation() {
	p export chain --ca issuing-1 --generation "$1" >"$T/ca.pem"
	openssl verify -no_check_time -partial_chain -trusted "$T/ca.pem" "$2" \
		>"$T/verified" 2>&1 ||
		fail "not by generation $1: $(cat "$T/verified")"
}

new_authority
module=$(jq -r .module "$H/provctl.json")
cp -a "$H" "$T/fresh"
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "an intent of before keeps its generation"
new_device tls-client client-0000000a
use_module "$builddir/tests/fault/shim.so"
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
issue tls-client client-0000000a
unset FAULT_C_Sign_RV
[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
use_module "$module"

case_start "a time that is over, a year away, or behind the CA's end"
# later SECONDS
later() {
	date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%SZ
}
expect_error 3 rotate.time -C "$H" rotate ca issuing-1 --at "$(later -10)"
expect_error 3 rotate.time -C "$H" rotate ca issuing-1 \
	--at "$(later $((367 * day)))"
expect_error 3 rotate.time -C "$H" rotate ca issuing-1 \
	--at 2036-11-26T23:00:00Z

case_start "issuing moves at its time"
at=$(date -u -d "@$(($(date +%s) + day))" +%Y-%m-%dT%H:%M:%SZ)
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1 --at "$at"
expect_text "issuing moves to it at $at"
new_client 00000001
by_generation 1 "$T/00000001.pem"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "issuing-1 generation 2 from $at"
expect_error 9 rotate.pending -C "$H" rotate ca issuing-1
moved=$(later $((300 * day)))
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1 --at "$moved"
expect_text "issuing moves to it at $moved"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "issuing-1 generation 2 from $moved"
expect_error 3 rotate.time -C "$H" rotate ca issuing-1 \
	--at "$(later $((367 * day)))"
verify_audit
cp -a "$H" "$T/edited"
"$SQL" "$T/edited/store.db" "update ca set active_ms = active_ms - 1000
	where generation = 2" >"$T/out" 2>&1 || fail "sql: $(cat "$T/out")"
expect_exit 5 "$PROVCTL" -C "$T/edited" audit verify
expect_error 5 store.edited -C "$T/edited" export chain --ca issuing-1
rm -rf "$T/edited"
cp -a "$H" "$T/edited"
"$SQL" "$T/edited/store.db" "update ca set active_index = null,
	active_ms = $(date -u -d "$at" +%s)000 where generation = 2" \
	>"$T/out" 2>&1 || fail "sql: $(cat "$T/out")"
expect_error 5 store.edited -C "$T/edited" export chain --ca issuing-1
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1 --at "$at"
expect_text "issuing moves to it at $at"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" export key --purpose issuing-1 --generation 2
verify_audit
clock_set $((day + 60))
new_client 00000002
by_generation 2 "$T/00000002.pem"
issue tls-client client-0000000a
expect_equal "$rc" 0 "exit of the intent of before ($(cat "$T/err"))"
json_field certificate "$T/out" >"$T/a.pem"
by_generation 1 "$T/a.pem"
verify_audit "$T/00000001.pem" "$T/00000002.pem" "$T/a.pem"

case_start "a clock that went back moves nothing back"
clock_set 0
expect_error 4 clock.backwards -C "$H" rotate ca issuing-1
new_device tls-client client-00000003
issue tls-client client-00000003
expect_equal "$rc" 4 "exit of issue"
clock_set $((day + 60))
verify_audit

case_start "one that is withdrawn never issues, and is not given out"
expect_error 9 rotate.pending -C "$H" rotate ca issuing-1 --withdraw
expect_error 2 usage.option -C "$H" rotate ca issuing-1 --withdraw --at "$at"
at=$(later $((3 * day)))
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1 --at "$at"
[ -e "$H/publish/ca/issuing-1-3-by-2.cer" ] || fail "no cross-certificate"
p export chain --ca issuing-1 --all >"$T/all.pem"
expect_equal "$(grep -c BEGIN "$T/all.pem")" 8 "certificates of three"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1 --withdraw
expect_text "issuing-1 generation 3"
expect_text "it is withdrawn: it never issues"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "issuing-1 generation 3 until"
expect_text ": withdrawn"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -c '[.cas[] | select(.withdrawn) |
	[.name, .generation]]' "$T/out")" '[["issuing-1",3]]' "withdrawn"
p export chain --ca issuing-1 --all >"$T/all.pem"
expect_equal "$(grep -c BEGIN "$T/all.pem")" 5 "certificates of two"
expect_exit 0 "$PROVCTL" -C "$H" export chain --ca issuing-1 --all --proof \
	--out "$T/every"
find "$H/publish/ca" "$T/every" -name 'issuing-1-*3*' ! -name \
	issuing-1-3.cer >"$T/left"
expect_equal "$(cat "$T/left")" "" "cross-certificates that are left"
expect_error 9 rotate.pending -C "$H" rotate ca issuing-1 --withdraw
verify_audit
cp -a "$H" "$T/edited2"
"$SQL" "$T/edited2/store.db" "update ca set active_ms = 1000 where
	generation = 3 and name = 'issuing-1'" >"$T/out" 2>&1 ||
	fail "sql: $(cat "$T/out")"
expect_exit 5 "$PROVCTL" -C "$T/edited2" audit verify
expect_error 5 store.edited -C "$T/edited2" export chain --ca issuing-1
# The row of before, whole: the time that was meant, and no move.
rm -rf "$T/edited2"
cp -a "$H" "$T/edited2"
"$SQL" "$T/edited2/store.db" "update ca set active_index = null,
	active_ms = $(date -u -d "$at" +%s)000 where generation = 3 and
	name = 'issuing-1'" >"$T/out" 2>&1 || fail "sql: $(cat "$T/out")"
expect_exit 5 "$PROVCTL" -C "$T/edited2" audit verify
expect_error 5 store.edited -C "$T/edited2" export chain --ca issuing-1 --all
expect_error 5 store.edited -C "$T/edited2" export chain --ca issuing-1
clock_set $((4 * day + 60))
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
new_client 00000013
by_generation 2 "$T/00000013.pem"

case_start "the next rotation has a number of its own, from the key in use"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate ca issuing-1
expect_equal "$(json_field key "$T/out")" acme/issuing-1/4 key
for file in 4 4-by-2 2-by-4; do
	[ -e "$H/publish/ca/issuing-1-$file.cer" ] || fail "no $file.cer"
done
new_client 00000014
by_generation 4 "$T/00000014.pem"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca issuing-1 --generation 3 \
	--reason cessationOfOperation
verify_audit "$T/00000013.pem" "$T/00000014.pem"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile

case_start "a generation that does not count: no cross-certificate of it"
cp -a "$H" "$T/stranger"
jq '.keys["issuing-1"] = {generation: 2, label: "acme/issuing-1/2"}' \
	"$H/provctl.json" >"$T/stranger/provctl.json"
"$SQL" "$T/stranger/store.db" "update own_key set rotate_index = null
	where label = 'acme/issuing-1/4'" >"$T/out" 2>&1 ||
	fail "sql: $(cat "$T/out")"
"$PROVCTL" -C "$T/stranger" export chain --ca issuing-1 --all \
	>"$T/all.pem" 2>"$T/err" || fail "$(cat "$T/err")"
expect_equal "$(grep -c BEGIN "$T/all.pem")" 5 "certificates of two"

case_start "interrupted: the key is taken up, nothing else was there"
LD_PRELOAD=
H=$T/fresh
sed -i "s|$T/acme/|$H/|" "$H/softhsm/softhsm2.conf"
use_module "$builddir/tests/fault/shim.so"
for n in 1 2 3; do
	FAULT_C_Sign_RV=50
	FAULT_C_Sign_FROM=$n
	export FAULT_C_Sign_RV FAULT_C_Sign_FROM
	expect_error 6 '' -C "$H" rotate ca issuing-1
	unset FAULT_C_Sign_RV FAULT_C_Sign_FROM
	expect_equal "$(jq -r '.keys["issuing-1"].generation' \
		"$H/provctl.json")" 1 "generation in use"
	use_module "$module"
	verify_audit
	[ "$(audit_number open_intents)" -gt 0 ] || fail "no open intents"
	use_module "$builddir/tests/fault/shim.so"
done
use_module "$module"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate ca issuing-1
expect_equal "$(json_field key "$T/out")" acme/issuing-1/2 key
verify_audit

case_start "killed at any moment"
i=0
while [ $i -lt 8 ]; do
	i=$((i + 1))
	rm -rf "$T/tokens"
	cp -a "$H/softhsm/tokens" "$T/tokens"
	rm -rf "$T/whole"
	cp -a "$H" "$T/whole"
	before=$(jq -r '.keys["issuing-1"].generation' "$H/provctl.json")
	setsid "$PROVCTL" -C "$H" rotate ca issuing-1 >"$T/out" 2>"$T/err" \
		</dev/null &
	pid=$!
	sleep "0.0$((i * 3 % 10))"
	kill -9 "-$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	# SoftHSM writes a token's file anew in place: a kill may cut it.
	if find "$H/softhsm/tokens" -name token.object -size 0 | grep -q .; then
		rm -rf "$H/softhsm/tokens"
		cp -a "$T/tokens" "$H/softhsm/tokens"
	fi
	verify_audit
	run "$PROVCTL" -C "$H" rotate ca issuing-1
	case $rc in
	0) ;;
	# The token had made a key that the store does not know.
	9)
		expect_text hsm.label-taken
		rm -rf "$H"
		cp -a "$T/whole" "$H"
		continue
		;;
	*) fail "exit $rc after a kill: $(cat "$T/err")" ;;
	esac
	after=$(jq -r '.keys["issuing-1"].generation' "$H/provctl.json")
	[ "$after" -gt "$before" ] || fail "generation $before stayed"
done
verify_audit
new_client 00000009
verify_audit "$T/00000009.pem"

case_start "rows that were edited are found"
for edit in "update ca set active_ms = 5 where generation = 2 and \
		name = 'issuing-1'" \
	"update crosscert set signer = 3 where signer = 2 and subject = 1" \
	"delete from crosscert where subject = 1" \
	"delete from ca where name = 'issuing-1' and generation = 2"; do
	rm -rf "$T/edited"
	cp -a "$H" "$T/edited"
	"$SQL" "$T/edited/store.db" "$edit" >"$T/out" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
	expect_exit 5 "$PROVCTL" -C "$T/edited" audit verify
done

case_start "under a roster it needs its quorum, and says what is decided"
for name in ann bob cat; do
	officer_key "$name"
done
make_roster "$T/r1.json" 1 '"roster": 1, "rotate_ca": 2' \
	ann:security-officer bob:security-officer cat:security-officer
# Under a roster another module has to be accepted.
use_module "$builddir/tests/fault/shim.so"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
by ann rotate ca matter-pai --request "$T/ca.json"
expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
by ann rotate bundle --request "$T/bundle.json"
expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
run "$PROVCTL" -C "$H" rotate kdf --prepare
expect_equal "$rc" 4 "exit of nobody in particular"
approve bob "$T/ca.json"
expect_equal "$rc" 0 "exit of approve ($(cat "$T/err"))"
run "$PROVCTL" approve "$T/ca.json" --as ann --key "$T/keys/ann.key" --yes \
	-o "$T/notes/ann.note"
expect_text "name matter-pai"
expect_text "takes_over at once"
approve cat "$T/ca.json"
by ann rotate ca matter-pai --approval "$T/notes/bob.note"
expect_equal "$rc" 11 "exit with one approval"
by ann rotate ca issuing-1 --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 5 "exit for another CA ($(cat "$T/err"))"
cp "$H/provctl.json" "$T/before.json"
by ann rotate ca matter-pai --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 0 "exit with two ($(cat "$T/err"))"
expect_text "approved by bob,cat"
by ann rotate ca matter-pai --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 4 "exit for used approvals ($(cat "$T/err"))"
verify_audit

case_start "what was cut off behind the record goes on with its approvals"
cp "$H/provctl.json" "$T/after.json"
cp "$T/before.json" "$H/provctl.json"
expect_error 4 config.changed -C "$H" status
by ann rotate ca matter-pai --withdraw
expect_equal "$rc" 9 "exit of --withdraw ($(cat "$T/err"))"
expect_text "cut off before it was given out"
by ann rotate ca matter-pai
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
expect_text "cut off"
same_bytes "$H/provctl.json" "$T/after.json"
expect_exit 0 "$PROVCTL" -C "$H" status
for name in bob cat; do
	approve "$name" "$T/bundle.json"
done
by ann rotate bundle --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 0 "exit of rotate bundle ($(cat "$T/err"))"
cp "$H/provctl.json" "$T/new.json"
cp "$T/after.json" "$H/provctl.json"
by ann rotate bundle
expect_equal "$rc" 0 "exit without approvals ($(cat "$T/err"))"
same_bytes "$H/provctl.json" "$T/new.json"
expect_equal "$(p --json audit show --type key.rotate --key acme/bundle/2 |
	grep -c '"type":"key.rotate"')" 1 "key.rotate entries"
verify_audit

case_start "the same approvals have the same certificates signed, no others"
# intents: of the newest generation, under approvals: how many serials.
intents() {
	p --json audit show --type cert.intent >"$T/story"
	jq -s '[.[] | select(.facts.nonce and .facts.device == "ca/issuing-1")] |
		group_by(.facts.nonce) | map(map(.object) | unique | length)' \
		-c "$T/story"
}
ask() {
	rm -f "$T/again.json"
	by ann rotate ca issuing-1 --request "$T/again.json"
	expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
	approve bob "$T/again.json"
	approve cat "$T/again.json"
}
go() {
	by ann --json rotate ca issuing-1 --approval "$T/notes/bob.note" \
		--approval "$T/notes/cat.note"
}
verify_audit
open=$(audit_number open_intents)
ask
for n in 1 2 3; do
	FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
	FAULT_C_Sign_FROM=$n
	export FAULT_C_Sign_RV FAULT_C_Sign_FROM
	go
	unset FAULT_C_Sign_RV FAULT_C_Sign_FROM
	expect_equal "$rc" 6 "exit without the token ($(cat "$T/err" "$T/out"))"
done
go
expect_equal "$rc" 0 "exit after that ($(cat "$T/err"))"
expect_equal "$(intents)" "[3]" "certificates under the approvals"
verify_audit
expect_equal "$(audit_number open_intents)" "$open" "open intents"

case_start "withdrawn under its quorum, and judged as it was approved"
at=$(date -u -d "@$(($(date +%s) + day))" +%Y-%m-%dT%H:%M:%SZ)
rm -f "$T/again.json"
by ann rotate ca matter-pai --at "$at" --request "$T/again.json"
expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
approve bob "$T/again.json"
approve cat "$T/again.json"
by ann rotate ca matter-pai --at "$at" --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 0 "exit of rotate ca ($(cat "$T/err"))"
rm -f "$T/again.json"
at=$(date -u -d "@$(($(date +%s) + 2 * day))" +%Y-%m-%dT%H:%M:%SZ)
by ann rotate ca matter-pai --at "$at" --request "$T/again.json"
expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
approve bob "$T/again.json"
approve cat "$T/again.json"
by ann rotate ca matter-pai --withdraw --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 5 "exit with approvals of another time ($(cat "$T/err"))"
rm -f "$T/again.json"
by ann rotate ca matter-pai --withdraw --request "$T/again.json"
expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
approve bob "$T/again.json"
expect_text "takes_over never, it is withdrawn"
expect_text "from acme/matter-pai/2"
approve cat "$T/again.json"
by ann rotate ca matter-pai --withdraw --approval "$T/notes/bob.note" \
	--approval "$T/notes/cat.note"
expect_equal "$rc" 0 "exit of --withdraw ($(cat "$T/err"))"
expect_text "approved by bob,cat"
verify_audit

case_start "two runs with the same approvals: one certificate"
ask
(
	FAULT_C_Sign_WAIT=$T/go
	export FAULT_C_Sign_WAIT
	"$PROVCTL" -C "$H" --as ann --key "$T/keys/ann.key" rotate ca issuing-1 \
		--approval "$T/notes/bob.note" --approval "$T/notes/cat.note" \
		>"$T/first" 2>&1 </dev/null
	echo $? >"$T/first.rc"
) &
until [ -e "$T/go.here" ] || [ -e "$T/first.rc" ]; do
	sleep 0.02
done
go
expect_equal "$rc" 0 "exit of the second ($(cat "$T/err"))"
: >"$T/go"
wait
[ "$(cat "$T/first.rc")" -ne 0 ] || fail "both made one: $(cat "$T/first")"
expect_equal "$(intents)" "[3,3]" "certificates under the approvals"
verify_audit
expect_equal "$(audit_number open_intents)" "$open" "open intents"

tests_end
