#!/bin/sh
# Certificates of every template that has one: openssl verify and certtool
# --verify take them, and their decoded fields are those of the profiles that
# relying parties ask for. A line of the table: template, what, expected; read
# with openssl, not with our code.
. "$(dirname "$0")/../lib.sh"

new_authority

id_of() {
	case $1 in
	tls-client) echo client-0000000a ;;
	azure-dps) echo dps.dev-1:a ;;
	ieee-802.1ar-idevid) echo SN2634ABC123 ;;
	matter-dac) echo MT-FFF1-8000-00C0FFEE ;;
	aws-iot) echo thing-00000000000a ;;
	esac
}

ca_of() {
	case $1 in
	matter-dac) echo matter-pai ;;
	*) echo issuing-1 ;;
	esac
}

ext() {
	openssl x509 -in "$1" -noout -ext "$2" 2>/dev/null | tr '\n' ' ' |
		tr -s ' ' | sed 's/ *$//'
}

# A decoded field of a certificate, as one line.
decoded() {
	case $2 in
	version | key | signature | curve)
		openssl x509 -in "$1" -noout -text >"$T/text"
		case $2 in
		version) sed -n 's/^ *Version: *\([0-9]*\).*/\1/p' "$T/text" ;;
		curve) sed -n 's/^ *ASN1 OID: *//p' "$T/text" ;;
		key) sed -n 's/^ *Public Key Algorithm: *//p' "$T/text" ;;
		signature) sed -n 's/^ *Signature Algorithm: *//p' "$T/text" |
			sort -u ;;
		esac
		;;
	subject | issuer)
		openssl x509 -in "$1" -noout "-$2" \
			-nameopt RFC2253,-dn_rev | sed 's/^[a-z]*=//'
		;;
	notAfter)
		openssl asn1parse -in "$1" -i | sed -n \
			's/.*\(UTCTIME\|GENERALIZEDTIME\) *:\(.*\)/\1 \2/p' |
			sed -n '2{s/\(UTCTIME\) .*/\1/;p}'
		;;
	basic) ext "$1" basicConstraints ;;
	usage) ext "$1" keyUsage ;;
	eku) ext "$1" extendedKeyUsage ;;
	san) ext "$1" subjectAltName ;;
	ski | aki)
		case $2 in
		ski) ext "$1" subjectKeyIdentifier ;;
		aki) ext "$1" authorityKeyIdentifier ;;
		esac | sed 's/: .*/:/; s/ [0-9A-F:]*$//'
		;;
	extensions)
		openssl x509 -in "$1" -noout -text | sed -n \
			's/^ \{12\}\(X509v3 [^:]*\): *\(critical\)\{0,1\}.*/\1/p' |
			sed 's/^X509v3 //' | tr '\n' ',' | sed 's/,$//'
		;;
	hwtype) # HardwareModuleName: type-id 1.3.6.1.5.5.7.8.4, {hwType, serial}
		openssl x509 -in "$1" -outform DER | od -An -v -tx1 |
			tr -d ' \n' | grep -o '06082b06010505070804a0.*' |
			cut -c 1-80
		;;
	vidpid) # the two UTF8Strings after their OIDs, as hex
		openssl x509 -in "$1" -outform DER | od -An -v -tx1 |
			tr -d ' \n' | grep -o \
			'060a2b0601040182a27c020[12]0c04[0-9a-f]\{8\}' |
			cut -c 1-36 | tail -n 2 | tr '\n' ' ' | sed 's/ $//'
		;;
	esac
}

table() {
	cat <<-'END'
		tls-client|version|3
		tls-client|key|id-ecPublicKey
		tls-client|curve|prime256v1
		tls-client|signature|ecdsa-with-SHA256
		tls-client|subject|O=acme,CN=client-0000000a
		tls-client|issuer|O=acme,CN=Issuing CA 1
		tls-client|notAfter|UTCTIME
		tls-client|basic|X509v3 Basic Constraints: critical CA:FALSE
		tls-client|usage|X509v3 Key Usage: critical Digital Signature
		tls-client|eku|X509v3 Extended Key Usage: TLS Web Client Authentication
		tls-client|san|X509v3 Subject Alternative Name: DNS:client-0000000a.devices.example.com
		tls-client|ski|X509v3 Subject Key Identifier:
		tls-client|aki|X509v3 Authority Key Identifier:
		azure-dps|version|3
		azure-dps|curve|prime256v1
		azure-dps|signature|ecdsa-with-SHA256
		azure-dps|subject|CN=dps.dev-1:a
		azure-dps|issuer|O=acme,CN=Issuing CA 1
		azure-dps|notAfter|UTCTIME
		azure-dps|basic|X509v3 Basic Constraints: critical CA:FALSE
		azure-dps|usage|X509v3 Key Usage: critical Digital Signature, Key Agreement
		azure-dps|eku|X509v3 Extended Key Usage: TLS Web Client Authentication
		azure-dps|ski|X509v3 Subject Key Identifier:
		azure-dps|aki|X509v3 Authority Key Identifier:
		ieee-802.1ar-idevid|version|3
		ieee-802.1ar-idevid|curve|prime256v1
		ieee-802.1ar-idevid|signature|ecdsa-with-SHA256
		ieee-802.1ar-idevid|subject|O=acme,serialNumber=SN2634ABC123
		ieee-802.1ar-idevid|issuer|O=acme,CN=Issuing CA 1
		ieee-802.1ar-idevid|notAfter|GENERALIZEDTIME 99991231235959Z
		ieee-802.1ar-idevid|basic|X509v3 Basic Constraints: critical CA:FALSE
		ieee-802.1ar-idevid|usage|X509v3 Key Usage: critical Digital Signature
		ieee-802.1ar-idevid|eku|
		ieee-802.1ar-idevid|ski|
		ieee-802.1ar-idevid|aki|X509v3 Authority Key Identifier:
		ieee-802.1ar-idevid|hwtype|06082b06010505070804a01c301a060a2b0601040181fd590101040c534e32363334414243313233
		matter-dac|version|3
		matter-dac|curve|prime256v1
		matter-dac|signature|ecdsa-with-SHA256
		matter-dac|vidpid|060a2b0601040182a27c02010c0446464631 060a2b0601040182a27c02020c0438303030
		matter-dac|notAfter|GENERALIZEDTIME 99991231235959Z
		matter-dac|basic|X509v3 Basic Constraints: critical CA:FALSE
		matter-dac|usage|X509v3 Key Usage: critical Digital Signature
		matter-dac|eku|
		matter-dac|ski|X509v3 Subject Key Identifier:
		matter-dac|aki|X509v3 Authority Key Identifier:
		matter-dac|extensions|Basic Constraints,Key Usage,Subject Key Identifier,Authority Key Identifier
		aws-iot|version|3
		aws-iot|curve|prime256v1
		aws-iot|signature|ecdsa-with-SHA256
		aws-iot|subject|C=US,ST=Washington,O=acme,OU=gateways,dnQualifier=L042,CN=thing-00000000000a,serialNumber=thing-00000000000a
		aws-iot|issuer|O=acme,CN=Issuing CA 1
		aws-iot|basic|X509v3 Basic Constraints: critical CA:FALSE
		aws-iot|usage|X509v3 Key Usage: critical Digital Signature
		aws-iot|eku|X509v3 Extended Key Usage: TLS Web Client Authentication
		aws-iot|ski|X509v3 Subject Key Identifier:
		aws-iot|aki|X509v3 Authority Key Identifier:
		root|subject|O=acme,CN=Root CA
		root|issuer|O=acme,CN=Root CA
		root|basic|X509v3 Basic Constraints: critical CA:TRUE
		root|usage|X509v3 Key Usage: critical Certificate Sign, CRL Sign
		issuing-1|issuer|O=acme,CN=Root CA
		issuing-1|basic|X509v3 Basic Constraints: critical CA:TRUE, pathlen:0
		issuing-1|usage|X509v3 Key Usage: critical Digital Signature, Certificate Sign, CRL Sign
		issuing-1|aki|X509v3 Authority Key Identifier:
		matter-paa|basic|X509v3 Basic Constraints: critical CA:TRUE, pathlen:1
		matter-paa|usage|X509v3 Key Usage: critical Certificate Sign, CRL Sign
		matter-pai|basic|X509v3 Basic Constraints: critical CA:TRUE, pathlen:0
		matter-pai|usage|X509v3 Key Usage: critical Certificate Sign, CRL Sign
		matter-pai|aki|X509v3 Authority Key Identifier:
		matter-pai|ski|X509v3 Subject Key Identifier:
	END
}

check_table() {
	table | grep "^$1|" >"$T/rows"
	while IFS='|' read -r name what want; do
		got=$(decoded "$2" "$what")
		expect_equal "$got" "$want" "$name: $what"
	done <"$T/rows"
}

# RFC 5280: positive, at most 20 octets, ours with 12 random ones at least.
check_serial() {
	serial=$(openssl x509 -in "$1" -noout -serial | sed 's/.*=//')
	n=$((${#serial} / 2))
	[ "$n" -ge 16 ] && [ "$n" -le 20 ] || fail "serial of $n octets"
	case $serial in
	[89A-F]*) fail "a negative serial" ;;
	esac
}

for ca in root issuing-1 matter-paa matter-pai; do
	case_start "CA $ca"
	p export chain --ca "$ca" >"$T/chain.pem"
	openssl x509 -in "$T/chain.pem" -out "$T/ca.pem"
	check_table "$ca" "$T/ca.pem"
	check_serial "$T/ca.pem"
done

for template in tls-client azure-dps ieee-802.1ar-idevid matter-dac aws-iot; do
	case_start "$template"
	id=$(id_of "$template")
	new_device "$template" "$id"
	case $template in
	matter-dac) issue "$template" "$id" --set discriminator=3840 ;;
	aws-iot) issue "$template" "$id" --set lot=L042 ;;
	*) issue "$template" "$id" ;;
	esac
	expect_equal "$rc" 0 exit
	json_field certificate "$T/out" >"$T/leaf.pem"
	check_table "$template" "$T/leaf.pem"
	check_serial "$T/leaf.pem"
	# The chain's last is the anchor, what stands between is not trusted.
	p export chain --ca "$(ca_of "$template")" >"$T/chain.pem"
	openssl x509 -in "$T/chain.pem" -out "$T/issuer.pem"
	awk '/BEGIN/ { n++ } { part[n] = part[n] $0 "\n" }
		END { printf "%s", part[n] }' "$T/chain.pem" >"$T/root.pem"
	expect_exit 0 openssl verify -x509_strict -CAfile "$T/root.pem" \
		-untrusted "$T/issuer.pem" "$T/leaf.pem"
	cat "$T/leaf.pem" "$T/issuer.pem" >"$T/sent.pem"
	expect_exit 0 certtool --verify --load-ca-certificate "$T/root.pem" \
		--infile "$T/sent.pem"
	# ... and under another root it does not.
	other=matter-paa
	[ "$template" != matter-dac ] || other=root
	p export chain --ca "$other" >"$T/other.pem"
	run openssl verify -CAfile "$T/other.pem" -untrusted "$T/issuer.pem" \
		"$T/leaf.pem"
	[ "$rc" -ne 0 ] || fail "verified under another root"
	verify_audit "$T/leaf.pem"
done

tests_end
