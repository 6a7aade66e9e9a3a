#!/bin/sh
# Revocation lists: made, published, given out, and what is refused: one that
# ended, one of another CA or key, one that is newer than the store's.
. "$(dirname "$0")/../lib.sh"

# der LIST: a published list's file.
der() {
	echo "$H/publish/crl/$1.crl"
}

number() {
	openssl crl -inform DER -in "$(der "$1")" -noout -crlnumber |
		sed 's/.*0x//'
}

new_authority

case_start "init made those that certificates name; without one status says so"
expect_exit 0 "$PROVCTL" -C "$H" status
grep -q "^CRLs *issuing-1: 16, up to number 1" "$T/out" ||
	fail "not all that it made: $(cat "$T/out")"
expect_equal "$(number issuing-1/15)" 01 number
verify_audit
cp -a "$H" "$T/absent"
"$builddir/tests/cli/sql" "$T/absent/store.db" \
	"delete from crl where shard = 0 and ca = (select id from ca where
	name = 'root')" >"$T/out" 2>&1 || fail "sql: $(cat "$T/out")"
expect_error 5 crl.absent -C "$T/absent" export crl --ca root
expect_error 4 status.crl -C "$T/absent" status
expect_text "revocation lists were never made"

case_start "one list a shard, with its URL, and complete ones without"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(find "$H/publish/crl" -name '*.crl' | wc -l)" 19 lists
expect_equal "$(find "$H/publish/ca" -name '*.cer' | wc -l)" 4 certificates
p export chain --ca issuing-1 >"$T/issuing.pem"
p export chain --ca root >"$T/root.pem"
for shard in 0 7 15; do
	openssl crl -inform DER -in "$(der issuing-1/$shard)" -text \
		-CAfile "$T/issuing.pem" >"$T/out" 2>"$T/err" ||
		fail "openssl crl: $(cat "$T/err")"
	expect_text "verify OK"
	expect_text "http://crl.example.com/issuing-1/$shard.crl"
done
openssl crl -inform DER -in "$(der root/0)" -text -CAfile "$T/root.pem" \
	>"$T/out" 2>"$T/err"
expect_text "verify OK"
grep -q "Issuing Distribution Point" "$T/out" &&
	fail "the root's list has a distribution point"
openssl x509 -inform DER -in "$H/publish/ca/root-1.cer" -noout ||
	fail "no certificate of the root"

case_start "nothing is due: nothing is written"
size=$(p --json status | jq .log_size)
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq -c . "$T/out")" \
	'{"lists":0,"answers":0,"files":0,"hook":false}' report
expect_equal "$(p --json status | jq .log_size)" "$size" "log entries"

case_start "--all: every number rises by one"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
for list in root/0 issuing-1/0 issuing-1/15 matter-pai/0; do
	expect_equal "$(number $list)" 02 "number of $list"
done
verify_audit

case_start "export: the published bytes, DER and PEM"
expect_exit 0 "$PROVCTL" -C "$H" export crl --ca issuing-1 --shard 15 --der \
	-o "$T/15.crl"
same_bytes "$T/15.crl" "$(der issuing-1/15)"
p export crl --ca root | openssl crl -outform DER >"$T/0.crl"
same_bytes "$T/0.crl" "$(der root/0)"
expect_error 3 crl.shard -C "$H" export crl --ca issuing-1
expect_error 3 crl.shard -C "$H" export crl --ca issuing-1 --shard 16
expect_error 10 crl.ca -C "$H" export crl --ca none
expect_exit 2 "$PROVCTL" -C "$H" export crl

case_start "a file that is gone comes back as it was"
rm "$(der root/0)"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
same_bytes "$T/0.crl" "$(der root/0)"

case_start "an older list of ours is replaced"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
cp "$(der root/0)" "$T/new.crl"
cp "$T/0.crl" "$(der root/0)"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
same_bytes "$T/new.crl" "$(der root/0)"

case_start "another CA's, a shard's, another key's, no list: alarms, left alone"
openssl ecparam -name prime256v1 -genkey -noout -out "$T/other.key"
for bad in "$(der matter-paa/0)" "$T/issuing.pem" "$T/forged.crl"; do
	if [ "$bad" = "$T/forged.crl" ]; then
		# the same names and key identifier, another key
		perl -e 'local $/; $_ = <>; substr($_, -1, 1) ^= "\x01"; print' \
			"$T/0.crl" >"$bad"
	fi
	cp "$bad" "$(der root/0)"
	expect_error 5 publish.foreign -C "$H" rotate crl
	same_bytes "$bad" "$(der root/0)"
	expect_error 5 publish.foreign -C "$H" rotate crl
done
cp "$T/new.crl" "$(der root/0)"
cp "$(der issuing-1/3)" "$T/3.crl"
cp "$(der issuing-1/4)" "$(der issuing-1/3)"
expect_error 5 publish.newer -C "$H" rotate crl
cp "$(der matter-paa/0)" "$(der issuing-1/3)"
run "$PROVCTL" -C "$H" rotate crl --all
expect_equal "$rc" 5 "exit"
grep -q '^provctl: crl/issuing-1/3.crl: ' "$T/err" || fail "$(cat "$T/err")"
for other in 2 4 15; do
	p export crl --ca issuing-1 --shard "$other" --der >"$T/one"
	same_bytes "$T/one" "$(der issuing-1/$other)"
done
cp "$T/3.crl" "$(der issuing-1/3)"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl

case_start "a store that was set back: the newer list in the folder is found"
cp -a "$H" "$T/older"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
mkdir "$T/kept"
cp "$H"/publish/crl/root/0.crl "$T/kept/"
expect_equal "$(number root/0)" 05 number
rm -rf "$T/older/publish"
cp -a "$H/publish" "$T/older/publish"
now=$H
H=$T/older
sed -i "s|$now/|$H/|" "$H/softhsm/softhsm2.conf"
expect_error 5 publish.newer -C "$H" rotate crl
same_bytes "$T/kept/0.crl" "$(der root/0)"

case_start "and once its number is passed it is kept aside, an alarm as long as it lies there"
expect_exit 5 "$PROVCTL" -C "$H" rotate crl --all
expect_text publish.newer
same_bytes "$T/kept/0.crl" "$(der root/0)"
for all in --all ''; do
	expect_error 5 publish.aside -C "$H" rotate crl $all
done
expect_error 5 publish.aside -C "$H" status
p export crl --ca root --der >"$T/one"
same_bytes "$T/one" "$(der root/0)"
name=root-0-5-$(sha256sum "$T/kept/0.crl" | cut -c 1-8).crl
expect_text "publish.aside"
same_bytes "$T/kept/0.crl" "$H/aside/$name"
mv "$H/aside" "$T/looked.at"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
# A list that is older, and of this log, is no finding.
cp "$T/0.crl" "$(der root/0)"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
[ ! -e "$H/aside" ] || fail "an older list of ours was kept aside"
H=$now

case_start "a row edited by hand: found before the list is given out or made"
cp -a "$H" "$T/before"
"$builddir/tests/cli/sql" "$H/store.db" \
	"update crl set der = (select der from crl c where c.kind = 0 and \
		c.ca = 2 and c.shard = 1 and c.der is not null) where kind = 0 \
		and ca = 2 and shard = 2 and der is not null"
expect_error 5 store.edited -C "$H" export crl --ca issuing-1 --shard 2
expect_error 5 store.edited -C "$H" rotate crl
rm -rf "$H"
cp -a "$T/before" "$H"
"$builddir/tests/cli/sql" "$H/store.db" \
	"update crl set number = 90 where kind = 0 and ca = 1 and der is not null"
expect_error 5 store.edited -C "$H" export crl --ca root
expect_error 5 audit.crl -C "$H" audit verify
for edit in "delete from crl where kind = 0 and ca = 1" \
	"delete from crl where kind = 0 and ca = 2 and shard = 1 and number = 1" \
	"update crl set issue_index = 1 where kind = 0 and ca = 3 and number = 1"; do
	rm -rf "$H"
	cp -a "$T/before" "$H"
	"$builddir/tests/cli/sql" "$H/store.db" "$edit"
	run "$PROVCTL" -C "$H" audit verify
	[ "$rc" -eq 5 ] || [ "$edit" != "${edit#update}" ] ||
		fail "exit $rc: $edit"
done
rm -rf "$H"
cp -a "$T/before" "$H"
verify_audit

case_start "certificates that would name one list of a CA with several: refused"
points() {
	jq --argjson v "$1" --argjson uris "$2" '.version = $v |
		.certificate.extensions.crlDistributionPoints = $uris' \
		"$srcdir/templates/tls-client.json" >"$T/points.json"
}
points 2 '["http://crl.example.com/issuing-1.crl"]'
expect_exit 0 "$PROVCTL" policy lint "$T/points.json"
expect_error 3 template.shard -C "$H" policy adopt "$T/points.json"
expect_text "issuing-1 has 16 shards"
points 2 '["http://a.example/${shard}.crl", "http://b.example/all.crl"]'
expect_exit 0 "$PROVCTL" policy lint "$T/points.json"
expect_text template.uri_fixed
expect_error 3 template.shard -C "$H" policy adopt "$T/points.json"
points 2 '["http://crl.example.com/$shard.crl"]'
expect_error 3 template.uri_shard policy lint "$T/points.json"
points 2 '["http://crl.example.com/${device.id}.crl"]'
expect_error 3 template.uri_device policy lint "$T/points.json"
for v in $(seq 2 17); do # tls-client's own place, and 15 more
	points "$v" "[\"http://crl$v.example/\${shard}.crl\"]"
	jq '.template = "moving" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f322"' \
		"$T/points.json" >"$T/moving.json"
	[ "$v" -lt 17 ] || break
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/moving.json"
done
expect_error 3 template.places -C "$H" policy adopt "$T/moving.json"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
# One that is there all the same costs its own place, and is told of.
rm -rf "$T/kept"
cp -a "$H" "$T/kept"
before=$((0x$(number matter-pai/0)))
"$builddir/tests/cli/people" "$H" "adopt:$T/moving.json" 2>"$T/err" ||
	fail "cannot put it there: $(cat "$T/err")"
expect_error 3 template.places -C "$H" rotate crl --all
expect_equal "$((0x$(number issuing-1/3)))" $((before + 2)) "the CA's list" # two runs
expect_equal "$((0x$(number matter-pai/0)))" $((before + 2)) "another CA's list"
rm -rf "$H"
cp -a "$T/kept" "$H"
# The Matter PAI has one shard.
jq '.version = 2 | .certificate.extensions.crlDistributionPoints =
	["http://crl.example.com/pai.crl"]' "$srcdir/templates/matter-dac.json" \
	>"$T/points.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/points.json"
expect_exit 0 "$PROVCTL" policy lint "$srcdir/templates/matter-dac.json"
expect_text template.no_revocation
for t in tls-client tls-client-short; do
	expect_exit 0 "$PROVCTL" policy lint "$srcdir/templates/$t.json"
	grep -q -F template.no_revocation "$T/err" && fail "$t is warned of"
done
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
verify_audit

case_start "a CA's next generation has lists of its own, by its own key"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(find "$H/publish/crl/issuing-1" -name '*.crl' | wc -l)" 32 \
	"lists of both generations"
openssl x509 -inform DER -in "$H/publish/ca/issuing-1-2.cer" -out "$T/2.pem"
for shard in 16 31; do
	openssl crl -inform DER -in "$(der issuing-1/$shard)" -text \
		-CAfile "$T/2.pem" >"$T/out" 2>"$T/err"
	expect_text "verify OK"
	expect_text "http://crl.example.com/issuing-1/$shard.crl"
done
openssl crl -inform DER -in "$(der issuing-1/15)" -noout \
	-CAfile "$T/issuing.pem" >"$T/out" 2>"$T/err"
expect_text "verify OK"
expect_exit 0 "$PROVCTL" -C "$H" export crl --ca issuing-1 --shard 31
verify_audit

tests_end
