#!/bin/sh
# People stop at a list behind the last step, once and twice, and go on: what
# they refused is signed by nobody, and the transcript holds. What has ended
# comes to its note after the plan's dates, too.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/later.sh"

cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
plan first '{"step": "init-token"}' "$(key root P-256)" \
	"$(key issuing-1 P-256)" "$(key bundle P-256)" "$(key log P-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}' \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}'
sed -i "s/\"version\": 1,/\"version\": 1, \"not_after\": \"$(date -u \
	-d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)\",/" "$T/first.json"
rehearse_first
lines=$H/ceremonies/first-1/transcript.jsonl

first() {
	word=$1
	shift
	run "$PROVCTL" ceremony "$word" "$T/first.json" --home "$H" \
		--answers "$T/answers" --templates "$templates" "$@"
}

for stops in 1 2; do
	case_start "a stop at the second list, $stops times"
	rm -rf "$H" "$T/tokens"
	mkdir "$T/tokens"
	# A yes before each step and to each certificate, and to the root's list.
	yes yes | head -n 10 >"$T/answers"
	echo stop >>"$T/answers"
	first run --binding "$T/binding.json" --rehearsal "$R"
	expect_rc 130 "a stop"
	expect_equal "$(jq -r 'select(.event == "sign" and .facts.list).facts |
		.ca' "$lines" | tr '\n' ' ')" "root issuing-1 " "lists shown"
	if [ "$stops" -eq 2 ]; then
		echo stop >"$T/answers"
		first resume
		expect_rc 130 "a second stop"
	fi
	cp "$T/yes" "$T/answers"
	first resume
	expect_rc 0 "the end"
	expect_equal "$(jq -r 'select(.event == "crl").facts.ca' "$lines" |
		tr '\n' ' ')" "root issuing-1 " "lines of lists"
	expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log-$stops"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended "$lines" \
		--plan "$T/first.json" --log "$T/log-$stops"
	audited
done

case_start "an end that was cut off comes to its own after the plan's dates"
rm "$H/provctl.json"
echo 7200 >"$T/clock"
run env CLOCK_FILE="$T/clock" LD_PRELOAD="$builddir/tests/cli/clock.so" \
	"$PROVCTL" ceremony resume "$T/first.json" --home "$H" \
	--answers "$T/yes" --templates "$templates"
expect_rc 0 "what has ended"
[ -s "$H/provctl.json" ] || fail "no provctl.json"

case_start "gone on with when the first list is due again: nothing is signed unseen"
rm -rf "$H" "$T/tokens"
mkdir "$T/tokens"
sed -i "s/\"not_after\": \"[^\"]*\"/\"not_after\": \"2090-01-01T00:00:00Z\"/" \
	"$T/first.json"
rm -rf "$R"
rehearse_first
yes yes | head -n 10 >"$T/answers"
echo stop >>"$T/answers"
first run --binding "$T/binding.json" --rehearsal "$R"
expect_rc 130 "a stop"
echo 561600 >"$T/clock"
run env CLOCK_FILE="$T/clock" LD_PRELOAD="$builddir/tests/cli/clock.so" \
	"$PROVCTL" ceremony resume "$T/first.json" --home "$H" \
	--answers "$T/yes" --templates "$templates"
expect_rc 0 "the end"
expect_equal "$(jq -r 'select(.event == "sign" and .facts.list == "root/0").facts |
	.number' "$lines" | tr '\n' ' ')" "1 " "lists of the root that were shown"
expect_equal "$(env CLOCK_FILE="$T/clock" LD_PRELOAD="$builddir/tests/cli/clock.so" \
	"$PROVCTL" -C "$H" --json audit show --type crl.issue | wc -l)" 2 \
	"lists signed"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$lines" \
	--plan "$T/first.json"

tests_end
