#!/bin/sh
# Options, templates, cases and devices that are wrong: what is said names the
# file, the word and the way on.
. "$(dirname "$0")/../lib.sh"

new_authority
tls=$srcdir/templates/tls-client.json

case_start "options of provctl behind the verb"
for words in "status --json" "status -v" "status -q" "status -C x"; do
	# shellcheck disable=SC2086  # words
	expect_exit 2 "$PROVCTL" $words
	expect_text "it goes before the verb"
done
expect_exit 2 "$PROVCTL" -C
expect_text "-C needs a value"
expect_exit 2 "$PROVCTL" issue --template
expect_text "--template needs a value"
expect_exit 2 "$PROVCTL" policy lint
expect_text "policy lint takes FILE, not 0 arguments"
expect_exit 2 "$PROVCTL" policy test a
expect_text "policy test takes FILE and CASES, not 1 argument"
expect_exit 2 "$PROVCTL" policy lnit a
expect_text 'policy does not know "lnit"'

case_start "a hint names the whole command"
expect_exit 2 "$PROVCTL" audit verify --no-such
expect_text "see \`provctl audit --help'"
expect_exit 2 "$PROVCTL" --json export nothing at all
expect_equal "$(jq -r .error.hint "$T/out")" "see \`provctl export --help'" hint
expect_exit 2 "$PROVCTL" --as alice status
expect_text "see \`provctl --help'"

case_start "help is one screen, with an example, and of what was asked for"
# one_screen WORDS...: their help, in $T/out.
one_screen() {
	expect_exit 0 "$PROVCTL" "$@" --help
	[ "$(grep -c '^example: ' "$T/out")" = 1 ] || fail "no example: $*"
	[ "$(wc -l <"$T/out")" -le 45 ] ||
		fail "$*: $(wc -l <"$T/out") lines"
	awk 'length > 80 { exit 1 }' "$T/out" || fail "$*: a long line"
}
# usage_of VERB: the words that its usage names, one to a line each: "a|b".
usage_of() {
	sed '/^$/q' "$T/out" | sed -nE "s/^(usage:|      ) provctl (-C DIR )?$1 \
([a-z]([-a-z]| \\| |\\|)*).*/\\3/p" | sed 's/ *| */|/g; s/[ |]*$//' |
		sort -u
}
words=0
for verb in $("$PROVCTL" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
	one_screen "$verb"
	grep -q "^usage: provctl $verb" "$T/out" || fail "usage of $verb"
	usage_of "$verb" >"$T/words"
	for word in $(tr '|' '\n' <"$T/words"); do
		words=$((words + 1))
		one_screen "$verb" "$word"
		own=$(usage_of "$verb")
		case "|$own|" in
		*"
"*) fail "$verb $word has the help of others: $own" ;;
		*"|$word|"*) ;;
		*) fail "$verb $word has the help of: $own" ;;
		esac
		grep -qE "^example: .*provctl (-C acme )?(--json )?$verb (${own}) ?" \
			"$T/out" || fail "no example of $verb $word"
	done
done
[ "$words" -ge 60 ] || fail "$words words"
expect_exit 0 "$PROVCTL" audit show --device x --help
expect_text "usage: provctl audit show"
for other in reconcile witness cosign anomalies; do
	grep -q "audit $other" "$T/out" && fail "audit show --help has $other"
done

case_start "help whose reader has gone ends quietly"
for words in "--help" "--version" "issue --help"; do
	# shellcheck disable=SC2086  # words
	(
		sleep 0.2
		"$PROVCTL" $words 2>"$T/err"
		echo $? >"$T/rc"
	) | true
	expect_equal "$(cat "$T/rc")" 0 "exit of $words"
	[ ! -s "$T/err" ] || fail "$words: $(cat "$T/err")"
done

case_start "a mistake in a template names the file"
sed 's|"version": 1,|"version": "one",|' "$tls" >"$T/wrong.json"
expect_error 3 '' policy lint "$T/wrong.json"
expect_text "\"object\":\"$T/wrong.json#/version\""
run "$PROVCTL" policy lint "$T/wrong.json"
expect_equal "$(head -n 1 "$T/err")" "provctl: $T/wrong.json: not an integer at \
/version (line 2, column 40)" "the place, once"
jq '.rotation = {renew_before_minutes: 600000}' "$tls" >"$T/range.json"
run "$PROVCTL" policy lint "$T/range.json"
expect_text template.range
expect_text "next: see templates/template.schema.json"
sed 's|"clientAuth"|"clientAuht"|' "$tls" >"$T/wrong.json"
expect_error 3 '' policy lint "$T/wrong.json"
expect_text '"clientAuht'
expect_text "clientAuth, codeSigning"
expect_exit 0 "$PROVCTL" policy lint "$tls"
for schema in "$srcdir"/templates/*.schema.json; do
	jq -e .title "$schema" >/dev/null 2>&1 || fail "$schema is no JSON"
done

case_start "the example of policy --help, as it stands"
"$PROVCTL" policy --help | sed -n '/^  {"cases"/,/}]}$/p' >"$T/cases.json"
expect_exit 0 "$PROVCTL" policy test "$tls" "$T/cases.json"
sed -n '/^{"cases"/,/^]}/p' "$srcdir/docs/provctl.1" | sed 's/\\-/-/g' \
	>"$T/cases.json"
expect_exit 0 "$PROVCTL" policy test "$tls" "$T/cases.json"
expect_text "2 cases as expected"
examples=$srcdir/templates/examples
expect_exit 0 "$PROVCTL" policy test "$examples/field-sensor.json" \
	"$examples/field-sensor.cases.json"
expect_text "$(jq '.cases | length' "$examples/field-sensor.cases.json") cases as expected"
expect_exit 0 "$PROVCTL" policy lint "$examples/field-sensor.json"
grep -q warning "$T/err" && fail "the example is warned of"
sed 's|"clock_step_s": 86400|"clock_step_s": 3600|' \
	"$examples/field-sensor.json" >"$T/wrong.json"
expect_exit 0 "$PROVCTL" policy lint "$T/wrong.json"
expect_text "this always trips"
expect_text "/limits/anomalies/clock_step_s (line 1"
echo '{"cases":[]}' >"$T/cases.json"
expect_error 3 policy.cases policy test "$tls" "$T/cases.json"

case_start "an older version adopted later is not in effect"
for version in 3 2; do
	sed "s|\"version\": 1,|\"version\": $version,|" "$tls" \
		>"$T/v$version.json"
done
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/v3.json"
expect_error 9 store.template -C "$H" policy adopt "$T/v2.json"
expect_text "version 3 of tls-client is adopted"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$tls"
expect_text "version 3 stays in effect"

case_start "what is wrong with a device's files"
new_device tls-client client-00000001
new_device tls-client client-00000002
dev=$T/dev/client-00000001
run "$PROVCTL" -C "$H" issue --template tls-client --device client-00000001 \
	--csr "$dev/csr.pem" --seal-key "$dev/seal_pub.pem"
expect_equal "$rc" 3 "exit without a signature over the sealing key"
expect_text "seal_key_sig is missing"
run "$PROVCTL" -C "$H" issue --template tls-client --device client-00000001 \
	--csr "$dev/key.pem"
expect_equal "$rc" 3 "exit for a private key as CSR"
expect_text 'PRIVATE KEY'
expect_exit 0 openssl req -new -key "$T/dev/client-00000001/key.pem" \
	-subj /CN=client-00000002 -out "$dev/csr.pem"
issue tls-client client-00000001
expect_equal "$rc" 4 "exit for the CSR of another device"
expect_text "CN is client-00000002 where the template gives client-00000001"
expect_text "another device"

case_start "files and folders that are not what they should be"
expect_exit 3 "$PROVCTL" -C "$H" export kek --to "$tls" --device S0000000001
expect_text "$tls: "
expect_exit 10 "$PROVCTL" -C "$H" issue --template tls-client \
	--from "$T/none.jsonl" --out "$T/a/b/c"
echo '{"device":"S0000000001"}' >"$T/in.jsonl"
expect_exit 10 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/a/b/c"
expect_text "make its parent folder first"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
expect_exit 2 "$PROVCTL" -C "$H" export segment --device S0000000001 \
	--item 1 --out "$T/segments"
[ ! -e "$T/segments" ] || fail "segments were written"
mv "$H/store.db" "$T/store.db"
expect_error 10 store.missing -C "$H" audit verify
expect_text "restore it from a backup"
mv "$T/store.db" "$H/store.db"

case_start "many open intents: some are named, the rest counted"
awk 'BEGIN { for (i = 0; i < 4000; i++) printf "{\"device\":\"S2%09d\"}\n", i }' \
	>"$T/in.jsonl"
open=0
tries=0
while [ "$open" -le 20 ] && [ "$tries" -lt 10 ]; do
	tries=$((tries + 1))
	"$PROVCTL" -C "$H" issue --template symmetric-sensor --jobs 2 \
		--from "$T/in.jsonl" --out "$T/many$tries" >"$T/out" \
		2>"$T/err" </dev/null &
	pid=$!
	echo "$pid" >>"$T/pids"
	sleep 0.25
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	# Its children end with it; what they are committing comes first.
	left=0
	while grep -l -a -F "$T/many$tries" /proc/[0-9]*/cmdline \
		>"$T/left" 2>/dev/null && [ "$left" -lt 200 ]; do
		sleep 0.05
		left=$((left + 1))
	done
	verify_audit
	open=$(audit_number open_intents)
done
if [ "$open" -gt 20 ]; then
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_text "... and $((open - 20)) more (-v shows all)"
	expect_text "run the interrupted"
	expect_equal "$(grep -c '^open intent' "$T/err")" 20 "named intents"
	expect_exit 0 "$PROVCTL" -C "$H" -v audit verify
	expect_equal "$(grep -c '^open intent' "$T/err")" "$open" "with -v"
else
	skip_case "no kill left enough of them"
fi

case_start "the man page has every key of provctl.json"
for key in $(jq -r 'keys[]' "$H/provctl.json") store pin_source publish_hook; do
	grep -q "^\.B \(.*fP\)\{0,1\}$key\(\\\\f.*\)\{0,1\}$" \
		"$srcdir/docs/provctl.1" || fail "nothing about $key"
done

tests_end
