#!/bin/sh
# What evidence is for: a stage that asks for it is sealed once it was verified,
# for that device, that manifest and that key, once, and soon.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
sql() {
	"$builddir/tests/cli/sql" "$H/store.db" "$@"
}

# shown ID [SEAL.pem]: evidence of the device that is verified now, $T/ID.ev.
shown() {
	"$builddir/tests/cli/evidence" "$H" "$1" ${2:+"$2"} >"$T/$1.ev" \
		2>"$T/err" || fail "evidence of $1: $(cat "$T/err")"
}

# release ID [OPTION...]
release() {
	release_id=$1
	shift
	run "$PROVCTL" -C "$H" attest release --device "$release_id" "$@"
	no_secret "$T/out" "$T/err"
}

released() {
	release "$@"
	expect_equal "$rc" 0 "release of $1 ($(cat "$T/err"))"
}

# refused ID CODE RULE: nothing leaves, and nothing is sealed.
refused() {
	seals=$(entries bundle.seal)
	expect_error "$2" "$3" -C "$H" attest release --device "$1"
	expect_equal "$(entries bundle.seal)" "$seals" "bundles sealed"
}

opens() { # ID FILE
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem" \
		--nonce "$(cat "$T/$1.ev")" --evidence "$T/$1.ev"
	expect_equal "$rc" 0 "provdev open $2 ($(cat "$T/err"))"
}

case_start "bootstrap first, then what evidence is for"
staged staged 1 '{"formats": ["psa"]}'
staged_device staged client-00000001
opened=$T/client-00000001.pvb
run "$PROVDEV" open "$T/dev/client-00000001" "$opened" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "bootstrap ($(cat "$T/err"))"
expect_error 10 bundle.none -C "$H" export bundle \
	--device client-00000001 --stage operational
refused client-00000001 4 release.evidence
shown client-00000001
released client-00000001 -o "$T/1.pvb"
expect_text '"status":"issued"'
opens client-00000001 "$T/1.pvb"
expect_equal "$("$PROVDEV" show "$T/dev/client-00000001" | jq .seq)" 2 seq
expect_equal "$(entries bundle.release)" 1 "bundle.release"
verify_audit

case_start "asked again: the same bundle, byte for byte"
released client-00000001 -o "$T/2.pvb"
expect_text '"status":"existing"'
same_bytes "$T/1.pvb" "$T/2.pvb"
p export bundle --device client-00000001 --stage operational -o "$T/3.pvb"
same_bytes "$T/1.pvb" "$T/3.pvb"
expect_equal "$(entries bundle.release)" 1 "bundle.release"
issue staged client-00000001 -o "$T/4.pvb"
expect_equal "$rc" 0 "issue again"
same_bytes "$opened" "$T/4.pvb"

case_start "the receipt repeats the nonce"
receipt=$T/dev/client-00000001/receipt.cose
cp -a "$T/dev/client-00000001" "$T/dev/other"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$receipt"
expect_text '"stage":"operational"'
shown client-00000001
released client-00000001 -o "$T/5.pvb"
expect_text '"status":"issued"'
run "$PROVDEV" open "$T/dev/other" "$T/5.pvb" --bundle-key "$T/bundle.pem" \
	--nonce "$(tr 0 1 <"$T/client-00000001.ev")" \
	--evidence "$T/client-00000001.ev"
expect_equal "$rc" 0 "provdev open with another nonce ($(cat "$T/err"))"
expect_exit 5 "$PROVCTL" -C "$H" attest receipt "$T/dev/other/receipt.cose"
expect_text receipt.claims
opens client-00000001 "$T/5.pvb"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$receipt"
verify_audit

case_start "evidence is for the manifest in effect"
staged_device staged client-00000002
shown client-00000002
staged staged 2 '{"formats": ["psa"]}'
refused client-00000002 4 release.manifest
verify_audit

case_start "its order binds the first bundle, and no later one"
open_order T-1 "$T/staged.json" 10
issued_under() {
	new_device tls-client "$1"
	issue staged "$1" --order T-1
	expect_equal "$rc" 0 "issue $1 ($(cat "$T/err"))"
	shown "$1"
}
issued_under client-00000003
issued_under client-00000004
staged staged 3 '{"formats": ["psa"]}' # no version of the order's
shown client-00000003
released client-00000003
shown client-00000004
expect_exit 0 "$PROVCTL" -C "$H" order close T-1 -o "$T/note"
refused client-00000004 4 order.closed
shown client-00000003
released client-00000003
expect_text '"status":"issued"'
verify_audit

case_start "a device that is held, revoked or unknown gets nothing"
new_key stranger
for how in certificateHold keyCompromise; do
	shown client-00000002
	expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
		--reason "$how"
	case $how in
	certificateHold) refused client-00000002 4 device.suspended ;;
	*) refused client-00000002 4 device.revoked ;;
	esac
	[ "$how" != certificateHold ] || expect_exit 0 "$PROVCTL" -C "$H" revoke \
		--reason removeFromCRL --device client-00000002
done
expect_error 10 device.unknown -C "$H" attest release --device client-000000ff
refused client-00000002 4 device.revoked
verify_audit

case_start "rows that say something else than the log"
base=$H
first=
# edited SQL WORD...: refused with 5 by what WORD... does, and by an audit;
# $first is done before.
edited() {
	copy_authority "$T/edited"
	sql ${first:+"$first"} "$1" || fail "sql: $1"
	shift
	[ $# -eq 0 ] || expect_error 5 store.edited -C "$H" "$@"
	expect_exit 5 "$PROVCTL" -C "$H" audit verify
	rm -rf "$H"
	H=$base
}
of="device = 'client-00000003'"
shown client-00000003
edited "UPDATE bundle SET evidence = NULL, released_ms = NULL WHERE
	released_ms IS NOT NULL" export bundle --device client-00000003 \
	--stage operational
edited "UPDATE bundle SET released_ms = released_ms + 1 WHERE released_ms
	IS NOT NULL" export bundle --device client-00000003 --stage operational
edited "UPDATE evidence SET release_index = release_index - 1 WHERE
	release_index IS NOT NULL" export bundle --device client-00000003 \
	--stage operational
edited "UPDATE evidence SET verified_ms = verified_ms + 1 WHERE $of" \
	attest release --device client-00000003
edited "UPDATE evidence SET seal = x'00' WHERE $of" \
	attest release --device client-00000003
edited "DELETE FROM evidence WHERE $of"
# Said to be released: it could be for nothing any more.
for entry in "SELECT max(release_index) FROM evidence" "SELECT log_index"; do
	edited "UPDATE evidence SET state = 1, release_index = ($entry)
		WHERE $of AND state = 0"
done
# Set back: what was released would be released once more.
first="DELETE FROM evidence WHERE $of AND state = 0"
edited "UPDATE evidence SET state = 0, release_index = NULL WHERE $of" \
	attest release --device client-00000003
shown client-00000003
released client-00000003

case_start "a crash at each sync: once more, and there is one bundle"
staged_device staged client-00000006
shown client-00000006
cp -a "$H" "$T/before"
at=0
whole=0
while [ "$whole" -eq 0 ] && [ "$at" -lt 40 ]; do
	at=$((at + 1))
	rm -rf "$H"
	cp -a "$T/before" "$H"
	DIE_AT=$at LD_PRELOAD=$builddir/tests/cli/die.so timeout 60 \
		"$PROVCTL" -C "$H" attest release --device client-00000006 \
		>"$T/out" 2>"$T/err" && whole=1
	released client-00000006 -o "$T/k$at.pvb"
	[ "$whole" -eq 0 ] || expect_text '"status":"existing"'
	expect_equal "$(sql "SELECT count(*) FROM bundle b JOIN device d ON
		d.number = b.number WHERE d.device = 'client-00000006' AND
		b.released_ms IS NOT NULL")" 1 "bundles, killed at $at"
	released client-00000006 -o "$T/again.pvb"
	same_bytes "$T/k$at.pvb" "$T/again.pvb"
	verify_audit
	rm -f "$T/again.pvb"
done
[ "$at" -gt 3 ] || fail "only $at moments"
[ "$whole" -eq 1 ] || fail "no run came to its end"
echo "# killed at $at moments"

case_start "two runs at once: one bundle"
staged_device staged client-00000007
shown client-00000007
before=$(entries bundle.release)
"$PROVCTL" -C "$H" attest release --device client-00000007 -o "$T/a.pvb" \
	>"$T/a" 2>&1 &
first=$!
"$PROVCTL" -C "$H" attest release --device client-00000007 -o "$T/b.pvb" \
	>"$T/b" 2>&1 || fail "the one: $(cat "$T/b")"
wait "$first" || fail "the other: $(cat "$T/a")"
same_bytes "$T/a.pvb" "$T/b.pvb"
expect_equal "$(entries bundle.release)" $((before + 1)) "releases"
verify_audit

case_start "evidence that is old is for nothing"
staged_device staged client-00000005
shown client-00000005
echo 299 >"$T/clock"
LD_PRELOAD=$builddir/tests/cli/clock.so
CLOCK_FILE=$T/clock
export LD_PRELOAD CLOCK_FILE
shown client-00000005
echo 599 >"$T/clock"
refused client-00000005 4 release.expired
shown client-00000005
released client-00000005
verify_audit

case_start "a clock that goes back while the bundle is sealed"
sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json"
accept_module
staged_device staged client-00000008
shown client-00000008
before=$(entries bundle.release)
FAULT_C_Sign_WAIT=$T/go "$PROVCTL" -C "$H" attest release \
	--device client-00000008 -o "$T/8.pvb" >"$T/out" 2>"$T/err" &
sealing=$!
echo $sealing >>"$T/pids"
while [ ! -e "$T/go.here" ] && kill -0 $sealing; do
	sleep 0.1
done
echo 0 >"$T/clock"
: >"$T/go"
wait $sealing
expect_equal $? 4 "exit of the release ($(cat "$T/err"))"
expect_text clock.backwards
[ ! -e "$T/8.pvb" ] || fail "a bundle left"
echo 600 >"$T/clock"
expect_equal "$(entries bundle.release)" "$before" "releases"
released client-00000008 -o "$T/8.pvb"
verify_audit
tests_end
