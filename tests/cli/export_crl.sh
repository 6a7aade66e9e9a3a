#!/bin/sh
# A dependant's file of a revocation list: an older one of the same shard is
# replaced, and nothing else is.
. "$(dirname "$0")/../lib.sh"

jq '.crl = {shards: 2}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
expect_exit 0 "$PROVCTL" -C "$H" rotate crl

fetch() { # CA SHARD ARGUMENT...
	fetch_ca=$1
	fetch_shard=$2
	shift 2
	run "$PROVCTL" -C "$H" export crl --ca "$fetch_ca" \
		--shard "$fetch_shard" "$@"
}
number() { # FILE FORM
	openssl crl -inform "$2" -in "$1" -noout -crlnumber
}
# kept FILE WHAT COMMAND...: it ends with 9, and the file stays as it is.
kept() {
	cp -a "$1" "$T/before"
	kept=$1
	what=$2
	shift 2
	"$@"
	expect_equal "$rc" 9 "exit of $what"
	expect_text output.exists
	same_bytes "$kept" "$T/before"
}

case_start "an older list is replaced, in either form"
fetch issuing-1 0 -o "$T/a.pem"
expect_equal "$rc" 0 "PEM"
fetch issuing-1 0 -o "$T/a.der" --der
expect_equal "$rc" 0 "DER"
cp "$T/a.pem" "$T/first.pem"
fetch issuing-1 0 -o "$T/a.pem"
expect_equal "$rc" 0 "the same again"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
fetch issuing-1 0 -o "$T/a.pem"
expect_equal "$rc $(number "$T/a.pem" PEM)" "0 crlNumber=0x02" PEM
fetch issuing-1 0 -o "$T/a.der" --der
expect_equal "$rc $(number "$T/a.der" DER)" "0 crlNumber=0x02" DER
p export crl --ca issuing-1 --shard 0 --der >"$T/now"
same_bytes "$T/a.der" "$T/now"

case_start "another shard's, another CA's, a newer one, anything else: not"
kept "$T/a.pem" "another shard's" fetch issuing-1 1 -o "$T/a.pem"
kept "$T/a.pem" "another CA's" fetch root 0 -o "$T/a.pem"
cp "$T/first.pem" "$T/broken.pem"
openssl crl -in "$T/first.pem" -outform DER -out "$T/broken.der"
flip "$T/broken.der" $(($(wc -c <"$T/broken.der") - 1))
kept "$T/broken.der" "one that is not signed" \
	fetch issuing-1 0 -o "$T/broken.der" --der
echo precious >"$T/text"
kept "$T/text" "a text" fetch issuing-1 0 -o "$T/text"
ln -s "$T/first.pem" "$T/link"
kept "$T/first.pem" "a link" fetch issuing-1 0 -o "$T/link"
cp -a "$H" "$T/older"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
fetch issuing-1 0 -o "$T/a.pem"
now=$H
H=$T/older
sed -i "s|$now/|$H/|" "$H/softhsm/softhsm2.conf"
kept "$T/a.pem" "a newer one" fetch issuing-1 0 -o "$T/a.pem"
H=$now
kept "$T/a.pem" "rows" fetch issuing-1 0 -o "$T/a.pem" --jsonl

case_start "what is no file is said"
fetch issuing-1 0 -o /dev/null
expect_equal "$rc" 9 exit
expect_text "no regular file"

tests_end
