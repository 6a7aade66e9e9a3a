#!/bin/sh
# What a medium may bring that is not what was given: refused with its code, and
# once the right one is there the ceremony goes on.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"

# der_flip FILE LABEL BACK: one bit of the DER in a PEM file, BACK bytes before
# its end, is another.
der_flip() {
	openssl asn1parse -in "$1" -noout -out "$T/der" || fail "no DER in $1"
	flip "$T/der" $(($(wc -c <"$T/der") - $3))
	{
		echo "-----BEGIN $2-----"
		base64 -w 64 "$T/der"
		echo "-----END $2-----"
	} >"$1"
}

# other_csr SUBJECT: of a key that nobody here has.
other_csr() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$T/other.key" -subj "$1" -out "$given/issuing-1.csr" \
		>/dev/null 2>&1 || fail "openssl req"
	resum acme-issuing
}

# as_given SIDE: the medium as that side left it.
as_given() {
	rm -rf "$T/media/acme-$1"
	cp -R "$T/kept-$1" "$T/media/acme-$1"
}

rehearse_both
mkdir "$T/media"
new_side issuing
new_side root
side_ends 10 media.file run issuing
given=$T/media/acme-issuing
cp -R "$given" "$T/kept-issuing"

case_start "a request that is not what SHA256SUMS says"
flip "$given/issuing-1.csr" 60
side_ends 5 media.sums run root
as_given issuing
sed -i 's/^./g/' "$given/SHA256SUMS"
side_ends 5 media.sums resume root
as_given issuing
: >"$given/SHA256SUMS"
side_ends 5 media.sums resume root
rm "$given/SHA256SUMS"
side_ends 10 media.file resume root
as_given issuing

case_start "a request with one bit flipped"
for back in 1 20 100 160; do
	der_flip "$given/issuing-1.csr" "CERTIFICATE REQUEST" $back
	resum acme-issuing
	side resume root
	case $rc in
	3 | 4) ;;
	*) fail "$back bytes before its end: exit $rc" ;;
	esac
	as_given issuing
done

case_start "a request for something else"
other_csr "/O=acme-root/CN=Root CA"
side_ends 4 csr.requests resume root
openssl req -new -newkey rsa:2048 -nodes -keyout "$T/other.key" \
	-subj "/O=acme-root/CN=Issuing CA 1" -out "$given/issuing-1.csr" \
	>/dev/null 2>&1 || fail "openssl req"
resum acme-issuing
side_ends 4 key.algorithm resume root
[ ! -e "$T/media/acme-root" ] || fail "something was given"
as_given issuing

case_start "the root's output is there already: nothing is signed"
mkdir "$T/media/acme-root"
echo other >"$T/media/acme-root/issuing-1.pem"
side_ends 9 output.exists resume root
jq -es 'all(.[]; .event != "sign" or .facts.ca != "issuing-1")' \
	"$root_log/transcript.jsonl" >/dev/null || fail "it was shown"
rm -rf "$T/media/acme-root"
side_ends 0 '' resume root
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$root_log/transcript.jsonl" \
	--plan "$root_plan"
given=$T/media/acme-root
cp -R "$given" "$T/kept-root"

case_start "certificates that SHA256SUMS does not have so"
for file in root.pem issuing-1.pem root.crl; do
	flip "$given/$file" 60
	side_ends 5 media.sums resume issuing
	as_given root
done

case_start "a certificate with one bit flipped"
for back in 1 200; do
	der_flip "$given/issuing-1.pem" CERTIFICATE $back
	resum acme-root
	side resume issuing
	case $rc in
	3 | 4) ;;
	*) fail "$back bytes before its end: exit $rc" ;;
	esac
	as_given root
done

case_start "a certificate for another key"
cp "$given/root.pem" "$given/issuing-1.pem"
resum acme-root
side_ends 4 import.key resume issuing
as_given root

# The same names and another root, as who has neither would make them.
case_start "another root"
cat >"$T/root.cnf" <<END
[req]
distinguished_name = dn
x509_extensions = v3
prompt = no
[dn]
O = acme-root
CN = Root CA
[v3]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
END
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8 \
	-keyout "$T/other.key" -config "$T/root.cnf" -days 3650 \
	-out "$given/root.pem" >/dev/null 2>&1 || fail "openssl req -x509"
resum acme-root
side_ends 4 import.signature resume issuing
as_given root
cp "$given/issuing-1.pem" "$given/root.pem"
resum acme-root
side_ends 4 import.root resume issuing
as_given root

case_start "another CA's list, and one of another root"
cat >"$T/ca.cnf" <<END
[ca]
default_ca = c
[c]
database = $T/index
crlnumber = $T/number
default_md = sha256
default_crl_days = 7
crl_extensions = e
[e]
authorityKeyIdentifier = keyid
END
: >"$T/index"
echo 01 >"$T/number"
openssl req -x509 -key "$T/other.key" -utf8 -config "$T/root.cnf" -days 3650 \
	-out "$T/other.pem" >/dev/null 2>&1 || fail "openssl req -x509"
openssl ca -gencrl -config "$T/ca.cnf" -keyfile "$T/other.key" \
	-cert "$T/other.pem" -out "$T/other.crl" >/dev/null 2>&1 ||
	fail "openssl ca"
openssl crl -in "$T/other.crl" -outform DER -out "$given/root.crl" ||
	fail "openssl crl"
resum acme-root
side_ends 4 list.foreign resume issuing
as_given root

case_start "a list that names the certificate"
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" revoke \
	--ca issuing-1 --reason keyCompromise
cp "$R/publish/crl/root/0.crl" "$given/root.crl"
resum acme-root
side_ends 4 ca.revoked resume issuing
expect_exit 0 env SOFTHSM2_CONF="$T/root.conf" "$PROVCTL" -C "$R" audit verify
as_given root

case_start "what was given is taken, and nothing else was"
side_ends 0 '' resume issuing
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$issuing_log/transcript.jsonl" \
	--plan "$issuing_plan"
for file in root issuing-1; do
	same_bytes "$issuing_log/$file.pem" "$T/kept-root/$file.pem"
done
expect_exit 0 env SOFTHSM2_CONF="$T/issuing.conf" "$PROVCTL" -C "$I" \
	audit verify

case_start "the root that the plan names"
sum=$(printf %064d 7)
sed "s/\"from\": \"acme-root\"/&, \"root_sha256\": \"$sum\"/" \
	"$issuing_plan" >"$T/named.json"
issuing_plan=$T/named.json
mv "$T/media" "$T/media-1"
rm -rf "$T/rehearsal-root" "$T/rehearsal-issuing" "$T/rehearsed"
rehearse_both
mkdir "$T/media"
new_side issuing
new_side root
side_ends 10 media.file run issuing
side_ends 0 '' run root
side_ends 4 import.root resume issuing

tests_end
