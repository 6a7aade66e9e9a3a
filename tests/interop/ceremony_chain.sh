#!/bin/sh
# Devices of an issuing authority whose CA an offline root signed, over an air
# gap: their chains, and the root's list, by OpenSSL, GnuTLS, NSS and Go. A tool
# that is not there is skipped.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"

case_start "two ceremonies, two devices"
rehearse_both
mkdir "$T/media"
new_side issuing
new_side root
side_ends 10 media.file run issuing
side_ends 0 '' run root
side_ends 0 '' resume issuing
H=$I
SOFTHSM2_CONF=$T/issuing.conf
export SOFTHSM2_CONF
for n in 1 2; do
	new_device tls-client "client-0000000$n"
	issue tls-client "client-0000000$n" -o "$T/$n.pvb"
	expect_equal "$rc" 0 "exit of issue $n ($(cat "$T/err"))"
	json_field certificate "$T/out" >"$T/$n.pem"
done
root=$T/media/acme-root/root.pem
issuing=$T/media/acme-root/issuing-1.pem
list=$T/media/acme-root/root.crl
openssl crl -inform DER -in "$list" -out "$T/list.pem"
# The same name and another key: not what was signed by it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8 \
	-keyout "$T/other.key" -subj "/O=acme-root/CN=Root CA" -days 30 \
	-out "$T/other.pem" >/dev/null 2>&1

case_start "OpenSSL"
for n in 1 2; do
	openssl verify -x509_strict -purpose sslclient -CAfile "$root" \
		-untrusted "$issuing" "$T/$n.pem" >"$T/out" 2>&1 ||
		fail "device $n: $(cat "$T/out")"
done
openssl verify -crl_check -CAfile "$root" -CRLfile "$T/list.pem" "$issuing" \
	>"$T/out" 2>&1 || fail "the issuing CA by the list: $(cat "$T/out")"
if openssl verify -CAfile "$T/other.pem" -untrusted "$issuing" "$T/1.pem" \
	>"$T/out" 2>&1; then
	fail "another root is taken"
fi

case_start "GnuTLS"
if command -v certtool >/dev/null; then
	for n in 1 2; do
		cat "$T/$n.pem" "$issuing" >"$T/bundle"
		certtool --verify --verify-profile low --verify-purpose \
			1.3.6.1.5.5.7.3.2 --load-ca-certificate "$root" \
			--load-crl "$T/list.pem" --infile "$T/bundle" \
			>"$T/out" 2>&1 || fail "device $n: $(cat "$T/out")"
	done
	if certtool --verify --load-ca-certificate "$T/other.pem" \
		--infile "$T/bundle" >"$T/out" 2>&1; then
		fail "another root is taken"
	fi
else
	skip_case "no certtool"
fi

case_start "NSS"
if command -v certutil >/dev/null && command -v crlutil >/dev/null; then
	mkdir "$T/nss"
	certutil -N -d "sql:$T/nss" --empty-password
	certutil -A -d "sql:$T/nss" -n root -t CT,C,C -a -i "$root"
	certutil -A -d "sql:$T/nss" -n issuing -t ,, -a -i "$issuing"
	crlutil -I -i "$list" -d "sql:$T/nss" >"$T/out" 2>&1 ||
		fail "list: $(cat "$T/out")"
	for n in 1 2; do
		certutil -A -d "sql:$T/nss" -n "device-$n" -t ,, -a \
			-i "$T/$n.pem"
		certutil -V -d "sql:$T/nss" -n "device-$n" -u C -e \
			>"$T/out" 2>&1 || fail "device $n: $(cat "$T/out")"
	done
	certutil -D -d "sql:$T/nss" -n root
	if certutil -V -d "sql:$T/nss" -n device-1 -u C -e >"$T/out" 2>&1; then
		fail "without the root it is taken"
	fi
else
	skip_case "no certutil"
fi

case_start "Go"
if command -v go >/dev/null; then
	GO111MODULE=off GOCACHE=$T/cache GOFLAGS='' go build \
		-o "$T/verify_chain" "$srcdir/tests/interop/verify_chain.go" ||
		fail "go build"
	"$T/verify_chain" "$root" "$list" "$issuing" "$T/1.pem" "$T/2.pem" \
		>"$T/out" 2>&1 || fail "$(cat "$T/out")"
	expect_text "verified 2"
	if "$T/verify_chain" "$T/other.pem" "$list" "$issuing" "$T/1.pem" \
		>"$T/out" 2>&1; then
		fail "another root is taken"
	fi
else
	skip_case "no go"
fi

tests_end
