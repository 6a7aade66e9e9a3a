#!/bin/sh
# What a YubiHSM 2 says of a CA's key, by certificates that OpenSSL makes: no
# real device's were at hand.
. "$(dirname "$0")/../lib.sh"

new_authority
cd "$T" || exit 2
arc=1.3.6.1.4.1.41482.4
# certify NAME ISSUER SUBJECT EXTENSION...: NAME.key and NAME.pem; of a key of
# ours NAME.pub is there before.
certify() {
	certify_name=$1
	certify_issuer=$2
	certify_subject=$3
	shift 3
	printf '%s\n' "$@" >"$certify_name.ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$certify_name.key" -subj "/CN=$certify_subject" \
		-out "$certify_name.csr" 2>/dev/null
	set --
	[ ! -f "$certify_name.pub" ] || set -- -force_pubkey "$certify_name.pub"
	if [ "$certify_issuer" = "$certify_name" ]; then
		openssl x509 -req -in "$certify_name.csr" -days 30 \
			-signkey "$certify_name.key" -out "$certify_name.pem" \
			-extfile "$certify_name.ext" 2>/dev/null
	else
		openssl x509 -req -in "$certify_name.csr" -days 30 "$@" \
			-CA "$certify_issuer.pem" -CAkey "$certify_issuer.key" \
			-CAcreateserial -out "$certify_name.pem" \
			-extfile "$certify_name.ext" 2>/dev/null
	fi || fail "openssl: $certify_name"
}

# attested NAME ORIGIN CAPABILITIES: NAME.pem for NAME.pub, by the device.
attested() {
	certify "$1" device "YubiHSM Attestation id:0x0abc" \
		"$arc.1 = DER:0403020401" "$arc.2 = DER:0204020bd9fd" \
		"$arc.3 = DER:030200$2" "$arc.4 = DER:0303000001" \
		"$arc.5 = DER:030900$3" "$arc.6 = DER:02020abc" \
		"$arc.9 = DER:0c0b61636d652f726f6f742f31"
}

certify root root "YubiHSM Root" "basicConstraints = critical,CA:TRUE"
certify sub root "YubiHSM Sub CA" "basicConstraints = critical,CA:TRUE"
certify device sub "YubiHSM Attestation (34331133)" \
	"basicConstraints = critical,CA:TRUE" \
	"$arc.1 = DER:0403020401" "$arc.2 = DER:0204020bd9fd"
p export key --purpose issuing-1 >good.pub
for name in imported loose cut; do
	cp good.pub $name.pub
done
attested good 01 0000000000000080
attested imported 02 0000000000000080
attested loose 01 0000000000010080

key() { # CERT OPTION...
	key_cert=$1
	shift
	expect_error "$key_code" "$key_rule" -C "$H" attest key --format yubihsm \
		--trust root.pem "$@" "$key_cert" device.pem sub.pem
}

case_start "a key that was made in the HSM and stays there"
expect_exit 0 "$PROVCTL" -C "$H" attest key --format yubihsm \
	--trust root.pem --ca issuing-1 good.pem device.pem sub.pem
expect_text "cannot leave it"
expect_text 34331133
expect_text "sha256:$(openssl x509 -in root.pem -outform DER | sha256sum |
	cut -d ' ' -f 1)"
expect_exit 0 "$PROVCTL" -C "$H" --json attest key --format yubihsm \
	--trust sub.pem --trust root.pem --ca issuing-1 --generation 1 \
	good.pem device.pem
expect_equal "$(jq -c '[.serial, .firmware, .object, .label, .origin]' \
	"$T/out")" '[34331133,"2.4.1",2748,"acme/root/1","generated"]' "what it is"
# Of those that were given the one that the chain leads to.
expect_equal "$(json_field trust_sha256 "$T/out")" \
	"$(cert_sha256 sub.pem)" "whom it trusts"

case_start "without an authority, by the key in a file, DER as well as PEM"
openssl x509 -in good.pem -outform DER -out good.der
expect_exit 0 "$PROVCTL" -C "$T/nowhere" attest key --format yubihsm \
	--trust root.pem --spki good.pub good.der device.pem sub.pem

case_start "imported, exportable, another key's: denied with its rule"
key_code=4 key_rule=hsmkey.imported
key imported.pem --ca issuing-1
key_rule=hsmkey.exportable
key loose.pem --ca issuing-1
key_rule=hsmkey.spki
key good.pem --ca root

case_start "no chain to the root, and what is no attestation"
key_code=5 key_rule=hsmkey.chain
expect_error 5 hsmkey.chain -C "$H" attest key --format yubihsm \
	--trust root.pem --ca issuing-1 good.pem device.pem
certify other other "YubiHSM Root" "basicConstraints = critical,CA:TRUE"
expect_error 5 hsmkey.chain -C "$H" attest key --format yubihsm \
	--trust other.pem --ca issuing-1 good.pem device.pem sub.pem
cp good.der flipped.der
flip flipped.der $(($(wc -c <flipped.der) - 3))
key flipped.der --ca issuing-1
certify cut device "YubiHSM Attestation id:0x0abc" "$arc.3 = DER:03020001"
key_code=3 key_rule=hsmkey.firmware
key cut.pem --ca issuing-1
key_rule=hsmkey.form
key good.pub --ca issuing-1
key_code=10 key_rule=authority.key
key good.pem --ca nobody

case_start "usage"
key_code=2 key_rule=usage.option
key good.pem
key good.pem --ca issuing-1 --spki good.pub
expect_error 2 usage.option -C "$H" attest key --format nitro \
	--trust root.pem --ca issuing-1 good.pem
expect_error 2 usage.option -C "$H" attest key --format yubihsm \
	--ca issuing-1 good.pem
tests_end
