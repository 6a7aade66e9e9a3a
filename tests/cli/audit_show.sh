#!/bin/sh
# The story of one thing as `audit show' tells it from the log of a real
# authority: devices issued, exported, denied and held, by every handle there
# is; for people, and as JSON that jq reads; with no secret in it.
. "$(dirname "$0")/../lib.sh"
scan=$builddir/tests/cli/scan
needles=$T/needles

# show OPTION...: exit 0, and the types in order in $types.
show() {
	expect_exit 0 "$PROVCTL" -C "$H" --json audit show "$@"
	types=$(jq -r .type "$T/out" | tr '\n' ' ')
}

# expect_types TYPES OPTION...
expect_types() {
	want_types=$1
	shift
	show "$@"
	expect_equal "$types" "$want_types" "audit show $*"
}

needle() {
	printf '%s %s\n' "$1" "$(od -An -v -tx1 "$2" | tr -d ' \n')" \
		>>"$needles"
}

new_authority
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"
p export bundle --device client-00000001 -o "$T/2.pvb"
new_device symmetric-sensor S0000000001
issue symmetric-sensor S0000000001 -o "$T/s.pvb"
new_device tls-client client-00000002
request_line client-00000002 '{"request": "r-2"}' >"$T/in.jsonl"
p issue --template tls-client --from "$T/in.jsonl" --out "$T/o" \
	>/dev/null 2>&1
# The first device's key under another id is denied.
request_line client-00000001 '{"request": "r-3", "device": "client-00000003"}' \
	>"$T/in.jsonl"
p issue --template tls-client --from "$T/in.jsonl" --out "$T/o3" \
	>/dev/null 2>&1
p export inventory >"$T/inventory"
serial=$(jq -r 'select(.device == "client-00000001") | .serial' "$T/inventory")
second=$(jq -r 'select(.device == "client-00000002") | .serial' "$T/inventory")

case_start "the whole log: every entry once, in order, each a line of JSON"
entries=$(p --json audit verify | jq .entries)
show
expect_equal "$(wc -l <"$T/out")" "$entries" lines
expect_equal "$(jq -s -c 'map(.index) == [range(length)]' "$T/out")" true \
	"indices are 0, 1, 2, ..."
expect_equal "$(jq -s -c 'map(.time) | . == sort' "$T/out")" true "time order"
expect_equal "$(jq -s -c 'map(keys_unsorted | join(" ")) | unique' "$T/out")" \
	'["index time type actor object facts"]' keys
jq -e -s 'all(.time | test("^20[0-9-]{8}T[0-9:]{8}[.][0-9]{3}Z$"))' \
	"$T/out" >/dev/null || fail "a time has another form"
cp "$T/out" "$T/all"
expect_exit 0 "$PROVCTL" -C "$H" audit show
expect_equal "$(wc -l <"$T/out")" "$entries" "lines for people"
expect_equal "$(awk '{ print $3 }' "$T/out" | cksum)" \
	"$(jq -r .type "$T/all" | cksum)" "types for people"

case_start "a device: intent, certificate, bundle, export; by every handle"
story="cert.intent cert.issue bundle.seal export "
expect_types "$story" --device client-00000001
bundle=$(jq -r 'select(.type == "bundle.seal") | .object' "$T/out")
expect_equal "$(jq -r 'select(.type == "export") | .object' "$T/out")" \
	"$bundle" "exported bundle"
expect_equal "$(jq -r 'select(.type == "cert.issue") | .object' "$T/out")" \
	"$serial" serial
expect_equal "$(jq -r 'select(.type == "cert.issue") | .facts.cert' "$T/out")" \
	"$(jq -r 'select(.device == "client-00000001") |
		.certificate_sha256' "$T/inventory")" "the certificate's hash"
cp "$T/out" "$T/story"
for handle in "--serial $serial" "--request client-00000001" \
	"--serial $(echo "$serial" | tr a-f A-F)"; do
	# shellcheck disable=SC2086  # words
	show $handle
	same_bytes "$T/story" "$T/out"
done
expect_types "bundle.seal export " --bundle "$bundle"
expect_types "cert.intent cert.issue bundle.seal " --request r-2
expect_equal "$(jq -r .object "$T/out" | head -n 1)" "$second" "its serial"
expect_exit 0 "$PROVCTL" -C "$H" audit show --device client-00000001
expect_text "cert=$(jq -r '.facts.cert // empty' "$T/story")"
expect_text "device=client-00000001"
expect_equal "$(wc -l <"$T/out")" 4 "lines for people"

case_start "a device without a certificate, and one that got none"
expect_types "cert.intent bundle.seal " --device S0000000001
expect_types "request.deny " --device client-00000003
expect_types "request.deny " --request r-3
jq -e '.facts.rule | length > 0' "$T/out" >/dev/null || fail "no rule"

case_start "a device that is held tells why"
cp "$H/provctl.json" "$T/right.json"
sed "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$T/right.json" >"$H/provctl.json"
accept_module
new_device tls-client client-00000004
FAULT_FLIP=1
export FAULT_FLIP
issue tls-client client-00000004
unset FAULT_FLIP
cat "$T/right.json" >"$H/provctl.json"
accept_module
show --device client-00000004
expect_equal "${types%% *}" cert.intent "first type"
json_holds "$types" quarantine.put
held=$(jq -r 'select(.type == "quarantine.put") | .facts.serial' "$T/out")
cp "$T/out" "$T/story"
show --serial "$held"
json_holds "$types" "cert.intent quarantine.put"

case_start "a key, a template, an officer"
expect_types "key.generate ceremony.step cert.intent cert.issue quarantine.put " \
	--key acme/issuing-1/1
p export key --purpose bundle >"$T/bundle.pem"
expect_types "key.generate ceremony.step export " --key acme/bundle/1
show --template tls-client
json_holds "$types" "template.adopt ceremony.step"
json_holds "$types" "cert.intent bundle.seal cert.intent bundle.seal"
show --officer "os:$(id -u)"
expect_equal "$(wc -l <"$T/out")" "$(p --json audit show | wc -l)" "all of them"
expect_error 10 log.none -C "$H" audit show --officer nobody

case_start "types, times and the last ones"
expect_types "cert.intent cert.intent " --type cert.intent \
	--template tls-client --since 1970-01-02T00:00:00Z --last 2
show --type cert.issue,request.deny --last 2
expect_equal "$(wc -l <"$T/out")" 2 lines
show --last 3
expect_equal "$(jq -s -c 'map(.index)' "$T/out")" \
	"$(p --json audit show | tail -n 3 | jq -s -c 'map(.index)')" "the last"
expect_types "cert.issue bundle.seal export " --device client-00000001 --last 3
expect_types "bundle.seal export " --device client-00000001 \
	--type bundle.seal,export
# a later second than all before
sleep 1
p export inventory >"$T/inventory"
middle=$(p --json audit show --last 1 | jq -r .time | sed 's/[.].*/Z/')
p --json audit show --since "$middle" >"$T/late"
p --json audit show --until "$middle" >"$T/early"
p --json audit show >"$T/now"
cat "$T/early" "$T/late" >"$T/both"
same_bytes "$T/both" "$T/now"
jq -e -s --arg t "$middle" 'all(.time >= ($t | sub("Z"; ".000Z")))' \
	"$T/late" >/dev/null || fail "an entry before --since"
[ -s "$T/early" ] && [ -s "$T/late" ] || fail "one half is empty"
expect_error 10 log.none -C "$H" audit show --since 2999-01-01T00:00:00Z
expect_error 10 log.none -C "$H" audit show --device client-00000001 \
	--until 1970-01-02T00:00:00Z
expect_error 10 log.none -C "$H" audit show --type quarantine.release
expect_error 2 usage.value -C "$H" audit show --type cert.issue,cert.isue
expect_text 'is none'
expect_text "provctl audit show --help"
expect_exit 0 "$PROVCTL" audit show --help
expect_text "cert.intent cert.issue bundle.seal export"
expect_text "template.adopt secret.add secret.rotate secret.destroy"
# Every type of the log's headers is one, in help and manual, too.
provctl_help=$("$PROVCTL" audit show --help | tr -s '\n ' '  ')
man_types=$(sed 's/\\-/-/g' "$srcdir/docs/provctl.1" | tr -s '\n ,' '   ')
sed -n 's/^#define LOG_[A-Z_]* "\([a-z]*[.][a-z]*\|export\|receipt\|event\)"$/\1/p' \
	"$srcdir"/lib/log/*.h >"$T/types"
[ "$(wc -l <"$T/types")" -ge 30 ] || fail "the headers were not read"
while read -r type; do
	run "$PROVCTL" -C "$H" audit show --type "$type" --last 1
	[ "$rc" -eq 0 ] || [ "$rc" -eq 10 ] || fail "--type $type: exit $rc"
	case $provctl_help in
	*" $type "*) ;;
	*) fail "help does not name $type" ;;
	esac
	case $man_types in
	*" $type "* | *" $type. "*) ;;
	*) fail "the manual does not name $type" ;;
	esac
done <"$T/types"
expect_error 10 log.none -C "$H" audit show --key log
expect_text "like acme/log/1"

case_start "what it does not take"
expect_error 10 log.none -C "$H" audit show --device none
expect_equal "$(jq -r .error.object "$T/out")" none object
for wrong in "--device a --serial $serial" "--serial 01" "--serial xyz" \
	"--serial ${serial}0" "--bundle ${bundle}00" "--last 0" "--last x" \
	"--since yesterday" "--since 2026-02-30T00:00:00Z" "--type ,export" \
	"--type Export" "--device" "extra" "--strict" \
	"--since 2026-01-02T00:00:00Z --until 2026-01-01T00:00:00Z"; do
	# shellcheck disable=SC2086  # words
	expect_error 2 "" -C "$H" audit show $wrong
done

case_start "a reader that stops, a full disk: never 0"
mkfifo "$T/gone"
(exec 3<"$T/gone") &
exec 4>"$T/gone"
wait $!
"$PROVCTL" -C "$H" audit show >&4 2>"$T/err"
expect_equal "$?" 130 "exit without a reader"
exec 4>&-
"$PROVCTL" -C "$H" audit show >/dev/full 2>"$T/err"
expect_equal "$?" 8 "exit on a full disk"

case_start "neither token nor PIN is needed"
mv "$H/softhsm" "$T/away"
show --device client-00000001
mv "$T/away" "$H/softhsm"
verify_audit

case_start "no secret stands in it"
p export key --purpose bundle >"$T/bundle.pem"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
p export kek --to "$T/programmer.pem" --device S0000000001 -o "$T/kek.cms"
openssl cms -decrypt -inform DER -in "$T/kek.cms" -recip "$T/programmer.pem" \
	-inkey "$T/programmer.key" -out "$T/kek"
"$PROVDEV" program "$T/dev/S0000000001" --from "$T/kek"
run "$PROVDEV" open "$T/dev/S0000000001" "$T/s.pvb" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "provdev open"
needle pin "$H/softhsm/pin"
needle so-pin "$H/softhsm/so-pin"
for secret in "$T"/dev/S0000000001/active/*/secrets/*.bin; do
	needle "$(basename "$secret")" "$secret"
done
for name in kek auth receipt; do
	echo "$name $(cat "$T/dev/S0000000001/$name.hex")" >>"$needles"
done
[ "$(wc -l <"$needles")" -ge 7 ] || fail "only $(wc -l <"$needles") needles"
expect_types "cert.intent bundle.seal export " --device S0000000001
p audit show >"$T/said"
p --json audit show >>"$T/said"
"$scan" "$needles" "$T/said" >"$T/hits" 2>&1 ||
	fail "scan: $(head -n 5 "$T/hits")"
sed -n 's/^kek //p' "$needles" >>"$T/said"
"$scan" "$needles" "$T/said" >"$T/hits" 2>&1 &&
	fail "a planted one is not found"

case_start "a log that was edited behind our back tells no story"
copy_authority "$T/edited"
"$builddir/tests/cli/sql" "$H/store.db" "pragma wal_checkpoint(truncate)" \
	>/dev/null || fail "no checkpoint"
perl -e 'local $/; open(my $f, "+<:raw", $ARGV[0]) or die; my $all = <$f>;
	my $n = $all =~ s/client-00000003/client-0000\x1b003/g; die unless $n;
	seek($f, 0, 0); print $f $all;' "$H/store.db" || fail "cannot edit"
expect_error 5 store.older -C "$H" audit show
expect_error 5 store.older -C "$H" audit show --device client-00000001
grep -q '^{"index"' "$T/out" && fail "entries of it are shown"
# audit verify says which entry it is
expect_exit 5 "$PROVCTL" -C "$H" audit verify

tests_end
