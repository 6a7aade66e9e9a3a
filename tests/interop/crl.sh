#!/bin/sh
# Revocation lists of 1,000 entries and OCSP answers, made by make_crl and read
# by OpenSSL, GnuTLS, NSS and Go: every serial, the number, the signature. A
# tool that is not there is skipped; exit 77 when none is.
#
#     crl.sh [PATH/make_crl]
set -eu

src=$(cd "$(dirname "$0")" && pwd)
make=${1:-${builddir:-.}/tests/interop/make_crl}
entries=1000
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
"$make" "$tmp" "$entries" >"$tmp/out" 2>&1 || { cat "$tmp/out"; exit 1; }
cd "$tmp"
cut -f 1 list.tsv >serials
for name in ca leaf responder; do
	openssl x509 -inform DER -in $name.der -out $name.pem
done
tools=0

bad() {
	echo "not ok - crl: $*"
	[ ! -f out ] || head -n 20 out
	exit 1
}
ok() {
	echo "ok - crl: $*"
	tools=$((tools + 1))
}

openssl crl -inform DER -in list.der -noout -text -CAfile ca.pem >out 2>&1
grep -q "verify OK" out || bad "OpenSSL: signature"
sed -n 's/.*Serial Number: //p' out | cmp -s - serials || bad "OpenSSL: serials"
openssl crl -inform DER -in list.der -noout -crlnumber >out
[ "$((0x$(sed 's/.*0x//' out)))" = "$(cat number)" ] || bad "OpenSSL: number"
# The certificate of an entry is refused, another one is not.
openssl crl -inform DER -in list.der -out list.pem
openssl verify -crl_check -CAfile ca.pem -CRLfile list.pem leaf.pem >out 2>&1 &&
	bad "OpenSSL takes a list whose distribution point the certificate lacks"
grep -q -i -e "crl" out || bad "OpenSSL: $(cat out)"
ok "OpenSSL reads $entries serials, number and signature"

if command -v certtool >/dev/null; then
	certtool --crl-info --inder --infile list.der >out 2>&1
	sed -n 's/.*Serial Number (hex): //p' out | tr a-f A-F | cmp -s - serials ||
		bad "GnuTLS: serials"
	[ "$((0x$(sed -n 's/.*CRL Number (not critical): //p' out)))" = "$(cat number)" ] ||
		bad "GnuTLS: number"
	certtool --verify-crl --inder --infile list.der \
		--load-ca-certificate ca.der >out 2>&1 || bad "GnuTLS: verify"
	grep -q "Verified" out || bad "GnuTLS: signature"
	ok "GnuTLS reads $entries serials, number and signature"
fi

if command -v crlutil >/dev/null && command -v certutil >/dev/null; then
	mkdir db
	certutil -N -d sql:db --empty-password
	certutil -A -d sql:db -n ca -t CT,C,C -i ca.der
	crlutil -I -i whole.der -d sql:db >out 2>&1 || bad "NSS: import"
	crlutil -L -d sql:db -n ca >out 2>&1 || bad "NSS: list"
	# It knows no distribution point of a list, so it gets the whole one.
	perl -ne 'if (/Serial Number:\s*(?:$|(.*))/) { $s = $1 // ""; if ($s eq "") { $s = <>; } $s =~ s/[^0-9a-fA-F]//g; print uc($s), "\n" if length $s == 32 }' \
		out >nss
	cmp -s nss serials || bad "NSS: serials"
	ok "NSS reads $entries serials and takes the signature"
fi

if command -v go >/dev/null; then
	GO111MODULE=off GOCACHE=$tmp/cache GOFLAGS='' \
		go build -o verify_crl "$src/verify_crl.go"
	./verify_crl ca.der list.der >out 2>&1 || bad "Go: verify"
	grep -v '^number' out | cmp -s - list.tsv || bad "Go: entries"
	grep -q "^number $(cat number) " out || bad "Go: number"
	ok "Go reads $entries entries, number and signature"
fi

for answer in good revoked; do
	openssl ocsp -respin $answer.der -CAfile ca.pem -issuer ca.pem \
		-cert leaf.pem >out 2>&1 || bad "openssl ocsp: $answer"
	grep -q "leaf.pem: $answer" out || bad "openssl ocsp: $answer"
	grep -q "Response verify OK" out || bad "openssl ocsp: signature"
done
ok "openssl ocsp takes both answers"

if command -v ocsptool >/dev/null; then
	for answer in good revoked; do
		ocsptool --verify-response --load-response $answer.der \
			--load-trust ca.pem --load-issuer ca.pem >out 2>&1 ||
			bad "ocsptool: $answer"
		grep -q -i "success" out || bad "ocsptool: $answer"
		ocsptool --response-info --load-response $answer.der >out 2>&1
		grep -q "Certificate Status: $answer" out ||
			bad "ocsptool: status $answer"
	done
	ok "GnuTLS ocsptool takes both answers"
fi
[ "$tools" -gt 0 ] || exit 77
