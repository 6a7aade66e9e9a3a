#!/bin/sh
# From a revocation to those who refuse: 50 of 1,000 certificates revoked by
# device, serial, order, list and template; openssl verify -crl_check_all
# refuses exactly those, and OpenSSL, GnuTLS, NSS and Go read the same serials.
#
# DEVICES how many (1000)
. "$(dirname "$0")/../lib.sh"
devices=${DEVICES:-1000}
RUN_S=300

# One list a CA, so that NSS reads it too.
jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
sed 's/"template": "tls-client"/"template": "short"/; s/"days": 365/"days": 2/' \
	"$templates/tls-client.json" >"$T/short.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/short.json"
make_order "$T/lot.json" lot "$srcdir/templates/tls-client.json" 20
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/lot.json"
i=0
while [ "$i" -lt "$devices" ]; do
	id=$(printf 'client-%08x' "$i")
	printf '{"dir":"%s/dev/%s","device":"%s","sealing":true}\n' "$T" "$id" \
		"$id"
	i=$((i + 1))
done >"$T/many"
mkdir -p "$T/dev"
"$PROVDEV" keygen-many "$T/many" >"$T/out" 2>&1 || fail "$(cat "$T/out")"
batch() { # TEMPLATE FROM TO [OPTION]...
	i=$2
	: >"$T/in.jsonl"
	while [ "$i" -lt "$3" ]; do
		request_line "$(printf 'client-%08x' "$i")" >>"$T/in.jsonl"
		i=$((i + 1))
	done
	batch_template=$1
	shift 3
	run "$PROVCTL" -C "$H" issue --template "$batch_template" \
		--from "$T/in.jsonl" --out "$T/o" "$@"
	[ "$rc" -eq 0 ] || fail "issue: $(head -n 3 "$T/err")"
}
batch tls-client 0 20 --order lot
batch short 20 25
batch tls-client 25 "$devices"
p export inventory >"$T/all"
serial_of() {
	jq -r "select(.device == \"$1\").serial" "$T/all"
}

case_start "mixed selectors: 50 revoked, one list each time"
p rotate crl >"$T/out" 2>&1 || fail "$(cat "$T/out")"
expect_exit 0 "$PROVCTL" -C "$H" revoke --order lot --reason keyCompromise \
	--invalidity 2026-01-01T00:00:00Z
expect_text "published: 1 revocation list"
expect_exit 0 "$PROVCTL" -C "$H" revoke --template short \
	--reason cessationOfOperation
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000030 \
	--reason unspecified
expect_exit 0 "$PROVCTL" -C "$H" revoke --serial "$(serial_of client-00000031)" \
	--reason privilegeWithdrawn
i=64
while [ "$i" -lt 87 ]; do
	printf '{"device":"client-%08x"}\n' "$i"
	i=$((i + 1))
done >"$T/list.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" revoke --from "$T/list.jsonl" \
	--reason superseded
p export crl --ca issuing-1 --der >"$T/list.der"
p export crl --ca issuing-1 >"$T/list.pem"
same_bytes "$T/list.der" "$H/publish/crl/issuing-1/0.crl"
p export inventory | jq -r 'select(.state == "revoked").serial' |
	tr a-f A-F | sort >"$T/revoked"
expect_equal "$(wc -l <"$T/revoked")" 50 "revoked in the store"
verify_audit

case_start "OpenSSL, GnuTLS, NSS and Go: the same 50 serials, the CA's signature"
p export chain --ca issuing-1 >"$T/chain.pem"
openssl x509 -in "$T/chain.pem" -out "$T/issuing.pem"
p export chain --ca root >"$T/root.pem"
openssl crl -in "$T/list.pem" -noout -text -CAfile "$T/issuing.pem" \
	>"$T/out" 2>"$T/err"
grep -q "verify OK" "$T/err" "$T/out" || fail "OpenSSL: $(cat "$T/err")"
sed -n 's/.*Serial Number: //p' "$T/out" | sort >"$T/read"
same_bytes "$T/read" "$T/revoked"
if command -v certtool >/dev/null; then
	certtool --crl-info --inder --infile "$T/list.der" 2>&1 |
		sed -n 's/.*Serial Number (hex): //p' | tr a-f A-F | sort >"$T/read"
	same_bytes "$T/read" "$T/revoked"
fi
if command -v crlutil >/dev/null; then
	mkdir "$T/nss"
	certutil -N -d "sql:$T/nss" --empty-password
	certutil -A -d "sql:$T/nss" -n root -t CT,C,C -i "$T/root.pem"
	certutil -A -d "sql:$T/nss" -n ca -t CT,C,C -i "$T/issuing.pem"
	crlutil -I -i "$T/list.der" -d "sql:$T/nss" >"$T/out" 2>&1 ||
		fail "crlutil: $(cat "$T/out")"
	crlutil -L -d "sql:$T/nss" -n ca 2>&1 | perl -ne 'if (/Serial Number:/) {
		$s = <>; $s =~ s/[^0-9a-fA-F]//g; print uc($s), "\n" }' |
		sort >"$T/read"
	same_bytes "$T/read" "$T/revoked"
fi
if command -v go >/dev/null; then
	openssl x509 -in "$T/issuing.pem" -outform DER -out "$T/issuing.der"
	GO111MODULE=off GOCACHE=$T/cache GOFLAGS='' go run \
		"$srcdir/tests/interop/verify_crl.go" "$T/issuing.der" \
		"$T/list.der" >"$T/out" 2>"$T/err" || fail "Go: $(cat "$T/err")"
	grep -v '^number' "$T/out" | cut -f 1 | sort >"$T/read"
	same_bytes "$T/read" "$T/revoked"
fi

case_start "the same as rows, JSON and CSV, of all lists or of one"
p export crl --ca issuing-1 --jsonl >"$T/rows" || fail "export crl --jsonl"
p export inventory --state revoked | jq -r '[.serial, .reason] | join(" ")' |
	sort >"$T/want"
jq -r '[.serial, .reason] | join(" ")' "$T/rows" | sort >"$T/got"
same_bytes "$T/got" "$T/want"
p export crl --ca issuing-1 --csv >"$T/rows.csv"
expect_equal "$(wc -l <"$T/rows.csv")" 51 "CSV lines"
expect_equal "$(head -n 1 "$T/rows.csv")" \
	ca,generation,shard,number,serial,revoked,reason,invalidity names
expect_equal "$(p export crl --ca root --csv | wc -l)" 1 "of nobody: names alone"
shard=$(jq -r .shard "$T/rows" | head -n 1)
p export crl --ca issuing-1 --jsonl --shard "$shard" >"$T/one"
jq -c "select(.shard == $shard)" "$T/rows" >"$T/want"
same_bytes "$T/one" "$T/want"
last=$(jq -r .revoked "$T/rows" | sort | tail -n 1)
p export crl --ca issuing-1 --jsonl --since "$last" >"$T/since"
jq -c "select(.revoked >= \"$last\")" "$T/rows" >"$T/want"
same_bytes "$T/since" "$T/want"
expect_equal "$(p export crl --ca issuing-1 --jsonl --since \
	2099-01-01T00:00:00Z | wc -l)" 0 "since then"
expect_error 2 usage.option -C "$H" export crl --ca issuing-1 --since "$last"
expect_error 2 usage.option -C "$H" export crl --ca issuing-1 --csv --jsonl
expect_error 2 usage.option -C "$H" export crl --ca issuing-1 --csv \
	--since yesterday
expect_error 10 crl.ca -C "$H" export crl --ca issuing-9 --jsonl

case_start "openssl verify -crl_check_all refuses exactly those"
p export crl --ca root >"$T/root.crl"
cat "$T/list.pem" "$T/root.crl" >"$T/crls.pem"
openssl verify -crl_check_all -CAfile "$T/root.pem" -untrusted "$T/issuing.pem" \
	-CRLfile "$T/crls.pem" "$T"/o/certs/*.pem >"$T/out" 2>"$T/err"
expect_equal "$(grep -c ': OK$' "$T/out")" $((devices - 50)) "taken"
expect_equal "$(grep -c 'certificate revoked' "$T/err")" 50 "refused"
sed -n 's|^error .*/certs/\(client-[0-9a-f]*\).pem: verification failed|\1|p' \
	"$T/err" | sort >"$T/refused"
p export inventory | jq -r 'select(.state == "revoked").device' | sort >"$T/want"
same_bytes "$T/refused" "$T/want"

case_start "the inventory by state, template, order and time"
lines() {
	p export inventory "$@" >"$T/out" 2>"$T/err" || fail "$(cat "$T/err")"
	wc -l <"$T/out"
}
expect_equal "$(lines --state revoked)" 50 revoked
expect_equal "$(lines --state issued)" $((devices - 50)) issued
expect_equal "$(lines --template short)" 5 "of a template"
expect_equal "$(lines --order lot --state revoked)" 20 "of an order"
expect_equal "$(jq -r -s '.[0].reason' "$T/out")" keyCompromise reason
lines --since "$(jq -r .revoked "$T/out" | sort | head -n 1)" >"$T/n"
[ "$(cat "$T/n")" -ge 50 ] || fail "since the first revocation: $(cat "$T/n")"
expect_equal "$(lines --since 2099-01-01T00:00:00Z)" 0 "since then"
expect_equal "$(lines --state revoked --csv | cat)" 51 "CSV lines"
expect_exit 2 "$PROVCTL" -C "$H" export inventory --state none
expect_exit 2 "$PROVCTL" -C "$H" export inventory --since yesterday

case_start "a hold and its end: on the list, and off it"
id=client-00000100
expect_exit 0 "$PROVCTL" -C "$H" revoke --device $id --reason certificateHold
p export crl --ca issuing-1 | openssl crl -noout -text >"$T/out"
expect_text "Certificate Hold"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device $id --reason removeFromCRL
p export crl --ca issuing-1 | openssl crl -noout -text >"$T/out"
grep -q "Certificate Hold" "$T/out" && fail "it is still held"
expect_equal "$(grep -c 'Serial Number' "$T/out")" 50 entries
verify_audit

case_start "a token that is away: the revocation stands, the next run publishes"
mv "$H/softhsm/tokens" "$H/softhsm/away"
run "$PROVCTL" -C "$H" revoke --device client-00000101 --reason superseded
[ "$rc" -eq 6 ] || [ "$rc" -eq 7 ] || fail "exit $rc"
expect_text "it is recorded, but what is published is behind"
rm -rf "$H/softhsm/tokens"
mv "$H/softhsm/away" "$H/softhsm/tokens"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
p export crl --ca issuing-1 | openssl crl -noout -text >"$T/out"
expect_text "$(serial_of client-00000101 | tr a-f A-F)"

case_start "an expired certificate stands on one more list and is then left out"
printf '%-32d' 0 >"$T/offset"
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
printf '%-32d' $((3 * 86400)) | dd of="$T/offset" conv=notrunc 2>/dev/null
for n in 51 46; do
	expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
	p export crl --ca issuing-1 | openssl crl -noout -text >"$T/out"
	expect_equal "$(grep -c 'Serial Number' "$T/out")" $n entries
done
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .lists "$T/out")" 0 "lists that are due"
expect_exit 0 "$PROVCTL" -C "$H" audit verify

tests_end
