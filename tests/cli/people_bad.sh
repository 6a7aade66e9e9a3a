#!/bin/sh
# What people hand in and must not: rosters, orders, requests for approval,
# notes, names and times, a row each with the code and the rule that refuse it.
# Nothing of it reaches the log.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

rows=0
# refused CODE RULE PROVCTL-ARGUMENT...: one run, its error as JSON.
refused() {
	refused_as=$1,$2
	shift 2
	run "$PROVCTL" --json "$@"
	rows=$((rows + 1))
	said=$(jq -r 'select(.error) | .error | "\(.code),\(.rule)"' "$T/out")
	[ "$said" = "$refused_as" ] && [ "$rc" = "${refused_as%%,*}" ] || {
		fail "exit $rc, \"$said\", not \"$refused_as\": $*: ${what:-}"
		show_output
	}
	no_secret "$T/out" "$T/err"
	# What a stranger wrote is not obeyed by a terminal.
	if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$T/out" \
		"$T/err"; then
		fail "control characters in the output: $*: ${what:-}"
	fi
}

# table VERB...: rows "CODE RULE JQ-FILTER" on standard input, each applied to
# $T/good.json and given to the verb as a file.
table() {
	while read -r code rule what; do
		jq --slurpfile second "$T/second.json" "$what" "$T/good.json" \
			>"$T/bad.json" || fail "jq: $what"
		refused "$code" "$rule" -C "$H" "$@" "$T/bad.json"
	done
}

# texts RULE JQ-PATH VERB...: one row for each character that no text may have.
texts() {
	texts_rule=$1
	texts_at=$2
	shift 2
	for c in 0001 0007 001b 007f 0085 061c 200e 200f 2028 202e 2066 2069; do
		what="$texts_at |= . + \"x\\u$c\""
		jq "$what" "$T/good.json" >"$T/bad.json" || fail "jq: $what"
		run "$PROVCTL" --json -C "$H" "$@" "$T/bad.json"
		rows=$((rows + 1))
		expect_equal "$rc" 3 "exit of U+$c"
		jq -r .error.rule "$T/out" | grep -q -x -E "$texts_rule" ||
			fail "U+$c at $texts_at: $(cat "$T/out")"
	done
}

new_authority
# Before there is a roster: under one another module has to be accepted.
jq --arg shim "$builddir/tests/fault/shim.so" '.module = $shim' \
	"$H/provctl.json" >"$T/shim.json" &&
	cat "$T/shim.json" >"$H/provctl.json"
accept_module
for name in alice bob carol line-1 line-2; do
	officer_key "$name"
done
"$PROVCTL" officer key new --name alice --file "$T/keys/second.key" \
	>"$T/keys/second.vkey"
jq -R . "$T/keys/second.vkey" >"$T/second.json"
make_roster "$T/r1.json" 1 '"roster": 2, "order": 2' \
	alice:security-officer bob:security-officer carol:operator
size=$(p --json status | jq .log_size)

case_start "rosters that are none"
cp "$T/r1.json" "$T/good.json"
table officer roster <<'END'
3 roster.key .officers[0].keys += [.officers[0].keys[0]]
3 roster.key .officers[0].keys += [.officers[1].keys[0]]
3 roster.key .officers[1].keys = .officers[0].keys
3 roster.key .officers[1].keys[0].vkey = $second[0]
3 roster.key .officers[0].keys[0].vkey |= .[0:-4] + "AAAA"
3 roster.key .officers[0].keys[0].vkey = "alice+00000000+AQAA"
3 roster.key .officers[0].keys[0].vkey = "alice"
3 roster.name .officers[1].name = "alice"
3 roster.name .officers[0].name = "os:0"
3 roster.name .officers[0].name = "al+ice"
3 roster.name .officers[0].name = "al,ice"
3 roster.name .officers[0].name = "../alice"
3 roster.name .officers[0].name = "-alice"
3 roster.length .officers[0].name = ""
3 roster.name .officers[0].name = "a b"
3 roster.person .officers[1].person = .officers[0].person
3 roster.person .officers[1].person = (.officers[0].person | ascii_upcase)
3 roster.person .officers[0].person = " Alice"
3 roster.length .officers[0].person = ""
3 roster.quorum .quorum.roster = 3
3 roster.quorum .quorum.adopt = 3
3 roster.quorum .officers[1].roles = ["operator"]
3 roster.range .quorum.roster = 0
3 roster.range .quorum.roster = -1
3 roster.range .quorum.roster = 2147483648
3 roster.type .quorum.roster = 1.5
3 roster.type .quorum.roster = "2"
3 roster.missing del(.quorum.roster)
3 roster.missing del(.quorum)
3 roster.unknown_key .quorum.everything = 1
3 roster.unknown_key .officers[0].admin = true
3 roster.role .officers[0].roles = ["operator", "operator"]
3 roster.value .officers[0].roles = ["root"]
3 roster.count .officers[0].roles = []
3 roster.count .officers[0].keys = []
3 roster.count .officers = []
3 roster.range .version = 0
3 roster.range .version = 9007199254740992
9 store.roster .version = 2
3 roster.value .roster = "provctl/roster/v2"
3 roster.value .officers[0].keys[0].kind = "paper"
END
texts 'roster\.(text|control|name)' .officers[0].person officer roster
texts 'roster\.(name|text|control)' .officers[0].name officer roster

case_start "rosters that are no JSON of ours"
# raw RULE sed-SCRIPT VERB...: $T/good.json on one line, edited as text.
raw() {
	raw_rule=$1
	what=$2
	jq -c . "$T/good.json" | sed "$2" >"$T/bad.json"
	shift 2
	refused 3 "$raw_rule" -C "$H" "$@" "$T/bad.json"
}
raw json.duplicate 's|"quorum":|"quorum": {"roster": 1}, &|' officer roster
raw json.duplicate 's|"vkey":|"vkey": "x", &|' officer roster
raw json.syntax 's|$| {}|' officer roster
raw json.syntax 's|}$||' officer roster
raw roster.range 's|"version":1|"version":9223372036854775807|' officer roster
raw json.syntax 's|"version":1|"version":9223372036854775808|' officer roster
: >"$T/bad.json"
what="an empty file"
refused 3 json.syntax -C "$H" officer roster "$T/bad.json"
head -c 70000 /dev/zero | tr '\0' ' ' >"$T/bad.json"
what="70,000 blanks"
refused 3 file.size -C "$H" officer roster "$T/bad.json"
what="a folder"
refused 3 file.type -C "$H" officer roster "$T/keys"

case_start "orders that are none"
make_order "$T/good.json" o-1 "$templates/symmetric-sensor.json" 10
jq --rawfile a "$T/keys/line-1.vkey" '.station_keys = {"line-1":
	($a | rtrimstr("\n"))}' "$T/good.json" >"$T/keyed.json"
table order open <<'END'
3 order.range .quantity = 0
3 order.range .quantity = -1
3 order.range .quantity = 1000000001
3 order.range .quantity = 9007199254740992
3 order.type .quantity = 1.5
3 order.type .quantity = "10"
3 order.type .quantity = null
3 order.missing del(.quantity)
3 order.range .rework = -1
3 order.range .rework = 1000000001
3 order.range .version = 0
3 order.range .per_hour = 0
3 order.window .from = "2030-01-02T00:00:00Z" | .until = "2030-01-01T00:00:00Z"
3 order.window .from = "2030-01-01T00:00:00Z" | .until = "2030-01-01T00:00:00Z"
3 order.time .until = "2030-02-30T00:00:00Z"
3 order.time .until = "2030-01-01T00:00+02"
3 order.length .until = "2030-01-01T00:00:00+02:00"
3 order.time .until = "1970-01-01T00:00:00Z"
3 order.type .until = 1893456000
4 order.window .until = "2020-01-01T00:00:00Z"
3 order.stations .stations = ["*"]
3 order.stations .stations = ["**"]
3 order.stations .stations = ["?*"]
3 order.stations .stations = ["line-1", "*?*"]
3 order.stations .stations = ["line-1", "line-1"]
3 order.count .stations = []
3 order.count .stations = [range(17) | "line-\(.)"]
3 order.length .stations = [""]
3 order.name .stations = ["a/b"]
3 order.hours .hours_utc = "06:00-06:00"
3 order.hours .hours_utc = "6-22"
3 order.hours .hours_utc = "22:00-25:00"
3 order.digest .template_sha256 |= ascii_upcase + ""
3 order.digest .template_sha256 |= .[1:]
3 order.name .order = "../o"
3 order.name .order = "-o"
3 order.name .order = "a/b"
3 order.length .order = ""
3 order.name .order = ("o" * 65)
3 order.type .offline = "yes"
3 order.unknown_key .quantiy = 10
3 order.range .station_keys = {}
3 order.station_key .station_keys = {"line-1": $second[0]}
3 order.station_key .station_keys = {"line-1": "line-1"}
4 order.template .version = 2
4 order.template .template = "no-such"
4 order.template .template_sha256 = ("0" * 64)
END
texts 'order\.(name|text|control)' .order order open
texts 'order\.(name|text|control)' .template order open
texts 'order\.(name|text|control)' '.stations = ["line-"] | .stations[0]' \
	order open
raw order.range 's|"quantity":10|"quantity":9223372036854775807|' order open
for number in 9223372036854775808 18446744073709551616; do
	raw json.syntax "s|\"quantity\":10|\"quantity\":$number|" order open
done
raw order.type 's|"quantity":10|"quantity":1e3|' order open
raw json.duplicate 's|"quantity":10|&, "quantity": 1000|' order open
what="one key at two stations"
jq '.station_keys["line-2"] = (.station_keys["line-1"] | sub("line-1";
	"line-2"))' "$T/keyed.json" >"$T/bad.json"
refused 3 order.station_key -C "$H" order open "$T/bad.json"
expect_exit 10 "$PROVCTL" -C "$H" order show o-1

case_start "names and times that are none"
what=
bidi=$(printf 'a\342\200\256b')
refused 3 note.name officer key new --name "$bidi" --file "$T/keys/x.key"
refused 3 note.name officer key new --name 'a+b' --file "$T/keys/x.key"
[ ! -e "$T/keys/x.key" ] || fail "a key was made"
printf x >"$T/value"
refused 3 secret.name -C "$H" secret add "$bidi" --from "$T/value"
refused 3 secret.name -C "$H" secret add ../fleet --from "$T/value"
refused 2 usage.value -C "$H" quarantine release 0
refused 2 usage.value -C "$H" quarantine release 9223372036854775808
refused 10 quarantine.none -C "$H" quarantine release 9223372036854775807
for time in 2030-02-30T00:00:00Z 2030-01-01 "2030-01-01T00:00:00+01:00" now; do
	refused 2 usage.option -C "$H" clock accept --until "$time"
done
refused 10 order.unknown -C "$H" order show "$bidi"

case_start "none of it is in the log"
expect_equal "$(p --json status | jq .log_size)" "$size" "entries"
verify_audit

expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
size=$(p --json status | jq .log_size)
make_order "$T/o-1.json" o-1 "$templates/symmetric-sensor.json" 10
expect_exit 11 "$PROVCTL" -C "$H" order open "$T/o-1.json" --request "$T/q.json"

case_start "a lowered quorum: by hand in the file, in the store, in the request"
jq '.version = 2 | .quorum.order = 1' "$T/r1.json" >"$T/r2.json"
refused 11 approval.missing -C "$H" officer roster "$T/r2.json"
jq '.quorum.order = 1' "$T/r1.json" >"$T/r1b.json"
refused 9 store.roster -C "$H" officer roster "$T/r1b.json"
approve alice "$T/q.json"
expect_equal "$rc" 0 "exit of approve"
refused 11 approval.missing -C "$H" order open "$T/o-1.json" \
	--approval "$T/notes/alice.note"
whole=$H
copy_authority "$T/lowered"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE roster SET bytes =
	CAST(replace(bytes, '\"order\": 2', '\"order\": 1') AS BLOB)" ||
	fail sql
refused 5 store.governance -C "$H" order open "$T/o-1.json" \
	--approval "$T/notes/alice.note"
H=$whole

case_start "requests for approval that are none"
cp "$T/q.json" "$T/good.json"
while read -r code rule what; do
	jq "$what" "$T/good.json" >"$T/bad.json" || fail "jq: $what"
	refused "$code" "$rule" approve "$T/bad.json" --as bob --key \
		"$T/keys/bob.key" --yes
done <<'END'
3 approval_request.log .log = "ac me"
3 approval_request.hex .root |= .[1:] + "g"
3 approval_request.hex .nonce |= .[1:]
3 approval_request.operation .operation = "everything"
3 approval_request.name .requester = "a b"
3 approval_request.time .expires = "tomorrow"
4 approval.expired .expires = "2020-01-01T00:00:00Z"
4 approval.requester .requester = "bob"
3 approval_request.base64 .subject = "#"
3 approval_request.length .subject = ""
3 approval_request.value .approval_request = "provctl/approval-request/v2"
3 approval_request.unknown_key .quorum = 1
3 approval_request.fact .context = {"a\nb": "x"}
3 approval_request.text .context = {"a": "x\u202e"}
3 order.range .subject = (.subject | @base64d | fromjson | .quantity = 0 | tojson | @base64)
3 order.stations .subject = (.subject | @base64d | fromjson | .stations = ["*"] | tojson | @base64)
END

case_start "notes that are none"
good=$T/notes/alice.note
# note RULE sed-SCRIPT: alice's note with one thing changed.
note() {
	what=$3
	sed "$3" "$good" >"$T/bad.note"
	cmp -s "$good" "$T/bad.note" && fail "nothing changed: $3"
	refused "$1" "$2" -C "$H" order open "$T/o-1.json" \
		--approval "$T/bad.note"
}
note 3 note.characters "s|^requester .*|&$(printf '\007')|"
note 3 note.characters "s|^requester .*|&$(printf '\342\200\256')|"
note 3 note.characters "s|^requester .*|&$(printf '\377')|"
note 3 note.syntax '/^$/,$d'
note 3 note.syntax 's|^— alice|- alice|'
note 5 approval.signature 's|^operation order|operation adopt|'
note 4 approval.unknown 's|^— alice |— mallory |'
printf '' >"$T/bad.note"
what="an empty note"
refused 3 note.syntax -C "$H" order open "$T/o-1.json" --approval "$T/bad.note"
refused 10 file.missing -C "$H" order open "$T/o-1.json" --approval "$T/none"

case_start "42: an empty PIN, when the token says that somebody is logged in"
cp "$H/softhsm/pin" "$T/pin"
FAULT_C_Login_RV=256 # CKR_USER_ALREADY_LOGGED_IN
FAULT_LOG=$T/calls
export FAULT_C_Login_RV FAULT_LOG
# Of no length that the token takes: it is not asked either.
while read -r code rule pin; do
	# shellcheck disable=SC2059  # the PIN is the format
	printf "$pin" >"$H/softhsm/pin"
	: >"$T/calls"
	run "$PROVCTL" --json -C "$H" secret add fleet-key --from "$T/value"
	rows=$((rows + 1))
	expect_equal "$(jq -r '.error | "\(.code),\(.rule)"' "$T/out"),$rc" \
		"$code,$rule,$code" "PIN \"$pin\""
	grep -q C_OpenSession "$T/calls" && [ "$code" = 3 ] &&
		fail "the token was asked with PIN \"$pin\""
	grep -q C_Login "$T/calls" && fail "tried: PIN \"$pin\""
done <<'END'
3 file.empty
3 pin.length \n
3 pin.length \r\n
7 hsm.pin 1
END
unset FAULT_C_Login_RV FAULT_LOG
cat "$T/pin" >"$H/softhsm/pin"

case_start "and the authority is as it was"
expect_equal "$(p --json status | jq .log_size)" "$size" "entries"
verify_audit
echo "# $rows rows"
tests_end
