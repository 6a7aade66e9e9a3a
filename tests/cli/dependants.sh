#!/bin/sh
# Who shows the newest list and who lags: files, a static web server on the
# loopback, an OCSP responder, and places that show what is not ours.
. "$(dirname "$0")/../lib.sh"

command -v python3 >/dev/null || {
	echo "ok - dependants # SKIP no python3"
	exit 77
}

# verdict NAME: as the last run said it.
verdict() {
	jq -r "select(.name == \"$1\").verdict" "$T/out"
}

check() { # CODE
	run "$PROVCTL" -C "$H" --json status --dependants "$T/list"
	[ "$rc" -eq "$1" ] || {
		fail "exit $rc, not $1"
		show_output
	}
}

jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
jq '.crl = {shards: 2}' "$srcdir/templates/matter-pai.json" \
	>"$templates/matter-pai.json"
jq '.steps |= (.[0:6] + [{step: "generate-key", purpose: "ocsp", kind: "P-256"}]
	+ .[6:])' "$srcdir/templates/plans/softhsm-demo.json" \
	>"$templates/plans/softhsm-demo.json"
new_authority
jq '.template = "asks" | .certificate.extensions.authorityInfoAccess =
	{ocsp: "http://ocsp.example.com"}' "$srcdir/templates/tls-client.json" \
	>"$T/asks.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/asks.json"
for i in 1 2; do
	new_device asks client-0000000$i
	issue asks client-0000000$i -o "$T/$i.pvb"
done
serial=$(p export inventory | jq -r 'select(.device == "client-00000001").serial')
expect_exit 0 "$PROVCTL" -C "$H" rotate crl

# Three sites: one of them is the folder itself, two are copied when told to.
mkdir -p "$T/site/slow" "$T/site/answers" "$T/site/bad"
ln -s "$H/publish" "$T/site/now"
cp "$H/publish/crl/issuing-1/0.crl" "$T/site/slow/0.crl"
cat >"$T/server.py" <<'EOF'
import http.server, os, sys
class H(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        with open("host", "w") as f: f.write(self.headers["Host"])
        if self.path != "/letters": return super().do_GET()
        self.wfile.write(b"HTTP/1.0 /:0 OK\r\n\r\n")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("request.der", "wb") as f: f.write(body)
        with open("answers/now.ors", "rb") as f: answer = f.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.end_headers()
        self.wfile.write(answer)
os.chdir(sys.argv[1])
s = http.server.HTTPServer(("127.0.0.1", 0), H)
with open("port.new", "w") as f: f.write(str(s.server_port))
os.rename("port.new", "port")
s.serve_forever()
EOF
python3 "$T/server.py" "$T/site" >"$T/server.log" 2>&1 &
echo $! >>"$T/pids"
tries=0
while [ ! -f "$T/site/port" ] && [ "$tries" -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
port=$(cat "$T/site/port")
at=http://127.0.0.1:$port
cp "$H/publish/ocsp/issuing-1/$serial.ors" "$T/site/answers/now.ors"
cat >"$T/list" <<EOF
{"name":"folder","ca":"issuing-1","file":"$H/publish/crl/issuing-1/0.crl","serial":"$serial"}
{"name":"web","ca":"issuing-1","url":"$at/now/crl/issuing-1/0.crl","serial":"$serial"}
{"name":"slow","ca":"issuing-1","url":"$at/slow/0.crl","serial":"$serial"}
{"name":"responder","ca":"issuing-1","ocsp":"$at/","serial":"$serial"}
{"name":"root","ca":"root","url":"$at/now/crl/root/0.crl"}
EOF

case_start "all show the newest"
check 0
expect_equal "$(jq -r .verdict "$T/out" | sort -u)" current verdicts
expect_equal "$(jq -r 'select(.state).state' "$T/out" | sort -u)" good states
openssl ocsp -reqin "$T/site/request.der" -req_text -noverify >"$T/out2" 2>&1
grep -q -i "Serial Number: $serial" "$T/out2" || fail "request: $(cat "$T/out2")"

case_start "after a revocation: who lags, and since when"
expect_exit 0 "$PROVCTL" -C "$H" revoke --serial "$serial" \
	--reason keyCompromise
check 4
expect_equal "$(verdict folder) $(verdict web)" "current current" "the folder"
expect_equal "$(verdict slow) $(verdict responder)" "behind behind" "the others"
this=$(openssl crl -inform DER -in "$H/publish/crl/issuing-1/0.crl" -noout \
	-lastupdate | sed 's/.*=//')
expect_equal "$(jq -r 'select(.name == "slow").behind_since' "$T/out")" \
	"$(date -u -d "$this" +%Y-%m-%dT%H:%M:%SZ)" "since when"
expect_equal "$(jq -c 'select(.name == "slow") | [.shown, .newest, .state]' \
	"$T/out")" '[1,2,"good"]' "what it shows"
expect_equal "$(jq -r 'select(.name == "web").state' "$T/out")" revoked state
expect_error 4 dependant.behind -C "$H" status --dependants "$T/list"
cp "$H/publish/crl/issuing-1/0.crl" "$T/site/slow/0.crl"
cp "$H/publish/ocsp/issuing-1/$serial.ors" "$T/site/answers/now.ors"
check 0

case_start "away: no server, no file, no list, no answer"
sed "s|$at/slow/0.crl|http://127.0.0.1:1/x|; s|$at/now/crl/root/0.crl|$at/none|
	s|/crl/issuing-1/0.crl\",\"serial|/none.crl\",\"serial|" \
	"$T/list" >"$T/away"
cp "$T/list" "$T/kept"
cp "$T/away" "$T/list"
check 4
for name in folder slow root web; do
	expect_equal "$(verdict $name)" away "$name"
done
cp "$T/kept" "$T/list"

case_start "foreign and newer: alarms"
cp "$H/publish/crl/root/0.crl" "$T/site/slow/0.crl"
check 5
expect_equal "$(verdict slow)" foreign "another CA's"
cp -a "$H/publish/crl/issuing-1/0.crl" "$T/before.crl"
perl -e 'local $/; $_ = <>; substr($_, -1, 1) ^= "\x01"; print' \
	"$T/before.crl" >"$T/site/slow/0.crl"
check 5
expect_equal "$(verdict slow)" foreign "another key's"
expect_error 5 dependant.alarm -C "$H" status --dependants "$T/list"
cp -a "$H" "$T/older"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
cp "$H/publish/crl/issuing-1/0.crl" "$T/site/slow/0.crl"
now=$H
H=$T/older
sed -i "s|$now/|$H/|" "$H/softhsm/softhsm2.conf"
check 5
expect_equal "$(verdict slow)" newer "of a store that was set back"
H=$now

case_start "a row of what is revoked that is gone, or another: nobody is told good"
cp "$T/kept" "$T/list"
base=$H
for edit in "DELETE FROM revocation" "UPDATE revocation SET reason = 4"; do
	rm -rf "$T/edited"
	H=$base
	copy_authority "$T/edited"
	"$builddir/tests/cli/sql" "$H/store.db" "$edit" || fail "sql: $edit"
	expect_error 5 store.edited -C "$H" status --dependants "$T/list"
done
H=$base

case_start "the port is named, and what has no number is no answer"
echo "{\"name\":\"x\",\"ca\":\"root\",\"url\":\"$at/letters\"}" >"$T/list"
run "$PROVCTL" -C "$H" --json status --dependants "$T/list"
expect_equal "$rc $(verdict x)" "4 away" "a status of letters"
expect_equal "$(cat "$T/site/host")" "127.0.0.1:$port" Host
! grep -q 'server answers' "$T/out" || fail "$(cat "$T/out")"

case_start "lists that are no list"
for bad in '{' '{"name":"x"}' '{"name":"x","ca":"root","file":"a","url":"b"}' \
	'{"name":"x","ca":"none","file":"a"}' \
	'{"name":"x","ca":"root","ocsp":"http://x/"}' \
	'{"name":"x","ca":"root","file":"a","more":1}' \
	'{"name":"x","ca":"root","file":"a","serial":"00"}' \
	'{"name":"x","ca":"root","file":"a","shard":1}'; do
	echo "$bad" >"$T/list"
	expect_exit 3 "$PROVCTL" -C "$H" status --dependants "$T/list"
done
expect_exit 10 "$PROVCTL" -C "$H" status --dependants "$T/none"
# A list says nothing of a serial that belongs into another one.
odd=0000000100000000000000000000000f
one='"name":"x","ca":"matter-pai","file":"'$H/publish/crl/matter-pai
echo "{$one/0.crl\",\"serial\":\"$odd\"}" >"$T/list"
expect_error 3 dependant.line -C "$H" status --dependants "$T/list"
expect_text "not of that shard"
echo "{$one/1.crl\",\"shard\":1,\"serial\":\"$odd\"}" >"$T/list"
check 0
expect_equal "$(verdict x)" current "its own shard"
for url in https://x/ http:// ftp://x 'http://a@b/' 'http://x:99x/'; do
	echo "{\"name\":\"x\",\"ca\":\"root\",\"url\":\"$url\"}" >"$T/list"
	expect_error 3 dependant.line -C "$H" status --dependants "$T/list"
	echo "{\"name\":\"x\",\"ca\":\"root\",\"ocsp\":\"$url\",\"serial\":\"$odd\"}" \
		>"$T/list"
	expect_error 3 dependant.line -C "$H" status --dependants "$T/list"
done

case_start "another shard's list is told as that"
{
	echo "{$one/1.crl\",\"shard\":0}"
	echo "{$one/0.crl\",\"shard\":1,\"serial\":\"$odd\"}"
} >"$T/list"
check 4
expect_equal "$(jq -c 'select(.verdict) | [.verdict, .shard, .state]' \
	"$T/out" | tr '\n' ' ')" \
	'["other-shard",1,null] ["other-shard",0,null] ' "what they show"
expect_exit 4 "$PROVCTL" -C "$H" status --dependants "$T/list"
grep -q "^other-shard x: the list of shard 1  (" "$T/out" ||
	fail "$(cat "$T/out")"

case_start "a responder's answers have no number"
echo "{\"name\":\"x\",\"ca\":\"issuing-1\",\"ocsp\":\"$at/\",\"serial\":\"$serial\"}" \
	>"$T/list"
check 0
expect_equal "$(jq -c '[.shown, .newest, .shard]' "$T/out")" "[null,null,null]" \
	numbers

case_start "all places together are bounded"
truncate -s 127M "$T/zeros"
for i in 1 2 3 4 5 6 7 8 9; do
	echo "{\"name\":\"$i\",\"ca\":\"root\",\"file\":\"$T/zeros\"}"
done >"$T/list"
echo "{\"name\":\"last\",\"ca\":\"root\",\"file\":\"$H/publish/crl/root/0.crl\"}" \
	>>"$T/list"
check 4
expect_equal "$(verdict last)" away "the last one"
jq -r 'select(.name == "last").why' "$T/out" | grep -q "1024 MiB" ||
	fail "$(tail -n 1 "$T/out")"
tail -n 1 "$T/list" >"$T/one" && mv "$T/one" "$T/list"
check 0

tests_end
