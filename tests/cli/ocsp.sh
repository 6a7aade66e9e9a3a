#!/bin/sh
# OCSP answers, signed ahead by the authority's own responder key for the
# certificates whose template asks for them: made, renewed, published, read by
# OpenSSL and GnuTLS.
. "$(dirname "$0")/../lib.sh"

# answer FILE: what openssl says of the leaf in $T/leaf.pem.
answer() {
	openssl ocsp -respin "$1" -CAfile "$T/ca.pem" -issuer "$T/issuing.pem" \
		-cert "$T/leaf.pem" >"$T/out" 2>"$T/err"
}

file_of() {
	echo "$H/publish/ocsp/issuing-1/$(p export inventory |
		jq -r "select(.device == \"$1\").serial").ors"
}

jq '.crl = {shards: 2}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
jq '.steps |= (.[0:6] + [{step: "generate-key", purpose: "ocsp", kind: "P-256"}]
	+ .[6:])' "$srcdir/templates/plans/softhsm-demo.json" \
	>"$templates/plans/softhsm-demo.json"
new_authority
jq '.template = "asks" | .certificate.extensions.authorityInfoAccess =
	{ocsp: "http://ocsp.example.com"}' "$srcdir/templates/tls-client.json" \
	>"$T/asks.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/asks.json"
for i in 1 2 3; do
	new_device asks client-0000000$i
	issue asks client-0000000$i --out "$T/o"
	[ "$rc" -eq 0 ] || fail "issue: $(cat "$T/err")"
done
new_device tls-client client-0000000a
issue tls-client client-0000000a -o "$T/a.pvb"
p export chain --ca issuing-1 >"$T/chain.pem"
openssl x509 -in "$T/chain.pem" -out "$T/issuing.pem"
p export chain --ca root >"$T/ca.pem"

case_start "one answer for each certificate that asks, and for no other"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 3 answers
expect_equal "$(find "$H/publish/ocsp" -name '*.ors' | wc -l)" 3 files
verify_audit
cp "$H/publish/ocsp/issuing-1"/*.ors "$T/"

case_start "OpenSSL and GnuTLS take it: good, by a responder that may"
serial=$(p export inventory | jq -r 'select(.device == "client-00000001").serial')
p export inventory | jq -r 'select(.device == "client-00000001").device' >"$T/x"
openssl x509 -in "$T/o/certs/client-00000001.pem" -out "$T/leaf.pem"
cat "$T/issuing.pem" >>"$T/ca.pem"
answer "$H/publish/ocsp/issuing-1/$serial.ors" || fail "$(cat "$T/err")"
expect_text "leaf.pem: good"
expect_text "Response verify OK"
openssl ocsp -respin "$H/publish/ocsp/issuing-1/$serial.ors" -noverify \
	-resp_text >"$T/out" 2>"$T/err"
expect_text "OCSP Signing"
expect_text "OCSP No Check"
if command -v ocsptool >/dev/null; then
	ocsptool --verify-response --load-trust "$T/ca.pem" \
		--load-response "$H/publish/ocsp/issuing-1/$serial.ors" \
		>"$T/out" 2>"$T/err" || fail "ocsptool: $(cat "$T/out")"
fi

case_start "export: the published answer, and none that is behind or gone"
expect_exit 0 "$PROVCTL" -C "$H" export ocsp --device client-00000001 \
	-o "$T/one.out"
same_bytes "$T/one.out" "$H/publish/ocsp/issuing-1/$serial.ors"
p export ocsp --device client-00000001 --jsonl >"$T/row"
expect_equal "$(jq -r '[.device, .serial, .state] | join(" ")' "$T/row")" \
	"client-00000001 $serial good" "as a row"
jq -r .response "$T/row" | base64 -d >"$T/row.ors"
same_bytes "$T/row.ors" "$T/one.out"
expect_equal "$(p export ocsp --device client-00000001 --csv | wc -l)" 2 \
	"CSV lines"
expect_error 2 usage.option -C "$H" export ocsp --device client-00000001 \
	--csv --jsonl
expect_error 5 ocsp.absent -C "$H" export ocsp --device client-0000000a
expect_error 10 device.unknown -C "$H" export ocsp --device client-000000ff
other=$(p export inventory | jq -r \
	'select(.device == "client-00000002").serial')
cp "$H/publish/ocsp/issuing-1/$other.ors" "$T/two.old"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason keyCompromise
p export ocsp --device client-00000002 >"$T/two.new"
openssl ocsp -respin "$T/two.new" -noverify -resp_text >"$T/out" 2>&1
expect_text "Cert Status: revoked"
expect_text "keyCompromise"
cp "$T/two.old" "$H/publish/ocsp/issuing-1/$other.ors"
expect_error 5 ocsp.behind -C "$H" export ocsp --device client-00000002
cp "$T/one.out" "$H/publish/ocsp/issuing-1/$other.ors"
expect_error 5 publish.foreign -C "$H" export ocsp --device client-00000002
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" export ocsp --device client-00000002 \
	-o "$T/three.out"

case_start "nothing is due; one that is gone, cut or another's comes back"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq -c '[.answers, .files]' "$T/out")" '[0,0]' report
f=$H/publish/ocsp/issuing-1/$serial.ors
for how in rm cut other signature; do
	case $how in
	# The last byte is of the certificate's signature; this one of the answer's.
	signature) perl -0777 -pi -e \
		's/(\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02.{10})(.)/
			$1 . chr(ord($2) ^ 1)/sex' "$f"
		answer "$f" && grep -q "verify OK" "$T/err" &&
			fail "the signature still verifies" ;;
	rm) rm "$f" ;;
	cut) : >"$f" ;;
	other) find "$T" -maxdepth 1 -name '*.ors' ! -name "$serial.ors" |
		head -n 1 | while read -r one; do cp "$one" "$f"; done ;;
	esac
	expect_exit 0 "$PROVCTL" -C "$H" rotate crl
	answer "$f" || fail "$how: $(cat "$T/err")"
	expect_text "leaf.pem: good"
done

case_start "an answer by a device's key is none, whatever certified it"
new_device asks client-0000000d
issue asks client-0000000d --out "$T/o"
openssl x509 -in "$T/o/certs/client-0000000d.pem" -out "$T/device.pem"
printf 'V\t401231235959Z\t\t%s\tunknown\t/CN=x\n' \
	"$(echo "$serial" | tr a-f A-F)" >"$T/index.txt"
openssl ocsp -index "$T/index.txt" -rsigner "$T/device.pem" \
	-rkey "$T/dev/client-0000000d/key.pem" -CA "$T/issuing.pem" \
	-issuer "$T/issuing.pem" -serial "0x$serial" -resp_key_id -ndays 1 \
	-respout "$T/device.ors" >"$T/out" 2>&1 || fail "$(cat "$T/out")"
cp "$T/device.ors" "$f"
expect_error 5 publish.foreign -C "$H" export ocsp --device client-00000001
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
answer "$f" || fail "$(cat "$T/err")"
expect_text "Response verify OK"

case_start "a new certificate gets one with the next run, all end together"
new_device asks client-00000004
issue asks client-00000004 -o "$T/4.pvb"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 1 answers
for f in "$H"/publish/ocsp/issuing-1/*.ors; do
	openssl ocsp -respin "$f" -noverify -resp_text 2>/dev/null |
		grep -m 1 'Next Update'
done | sort -u >"$T/next"
expect_equal "$(wc -l <"$T/next")" 1 "different ends"
next_second
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl --all
expect_equal "$(jq .answers "$T/out")" 5 answers
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile

# ask_by TOOL ID: its standard request into $T/request.
ask_by() {
	case $1 in
	openssl) openssl ocsp -issuer "$T/issuing.pem" -cert "$2" -no_nonce \
		-reqout "$T/request" >"$T/out" 2>&1 ;;
	ocsptool) ocsptool --generate-request --no-nonce --outder \
		--load-issuer "$T/issuing.pem" --load-cert "$2" \
		--outfile "$T/request" >"$T/out" 2>&1 ;;
	esac
}

command -v python3 >/dev/null || tests_end

case_start "by GET from a server of files, as RFC 5019 names the request"
for n in $(seq 10 49); do
	new_device asks client-000000$n
	request_line client-000000$n
done >"$T/more.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template asks --from "$T/more.jsonl" \
	--out "$T/o"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000011 \
	--reason superseded
expect_equal "$(find "$H/publish/ocsp" -type l | wc -l)" 45 links
python3 - "$H/publish/ocsp" >"$T/server.log" 2>&1 <<'EOF' &
import http.server, os, sys
class H(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
os.chdir(sys.argv[1])
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_address[1], flush=True)
s.serve_forever()
EOF
echo $! >>"$T/pids"
for try in $(seq 50); do
	[ -s "$T/server.log" ] && break
	sleep 0.1
done
port=$(head -n 1 "$T/server.log")
slashes=0
for tool in openssl ocsptool; do
	command -v "$tool" >/dev/null || continue
	for cert in "$T"/o/certs/client-000000[1-4][0-9].pem; do
		ask_by "$tool" "$cert" || fail "$tool: $(cat "$T/out")"
		name=$(base64 -w 0 <"$T/request")
		case $name in */*) slashes=$((slashes + 1)) ;; esac
		url=$(printf %s "$name" | sed 's|/|%2F|g; s|+|%2B|g; s|=|%3D|g')
		perl -MIO::Socket::INET -e '
			my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die;
			print $s "GET /issuing-1/$ARGV[1] HTTP/1.0\r\n\r\n";
			local $/; $_ = <$s>; s/^.*?\r\n\r\n//s; print' \
			"$port" "$url" >"$T/fetched" || fail "no server"
		openssl x509 -in "$cert" -out "$T/leaf.pem"
		answer "$T/fetched" || fail "$tool $cert ($try): $(cat "$T/err")"
		expect_text "Response verify OK"
		case $cert in
		*11.pem) expect_text "leaf.pem: revoked" ;;
		*) expect_text "leaf.pem: good" ;;
		esac
	done
done
[ "$slashes" -gt 0 ] || fail "no request had a slash: the case shows nothing"

case_start "a link that is gone or another's comes back"
size=$(p --json status | jq .log_size)
find "$H/publish/ocsp" -type l | head -n 2 >"$T/links"
one=$(head -n 1 "$T/links")
two=$(tail -n 1 "$T/links")
was=$(readlink "$one")
rm "$one" "$two"
ln -s /etc/passwd "$one"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(readlink "$one")" "$was" "where it leads"
expect_equal "$(find "$H/publish/ocsp" -type l | wc -l)" 45 links
expect_equal "$(p --json status | jq .log_size)" "$size" "log entries"
verify_audit

case_start "a key that was made for something else signs no answer"
cp "$H/provctl.json" "$T/config"
jq '.keys.ocsp = .keys.bundle' "$T/config" >"$T/other"
cat "$T/other" >"$H/provctl.json"
expect_error 4 ocsp.purpose -C "$H" rotate crl --all
cat "$T/config" >"$H/provctl.json"
next_second
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all

# From here on rows are put back as they were, by who can write the home.
SQL=$builddir/tests/cli/sql
base=$H
copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$base
	copy_authority "$T/copy$copies"
}
sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
}
of() {
	echo "(select number from device where device = '$1')"
}
good_again() {
	sql "delete from revocation where number = $(of "$1")" \
		"update device set state = 0 where number = $(of "$1")"
}

batches() {
	"$SQL" "$H/store.db" "select max(number) from crl where kind = 1"
}

# none_signed WHAT ARGUMENT...: rotate crl refuses, whatever is in the folder.
none_signed() {
	said=$1
	shift
	was=$(batches)
	rm -rf "$H/publish/ocsp"
	expect_error 5 store.edited -C "$H" rotate crl "$@"
	expect_equal "$(batches)" "$was" "batches of answers, $said"
}

case_start "revoked, and all rows say good: no answer is made, none given out"
fresh
good_again client-00000002
expect_error 5 store.edited -C "$H" export ocsp --device client-00000002
was=$(batches)
rm -rf "$H/publish/ocsp"
expect_error 5 '' -C "$H" rotate crl
expect_text "crl.vanished"
expect_error 5 '' -C "$H" rotate crl --all
expect_equal "$(batches)" "$was" "batches of answers"

case_start "the same of what is on no list yet"
fresh
mv "$H/softhsm/pin" "$T/pin"
expect_exit 10 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason keyCompromise
mv "$T/pin" "$H/softhsm/pin"
good_again client-00000003
none_signed "due"
none_signed "all" --all

case_start "held and let go of, not on a list yet: good, as the log says"
fresh
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason certificateHold
mv "$H/softhsm/pin" "$T/pin"
expect_exit 10 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason removeFromCRL
mv "$T/pin" "$H/softhsm/pin"
expect_error 5 ocsp.behind -C "$H" export ocsp --device client-00000003
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" export ocsp --device client-00000003
verify_audit

case_start "the batch before put back with its row: its number is not signed twice"
fresh
was=$(batches)
hex=$("$SQL" "$H/store.db" \
	"select hex(der) from crl where kind = 1 and number = $was")
next_second
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
# Without a new one, another row than the one before would get its bytes.
expect_equal "$(batches)" $((was + 1)) "batches of answers"
sql "delete from crl where kind = 1 and number = $was + 1" \
	"update crl set der = x'$hex' where kind = 1 and number = $was"
next_second
expect_error 5 crl.rollback -C "$H" rotate crl --all

tests_end
