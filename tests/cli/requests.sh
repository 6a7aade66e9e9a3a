#!/bin/sh
# Bad requests: cases 1 to 9, 16, 17 and 19 to 22 of the list of attacks, with
# their exit codes. After each one log and store agree and no certificate is
# there that should not be.
. "$(dirname "$0")/../lib.sh"

# ---- CSRs by hand ----

# tlv TAG HEX: DER as hex.
tlv() {
	tlv_n=$((${#2} / 2))
	if [ "$tlv_n" -lt 128 ]; then
		printf '%s%02x%s' "$1" "$tlv_n" "$2"
	elif [ "$tlv_n" -lt 256 ]; then
		printf '%s81%02x%s' "$1" "$tlv_n" "$2"
	else
		printf '%s82%04x%s' "$1" "$tlv_n" "$2"
	fi
}

hex_of() {
	od -An -v -tx1 | tr -d ' \n'
}

bytes_of() {
	perl -e 'print pack("H*", <STDIN>)'
}

pem_of() {
	echo "-----BEGIN CERTIFICATE REQUEST-----"
	base64 -w 64
	echo "-----END CERTIFICATE REQUEST-----"
}

# csr_around SPKI-HEX SIGNATURE-ALGORITHM-HEX: a CSR with that key, no
# attributes and a signature that cannot be right.
csr_around() {
	info=$(tlv 30 "0201003000$1a000")
	signature=$(tlv 03 "00$(tlv 30 "020101020101")")
	tlv 30 "$info$2$signature" | bytes_of | pem_of
}

ES256=300a06082a8648ce3d040302
RS256=300d06092a864886f70d01010b0500

# openssl_csr FILE KEY LINE...: a CSR with the extensions named.
openssl_csr() {
	csr_out=$1
	csr_key=$2
	shift 2
	{
		printf '[req]\nprompt=no\ndistinguished_name=dn\n'
		printf 'req_extensions=ext\n[dn]\n[ext]\n'
		printf '%s\n' "$@"
	} >"$T/req.cnf"
	openssl req -new -key "$csr_key" -config "$T/req.cnf" -subj / \
		-out "$csr_out" 2>"$T/err" || fail "openssl req"
}

# Nothing may have been certified by what came before.
nothing_new() {
	expect_equal "$(certificates)" "$issued" "certificates"
}

new_authority
issued=0

case_start "01 same request id, same body"
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit"
cp "$T/out" "$T/first"
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of the second"
expect_equal "$(json_field status "$T/out")" existing "status"
expect_equal "$(json_field certificate "$T/out")" \
	"$(json_field certificate "$T/first")" "certificate"
issue tls-client client-00000001 -o "$T/1b.pvb"
same_bytes "$T/1.pvb" "$T/1b.pvb"
issued=1
nothing_new

case_start "02 same id, other body"
adopt_changed matter-dac matter-roles \
	-e 's|"recipient": "sealing-key"|&, "roles": {"a": ["attestation"], "b": ["attestation", "commissioning", "product"]}|'
new_device matter-dac MT-FFF1-8000-0000000A
issue matter-roles MT-FFF1-8000-0000000A --role a --set discriminator=1
expect_equal "$rc" 0 "exit"
issued=2
issue matter-roles MT-FFF1-8000-0000000A --role b --set discriminator=1
expect_equal "$rc" 9 "exit with another role"
issue matter-roles MT-FFF1-8000-0000000A --role a --set discriminator=2
expect_equal "$rc" 9 "exit with another field"
expect_equal "$(json_field error.name "$T/out")" conflict "error's name"
nothing_new

case_start "03 same device, new key"
cp -a "$T/dev/client-00000001" "$T/dev/kept"
rm -rf "$T/dev/client-00000001"
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 4 "exit"
expect_text "--replace"
expect_equal "$(json_field status "$T/out")" denied "status"
issue tls-client client-00000001 --json
nothing_new

case_start "04 CSR with a bad self-signature"
new_device tls-client client-00000004
openssl req -in "$T/dev/client-00000004/csr.pem" -outform DER |
	hex_of >"$T/csr.hex"
sed 's/..$/00/' "$T/csr.hex" >"$T/csr.bad"
cmp -s "$T/csr.hex" "$T/csr.bad" && sed 's/..$/01/' "$T/csr.hex" >"$T/csr.bad"
bytes_of <"$T/csr.bad" | pem_of >"$T/dev/client-00000004/csr.pem"
issue tls-client client-00000004
expect_equal "$rc" 3 "exit"
cp "$T/dev/kept/csr.pem" "$T/dev/client-00000004/csr.pem"
nothing_new

case_start "05 CSR that asks for CA:TRUE"
new_device tls-client client-00000005
openssl_csr "$T/dev/client-00000005/csr.pem" "$T/dev/client-00000005/key.pem" \
	'basicConstraints=critical,CA:TRUE'
issue tls-client client-00000005
expect_equal "$rc" 4 "exit"
openssl_csr "$T/dev/client-00000005/csr.pem" "$T/dev/client-00000005/key.pem" \
	'keyUsage=critical,keyCertSign'
issue tls-client client-00000005
expect_equal "$rc" 4 "exit for keyCertSign"
nothing_new

case_start "06 CSR with names that the template lacks"
for san in DNS:www.example.com IP:192.0.2.1 email:a@b.example \
	URI:https://example.com; do
	openssl_csr "$T/dev/client-00000005/csr.pem" \
		"$T/dev/client-00000005/key.pem" "subjectAltName=$san"
	issue tls-client client-00000005
	expect_equal "$rc" 4 "exit for $san"
done
nothing_new

case_start "07 markup in a field is a literal or refused"
adopt_changed azure-dps azure-note \
	-e 's|"key": "csr"|"fields": {"note": {"pattern": "[ -~]{1,60}"}}, &|' \
	-e 's|{"CN": "${device.id}"}|{"OU": "${device.note}"}, &|' \
	-e 's|"id_scope"|"note": "${device.note}", &|'
number=0
# shellcheck disable=SC2016  # literals are the point
for note in '${authority.name}' '${device.note}' '${' '","x":"y' '\u0041' \
	'CN=evil,O=a+OU=b' '/CN=evil' '<a>;"#\' ' x ' '%s%n' '$(id)'; do
	number=$((number + 1))
	id=note-$number
	new_device azure-dps "$id"
	issue azure-note "$id" --set "note=$note"
	case $rc in
	3) continue ;;
	0) issued=$((issued + 1)) ;;
	*)
		fail "exit $rc for $note"
		show_output
		;;
	esac
	json_field certificate "$T/out" >"$T/note.pem"
	printf '%s' "$note" >"$T/note"
	openssl x509 -in "$T/note.pem" -outform DER >"$T/note.der"
	grep -q -a -F -f "$T/note" "$T/note.der" ||
		fail "not literal: $note"
	cn=$(openssl x509 -in "$T/note.pem" -noout -subject -nameopt \
		multiline | grep -c -i -E 'commonName|organizationName')
	expect_equal "$cn" 1 "names from $note"
done
nothing_new

case_start "08 NUL, newline and bidi in an id"
new_device tls-client client-00000008
rest=$(request_line client-00000008 | jq -c 'del(.device)')
for id in 'client-0000\u00008' 'client-\n0000008' 'client-\u202e0000008' \
	'client-\u200f0000008' 'client-\u00e90000008' 'client-\u007f' \
	'client 0000008' '' \
	'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; do
	printf '{"device":"%s",%s\n' "$id" "${rest#\{}" >"$T/in.jsonl"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client \
		--from "$T/in.jsonl"
	printf '{"request":"%s","device":"client-00000008",%s\n' "$id" \
		"${rest#\{}" >"$T/in.jsonl"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client \
		--from "$T/in.jsonl"
done
expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client --device \
	"client-
0000008" --csr "$T/dev/client-00000008/csr.pem"
nothing_new

case_start "09 names that are paths"
for id in '../x' '/etc/x' 'a/b' '-x' '.x' '..' '.'; do
	printf '{"device":"%s",%s\n' "$id" "${rest#\{}" >"$T/in.jsonl"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client \
		--from "$T/in.jsonl" --out "$T/out9"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		"--device=$id" --out "$T/out9"
done
mkdir -p "$T/below"
cp "$T/dev/client-00000008/csr.pem" "$T/below/ok.csr"
cp "$T/dev/client-00000008/csr.pem" "$T/above.csr"
ln -s "$T" "$T/below/up"
ln -s ok.csr "$T/below/link.csr"
for path in ../above.csr "$T/above.csr" up/above.csr ./../above.csr \
	below/../../above.csr link.csr -x ''; do
	printf '{"device":"client-00000008","csr_file":"%s"}\n' "$path" \
		>"$T/below/in.jsonl"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client \
		--from "$T/below/in.jsonl"
done
for name in '../tls-client' '/etc/passwd' '-x' '.'; do
	run "$PROVCTL" -C "$H" issue "--template=$name" --device x
	case $rc in
	3 | 10) ;;
	*) fail "exit $rc for template $name" ;;
	esac
done
[ ! -e "$T/x.pem" ] && [ ! -e "$T/x.operational.pvb" ] ||
	fail "a file was written outside"
expect_exit 3 "$PROVCTL" -C "$H" export bundle "--device=../x"
nothing_new

case_start "16 duplicate keys"
printf '{"device":"S0000000016","device":"S0000000017"}\n' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
printf '{"device":"S0000000016","fields":{"a":"1","a":"2"}}\n' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
sed 's|"version": 1,|"version": 1, "version": 2,|' \
	"$srcdir/templates/tls-client.json" >"$T/twice.json"
expect_error 3 '' policy lint "$T/twice.json"
expect_exit 3 "$PROVCTL" -C "$H" issue --template tls-client \
	--device client-00000008 --set a=1 --set a=2 \
	--csr "$T/dev/client-00000008/csr.pem"
printf 'device,device\nS0000000016,S0000000017\n' >"$T/in.csv"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.csv"
nothing_new

case_start "17 JSON 100,000 deep"
perl -e 'print "{\"device\":", "[" x 100000, "]" x 100000, "}\n"' \
	>"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
perl -e 'print "{\"a\":" x 10000, "1", "}" x 10000, "\n"' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
perl -e 'print "{\"template\":", "[" x 100000, "]" x 100000, "}"' \
	>"$T/deep.json"
expect_error 3 '' policy lint "$T/deep.json"
perl -e 'print "{\"device\":\"S0000000016\",\"x\":\"", "a" x 100000, "\"}\n"' \
	>"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
nothing_new

case_start "19 keys that are weak by construction"
adopt_changed tls-client tls-rsa -e 's|"P-256"|"RSA"|' \
	-e 's|"recipient": "sealing-key"|"recipient": "kdf"|'
bad=$srcdir/tests/data/corpora/badkeys
for key in rsa-roca rsa-fermat-pkcs1 rsa-fermat-pkcs8 rsa-e1 rsa-e-larger-n \
	rsa-smallfactors-valid rsa-nprime; do
	spki=$(openssl pkey -pubin -in "$bad/$key.key" -pubout -outform DER \
		2>/dev/null | hex_of)
	if [ -z "$spki" ]; then
		fail "openssl cannot read $key"
		continue
	fi
	csr_around "$spki" "$RS256" >"$T/bad.csr"
	run "$PROVCTL" -C "$H" issue --template tls-rsa \
		--device client-00000019 --csr "$T/bad.csr"
	expect_equal "$rc" 4 "exit for $key ($(cat "$T/err"))"
done
sed -n '/^-----BEGIN/,$p' "$bad/rsa-fermat.csr" >"$T/bad.csr"
run "$PROVCTL" -C "$H" issue --template tls-rsa --device client-00000019 \
	--csr "$T/bad.csr"
expect_equal "$rc" 4 "exit for rsa-fermat.csr"
expect_text key.fermat
nothing_new

case_start "20 points that are none"
gx=6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296
gy=4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5
p256=301306072a8648ce3d020106082a8648ce3d030107
for point in "04${gx}4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f4" \
	00 "03$gx" "06$gx$gy" "04$gx" \
	"04ffffffff00000001000000000000000000000000ffffffffffffffffffffffff$gy"; do
	csr_around "$(tlv 30 "$p256$(tlv 03 "00$point")")" "$ES256" \
		>"$T/bad.csr"
	run "$PROVCTL" -C "$H" issue --template tls-client \
		--device client-00000020 --csr "$T/bad.csr" \
		--seal-key "$T/dev/kept/seal_pub.pem" \
		--seal-key-sig "$T/dev/kept/seal_sig.b64"
	expect_equal "$rc" 4 "exit for $point ($(cat "$T/err"))"
done
# The same as the key to seal to.
new_device tls-client client-00000020
{
	echo "-----BEGIN PUBLIC KEY-----"
	tlv 30 "$p256$(tlv 03 "0000")" | bytes_of | base64 -w 64
	echo "-----END PUBLIC KEY-----"
} >"$T/dev/client-00000020/seal_pub.pem"
issue tls-client client-00000020
expect_equal "$rc" 4 "exit for infinity as sealing key"
nothing_new

case_start "21 a key of the authority as device key"
printf 'cn = "client-00000021"\n' >"$T/gnutls.tmpl"
module=$(sed -n 's/.*"module": "\(.*\)",/\1/p' "$H/provctl.json")
for purpose in root issuing-1 bundle; do
	GNUTLS_PIN=$(cat "$H/softhsm/pin") \
		SOFTHSM2_CONF=$H/softhsm/softhsm2.conf \
		certtool --provider "$module" --generate-request \
		--hash SHA256 --template "$T/gnutls.tmpl" --load-privkey \
		"pkcs11:token=acme;object=acme%2F$purpose%2F1;type=private" \
		--outfile "$T/gnutls.csr" >"$T/err" 2>&1 ||
		fail "certtool: $(tail -n 3 "$T/err")"
	openssl req -in "$T/gnutls.csr" -verify -out "$T/own.csr" \
		>"$T/err" 2>&1 || fail "the CSR of $purpose does not verify"
	openssl req -in "$T/own.csr" -noout -pubkey >"$T/own.pem"
	p export key --purpose "$purpose" >"$T/purpose.pem"
	same_bytes "$T/own.pem" "$T/purpose.pem"
	run "$PROVCTL" -C "$H" issue --template azure-dps \
		--device client-00000021 --csr "$T/own.csr"
	expect_equal "$rc" 4 "exit for $purpose"
	expect_text key.authority
done
nothing_new

case_start "21b one key on two devices"
cp -a "$T/dev/kept" "$T/dev/client-0000021b"
printf 'client-0000021b\n' >"$T/dev/client-0000021b/id"
openssl_csr "$T/dev/client-0000021b/csr.pem" "$T/dev/kept/key.pem"
{
	printf 'provctl/seal-key/v1\0client-0000021b\0'
	openssl pkey -pubin -in "$T/dev/kept/seal_pub.pem" -outform DER
} | openssl dgst -sha256 -sign "$T/dev/kept/key.pem" | base64 -w 0 \
	>"$T/dev/client-0000021b/seal_sig.b64"
issue tls-client client-0000021b
expect_equal "$rc" 4 "exit"
nothing_new

# sign_seal_key DEVICE-ID KEY HASH: anew, for device client-0000021c.
sign_seal_key() {
	dev=$T/dev/client-0000021c
	{
		printf 'provctl/seal-key/v1\0%s\0' "$1"
		openssl pkey -pubin -in "$dev/seal_pub.pem" -outform DER
	} | openssl dgst "-$3" -sign "$dev/$2" | base64 -w 0 \
		>"$dev/seal_sig.b64"
}

case_start "21c sealing keys that the certified key did not vouch for"
new_device tls-client client-0000021c
for how in "client-0000021c key.pem sha384" "client-0000021d key.pem sha256" \
	"client-0000021c seal.pem sha256"; do
	# shellcheck disable=SC2086  # three words
	sign_seal_key $how
	issue tls-client client-0000021c
	expect_equal "$rc" 3 "exit for $how"
	expect_text device.seal_key_sig
done
nothing_new
sign_seal_key client-0000021c key.pem sha256
issue tls-client client-0000021c
expect_equal "$rc" 0 "exit for the right one"
issued=$((issued + 1))

case_start "22 unknown request type"
for type in revoke rotate '' ISSUE; do
	printf '{"type":"%s","device":"S0000000022"}\n' "$type" >"$T/in.jsonl"
	expect_exit 4 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--from "$T/in.jsonl"
done
printf '{"type":"issue","device":"S0000000022","later":1}\n' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
nothing_new

tests_end
