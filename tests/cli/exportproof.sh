#!/bin/sh
# Proofs that a certificate was logged, for whoever has only the certificate,
# the proof and the log's key: verified by a script that shares no code.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose log --vkey >"$T/vkey"
new_device tls-client client-00000001
issue tls-client client-00000001
json_field certificate "$T/out" >"$T/1.pem"
new_device tls-client client-00000002
issue tls-client client-00000002
json_field certificate "$T/out" >"$T/2.pem"
serial=$(json_field serial "$T/out")

# logged PROOF CERT [VKEY]: rc, $T/out, $T/err.
logged() {
	command -v node >/dev/null || {
		skip_case "no node"
		return
	}
	run node "$srcdir/tests/interop/verify_proof.mjs" "$1" "${3:-$T/vkey}" \
		"$2"
	expect_equal "$rc" 0 "exit of the verifier for $1"
}
not_logged() { # WHAT, then as logged()
	what=$1
	shift
	command -v node >/dev/null || return 0
	run node "$srcdir/tests/interop/verify_proof.mjs" "$1" "${3:-$T/vkey}" \
		"$2"
	[ "$rc" -ne 0 ] || fail "verified: $what"
	expect_text "Error: $what"
}

case_start "a device's, by its id and by its serial number"
expect_exit 0 "$PROVCTL" -C "$H" export proof --device client-00000001 \
	-o "$T/1.tlog-proof"
expect_equal "$(head -n 1 "$T/1.tlog-proof")" c2sp.org/tlog-proof@v1 form
expect_equal "$(stat -c %a "$T/1.tlog-proof")" 644 mode
logged "$T/1.tlog-proof" "$T/1.pem"
upper=$(echo "$serial" | tr a-f A-F)
for hex in "$serial" "$upper"; do
	p export proof --serial "$hex" >"$T/2.tlog-proof"
	logged "$T/2.tlog-proof" "$T/2.pem"
done

case_start "the verifier: its usage, and a key without a line's end"
if command -v node >/dev/null; then
	printf %s "$(cat "$T/vkey")" >"$T/bare.vkey"
	logged "$T/1.tlog-proof" "$T/1.pem" "$T/bare.vkey"
	expect_exit 2 node "$srcdir/tests/interop/verify_proof.mjs"
	expect_text "usage: node verify_proof.mjs PROOF VKEY CERT"
else
	skip_case "no node"
fi

case_start "it is under the last checkpoint; the export itself is logged after it"
cp "$H/checkpoint" "$T/last"
p export proof --serial "$serial" >"$T/2.tlog-proof"
sed '1,/^$/d' "$T/2.tlog-proof" >"$T/note"
same_bytes "$T/note" "$T/last"
[ "$(sed -n 2p "$H/checkpoint")" -gt "$(sed -n 2p "$T/last")" ] ||
	fail "no checkpoint covers the export"
p audit show --serial "$serial" >"$T/out" 2>"$T/err"
expect_text proof

case_start "another certificate's, another log's and a changed one prove nothing"
not_logged certificate "$T/1.tlog-proof" "$T/2.pem"
mine=$H
new_authority "$T/twin"
p export key --purpose log --vkey >"$T/twin.vkey"
H=$mine
not_logged signature "$T/1.tlog-proof" "$T/1.pem" "$T/twin.vkey"
sed 's/^index .*/index 3/' "$T/1.tlog-proof" >"$T/bad"
not_logged root "$T/bad" "$T/1.pem"
sed "s|^extra .*|$(sed -n 2p "$T/2.tlog-proof")|" "$T/1.tlog-proof" >"$T/bad"
not_logged root "$T/bad" "$T/2.pem"
sed '/^index /a AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' "$T/1.tlog-proof" \
	>"$T/bad"
not_logged length "$T/bad" "$T/1.pem"
sed '4d' "$T/1.tlog-proof" >"$T/bad"
not_logged root "$T/bad" "$T/1.pem"
sed 's/^acme$/acmf/' "$T/1.tlog-proof" >"$T/bad"
not_logged signature "$T/bad" "$T/1.pem"

case_start "a chain: each CA's certificate with its proof"
expect_exit 0 "$PROVCTL" -C "$H" export chain --ca issuing-1 --proof \
	--out "$T/chain"
expect_equal "$(find "$T/chain" -type f | wc -l)" 4 files
for ca in issuing-1 root; do
	logged "$T/chain/$ca.tlog-proof" "$T/chain/$ca.pem"
done
p export chain --ca issuing-1 >"$T/chain.pem"
cat "$T/chain/issuing-1.pem" "$T/chain/root.pem" >"$T/both"
same_bytes "$T/both" "$T/chain.pem"
expect_exit 0 "$PROVCTL" -C "$H" export chain --proof --out "$T/cas"
expect_equal "$(find "$T/cas" -type f | wc -l)" 8 files
ca=$(openssl x509 -in "$T/chain/root.pem" -noout -serial | sed 's/.*=//')
p export proof --serial "$ca" >"$T/root.tlog-proof"
logged "$T/root.tlog-proof" "$T/chain/root.pem"

case_start "what has no certificate has no proof"
new_device symmetric-sensor S0000000001
issue symmetric-sensor S0000000001
expect_error 10 cert.none -C "$H" export proof --device S0000000001
expect_error 10 device.unknown -C "$H" export proof --device client-00000009
expect_error 10 serial.unknown -C "$H" export proof --serial \
	01000000000000000000000000000000
expect_error 3 serial.form -C "$H" export proof --serial 0x12
expect_error 3 device.id -C "$H" export proof --device ../x
expect_exit 2 "$PROVCTL" -C "$H" export proof
expect_exit 2 "$PROVCTL" -C "$H" export proof --device a --serial b
expect_exit 2 "$PROVCTL" -C "$H" export chain --proof
expect_exit 2 "$PROVCTL" -C "$H" export chain --out "$T/x"
expect_exit 10 "$PROVCTL" -C "$H" export chain --ca none --proof --out "$T/x"
[ ! -d "$T/x" ] || fail "a folder for nothing"

case_start "without a login the last checkpoint is used where it covers it"
sed -i 's|"pin_source": "[^"]*"|"pin_source": "prompt"|' "$H/provctl.json"
p export proof --device client-00000001 >"$T/3.tlog-proof"
logged "$T/3.tlog-proof" "$T/1.pem"

case_start "a row that does not agree with the log is not proved"
"$builddir/tests/cli/sql" "$H/store.db" "update cert set der = (select der
	from cert where number = (select max(number) from cert))" \
	>"$T/sql" 2>&1 || fail "sql: $(cat "$T/sql")"
expect_error 5 store.edited -C "$H" export proof --device client-00000001

case_start "a CA's row whose name is a path: no file is named so"
mkdir -p "$T/edited/x" "$T/edited/.x"
"$builddir/tests/cli/sql" "$H/store.db" \
	"update ca set name='x/stolen' where name='root'" || fail "not edited"
expect_error 5 store.edited -C "$H" export chain --proof --out "$T/edited"
find "$T/edited" -type f >"$T/found"
[ ! -s "$T/found" ] || fail "written: $(cat "$T/found")"

tests_end
