#!/bin/sh
# Witnesses: on another machine they follow the exported log, cosign it while
# it grows and find a machine that was set back as a whole; the authority
# takes their lines in and holds exports back until then.
. "$(dirname "$0")/../lib.sh"

SQL=$builddir/tests/cli/sql
new_authority
W=$T/witness # the other machine
mkdir "$W"
p export key --purpose log --vkey >"$T/log.vkey"

# publish DIR: what others get of the log.
publish() {
	expect_exit 0 "$PROVCTL" -C "$H" export log --out "$1"
}

# In a folder that is no authority.
witness() {
	(cd "$W" && run "$PROVCTL" audit witness --log-key \
		"$(cat "$T/log.vkey")" "$@" && exit "$rc")
	rc=$?
}

# watch DIR [NAME [OPTION]...]: witness NAME looks at DIR; its line in $W/NAME.
watch() {
	dir=$1
	name=${2:-one}
	[ $# -lt 2 ] || shift
	shift
	witness --log "$dir" --state "$name.state" --key "$name.key" "$@"
	[ "$rc" -ne 0 ] || cp "$T/out" "$W/$name.line"
}

seen() { # DIR [NAME [OPTION]...]
	watch "$@"
	expect_equal "$rc" 0 "exit of witness"
	same_bytes "$W/$name.state" "$dir/checkpoint"
}

# Nothing leaves, and what was seen stays.
refused() { # RULE DIR [NAME]
	rule=$1
	shift
	cp "$W/${2:-one}.state" "$T/kept"
	watch "$@"
	expect_equal "$rc" 5 "exit of witness"
	expect_text "rule: $rule"
	[ ! -s "$T/out" ] || fail "something left: $(cat "$T/out")"
	same_bytes "$W/$name.state" "$T/kept"
}

# As refused, and it says what that means.
alarm() { # RULE DIR
	refused "$@"
	expect_text "provctl: $2: the log of"
	expect_text "the log was set back or shows two faces"
	expect_text "keep this folder and the state as they are"
}

new_witness() { # NAME
	expect_exit 0 "$PROVCTL" audit witness --new-key "$W/$1.key" \
		--name "$1.example"
	cp "$T/out" "$W/$1.vkey"
}

device() { # ID
	new_device tls-client "client-$1"
	issue tls-client "client-$1"
	expect_equal "$rc" 0 "exit of issue"
}

require() { # K
	sed -i "s/\"witnesses_required\": *[0-9]*/\"witnesses_required\": $1/" \
		"$H/provctl.json"
	expect_equal "$(jq .log.witnesses_required "$H/provctl.json")" "$1" \
		required
}

bundle() { # CODE ID
	rm -f "$T/bundle.pvb"
	expect_exit "$1" "$PROVCTL" -C "$H" export bundle \
		--device "client-$2" -o "$T/bundle.pvb"
	if [ "$1" -ne 0 ] && [ -e "$T/bundle.pvb" ]; then
		fail "the bundle left"
	fi
}

case_start "a witness's key: private, made once, read by OpenSSL"
new_witness one
new_witness two
expect_equal "$(stat -c %a "$W/one.key")" 600 mode
openssl pkey -in "$W/one.key" -noout 2>"$T/err" ||
	fail "OpenSSL does not read it: $(cat "$T/err")"
expect_error 9 output.exists audit witness --new-key "$W/one.key" --name x
expect_error 2 usage.option audit witness --new-key - --name x
! grep -q PRIVATE "$T/out" || fail "the private key left"
expect_error 3 log.witness audit witness --new-key "$W/bad.key" --name 'a b'
[ ! -e "$W/bad.key" ] || fail "a key of no name was written"
cp "$W/one.key" "$W/open.key"
chmod 644 "$W/open.key"
publish "$T/log"
watch "$T/log" open --first
expect_equal "$rc" 4 "exit with a key that others read"
[ ! -e "$W/open.state" ] || fail "it has seen something"

case_start "a log is trusted on first use, and only when that is asked for"
watch "$T/log"
expect_equal "$rc" 10 "exit without a state"
seen "$T/log" one --first
watch "$T/log" one --first
expect_equal "$rc" 9 "exit with --first again"
seen "$T/log"
expect_error 2 usage.option audit witness --log "$T/log"

case_start "a file's name where a key's line is wanted; no key and no home"
expect_error 3 "" audit witness --log "$T/log" --log-key "$T/log.vkey" \
	--state "$W/none" --first --key "$W/one.key"
expect_text "give the line itself, not its file's name"
for option in --key --witness; do
	expect_error 3 "" -C "$H" audit verify --log "$T/log" \
		"$option" "$W/one.vkey"
	expect_text "give the line itself, not its file's name"
done
expect_error 10 authority.missing -C "$W" audit verify --log "$T/log"
expect_text "name the log's key: --key"

case_start "a log that grew is cosigned again"
device 00000001
publish "$T/log"
seen "$T/log"
cp -a "$H" "$T/older"
cp -a "$T/log" "$T/older-log"
device 00000002
publish "$T/log"
seen "$T/log"
cp -a "$H" "$T/good"

case_start "a smaller log is refused"
alarm log.checkpoint "$T/older-log"
expect_text "unless this folder is an old"

case_start "the whole machine set back: its own eyes see nothing wrong"
rm -rf "$H"
cp -a "$T/older" "$H"
device 00000003
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" audit verify
publish "$T/forked"
expect_equal "$(sed -n 2p "$T/forked/checkpoint")" \
	"$(sed -n 2p "$T/log/checkpoint")" "size of the forked log"

case_start "and a witness finds it: as long, and when it grew past"
alarm log.checkpoint "$T/forked"
expect_text "one size has two roots"
! grep -q unless "$T/err" || fail "two roots have an excuse"
device 00000004
publish "$T/forked"
alarm log.proof "$T/forked"

case_start "its checkpoint with the true log's tiles proves nothing"
cp -a "$T/log" "$T/mixed"
cp "$T/forked/checkpoint" "$T/mixed/checkpoint"
refused log.tile "$T/mixed"

case_start "a tile changed, a checkpoint edited, another log's key"
rm -rf "$H"
cp -a "$T/good" "$H"
device 00000005
publish "$T/log"
cp -a "$T/log" "$T/edited"
tile=$(find "$T/edited/tile/0" -type f -name "$(sed -n 2p \
	"$T/edited/checkpoint")")
flip "$tile" 40
refused log.proof "$T/edited"
cp -a "$T/log/." "$T/edited/"
sed -i '2s/.*/99999/' "$T/edited/checkpoint"
refused note.signature "$T/edited"
cp "$T/log.vkey" "$T/true.vkey"
p export key --purpose bundle --vkey >"$T/log.vkey" 2>"$T/err" || :
if [ -s "$T/log.vkey" ]; then
	watch "$T/log"
	expect_equal "$rc" 5 "exit with another key"
fi
cp "$T/true.vkey" "$T/log.vkey"

case_start "two faces at once: one winner"
cp "$W/one.state" "$T/kept"
i=0
while [ "$i" -lt 6 ]; do
	dir=$T/log
	[ $((i % 2)) -eq 0 ] || dir=$T/forked
	"$PROVCTL" audit witness --log "$dir" --log-key \
		"$(cat "$T/log.vkey")" --state "$T/race.state" \
		--key "$W/one.key" --first >"$T/race.$i" 2>"$T/race.$i.err" &
	eval "pid$i=$!"
	i=$((i + 1))
done
won=0
i=0
while [ "$i" -lt 6 ]; do
	eval "wait \$pid$i" && won=$((won + 1))
	i=$((i + 1))
done
expect_equal "$won" 1 winners
expect_equal "$(cat "$T"/race.[0-9] | wc -l)" 1 lines

case_start "required and unknown: everything but log and key waits"
require 1
bundle 11 00000001
expect_text "rule: log.witnesses"
expect_error 11 log.witnesses -C "$H" export chain
expect_error 11 log.witnesses -C "$H" export inventory
expect_error 11 log.witnesses -C "$H" export escrow --all --out "$T/escrow"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "exports wait (11): write the witnesses' keys into"
p export key --purpose log --vkey >"$T/same.vkey"
same_bytes "$T/same.vkey" "$T/log.vkey"

case_start "a line of the list that is none is named"
{
	cat "$W/one.vkey"
	echo "# laptop"
} >"$H/witnesses"
expect_error 3 log.witness -C "$H" status
expect_text "line 2: not the key of a witness"
{
	cat "$W/one.vkey"
	echo
} >"$H/witnesses"
expect_error 3 log.witness -C "$H" status
expect_text "line 2: the line is empty"

case_start "it says from whom"
cat "$W/one.vkey" "$W/two.vkey" >"$H/witnesses"
bundle 11 00000001
expect_text "one.example, two.example"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -c .witnesses "$T/out")" \
	'{"required":1,"known":2,"cosigned":0,"cosigned_size":0}' witnesses

case_start "a wrong line and an unknown witness's are refused"
publish "$T/log"
new_witness stranger
seen "$T/log" stranger --first
expect_error 5 log.cosignature -C "$H" audit cosign --from "$W/stranger.line"
expect_text "the line is not of a known witness"
seen "$T/log"
# Another time than the one that was signed.
cut -d ' ' -f 3 "$W/one.line" | base64 -d >"$T/raw"
flip "$T/raw" 11
printf '— one.example %s\n' "$(base64 -w 0 "$T/raw")" >"$W/wrong.line"
expect_error 5 log.cosignature -C "$H" audit cosign --from "$W/wrong.line"
expect_text "of no checkpoint of this log"
expect_text "its witness saw another state of the log"
sed 's/$/\r/' "$W/one.line" >"$W/crlf.line"
expect_error 3 log.cosignature -C "$H" audit cosign --from "$W/crlf.line"
expect_text "its lines end in CR LF"
json_holds "$error_line" "crlf.line"
: >"$W/empty.line"
expect_error 3 log.cosignature -C "$H" audit cosign --from "$W/empty.line"
bundle 11 00000001

case_start "cosigned: it goes on"
expect_exit 0 "$PROVCTL" -C "$H" --json audit cosign --from "$W/one.line"
expect_equal "$(jq -c '[.cosigned, .required, .new]' "$T/out")" \
	'[1,1,true]' taken
grep -q '^— one.example ' "$H/checkpoint" || fail "not in HOME/checkpoint"
expect_exit 0 "$PROVCTL" -C "$H" --json audit cosign --from "$W/one.line"
expect_equal "$(jq .new "$T/out")" false "taken again"
sleep 1.1 # its time is in seconds
seen "$T/log" # it says the same, later
expect_exit 0 "$PROVCTL" -C "$H" --json audit cosign --from "$W/one.line"
expect_equal "$(jq .new "$T/out")" true "said again, later"
bundle 0 00000001
expect_exit 0 "$PROVCTL" -C "$H" export chain
expect_exit 0 "$PROVCTL" -C "$H" export inventory

case_start "a certificate's proof is under what they cosigned"
expect_exit 0 "$PROVCTL" -C "$H" export proof --device client-00000001
grep -q '^— one.example ' "$T/out" || fail "no cosignature in the proof"

case_start "what is newer waits again; what was seen does not"
device 00000006
bundle 11 00000006
expect_error 10 log.checkpoint -C "$H" export proof --device client-00000006
expect_text "no checkpoint that enough witnesses cosigned covers"
expect_exit 0 "$PROVCTL" -C "$H" export proof --device client-00000001
bundle 0 00000001
expect_error 11 log.witnesses -C "$H" export inventory
publish "$T/log"
seen "$T/log"
cp "$W/one.line" "$W/late.line"
late=$(sed -n 2p "$T/log/checkpoint")
device 00000011
publish "$T/log"
seen "$T/log"
bundle 0 00000002 # the log grows on before the answer comes
expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$W/one.line"
bundle 0 00000006

case_start "late: true of a checkpoint before the one that is cosigned"
cp "$H/checkpoint" "$T/kept"
cp "$H/cosigned" "$T/kept.cosigned"
expect_exit 0 "$PROVCTL" -C "$H" --json audit cosign --from "$W/late.line"
expect_equal "$(jq .new "$T/out")" false late
expect_equal "$(jq .size "$T/out")" "$late" "size of the late one"
same_bytes "$H/checkpoint" "$T/kept"
same_bytes "$H/cosigned" "$T/kept.cosigned"
expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$W/late.line"
expect_text "this adds nothing"

case_start "two of two"
require 2
bundle 11 00000006
expect_text "0 of 2"
publish "$T/log"
seen "$T/log"
seen "$T/log" two --first
expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$W/one.line"
bundle 11 00000006
expect_text "1 of 2 cosignatures are there, not yet from: two.example"
expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$W/two.line" \
	--from "$W/one.line"
bundle 0 00000006

case_start "after exports the published log still ends where they cosigned"
expect_exit 0 "$PROVCTL" -C "$H" export chain
expect_exit 0 "$PROVCTL" -C "$H" export chain -o "$T/chain.pem"
publish "$T/log"
same_bytes "$T/log/checkpoint" "$H/cosigned"
publish "$T/fresh"
same_bytes "$T/fresh/checkpoint" "$H/cosigned"
for folder in "$T/log" "$T/fresh"; do
	expect_exit 0 "$PROVCTL" audit verify --log "$folder" \
		--key "$(cat "$T/log.vkey")" --witness "$(cat "$W/one.vkey")" \
		--witness "$(cat "$W/two.vkey")"
done
seen "$T/log" two

case_start "the published checkpoint has the witnesses' lines"
device 00000007
publish "$T/log"
seen "$T/log"
cp "$W/one.line" "$W/first.line"
expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$W/first.line"
publish "$T/log"
grep -q '^— one.example ' "$T/log/checkpoint" ||
	fail "the folder's checkpoint has no cosignature"
seen "$T/log" two

case_start "a run ended between checkpoint and row: the answer is taken"
device 00000010
publish "$T/log"
seen "$T/log"
n=$(sed -n 2p "$H/checkpoint")
"$SQL" "$H/store.db" "delete from checkpoint where size=$n" ||
	fail "the row was not removed"
expect_exit 0 "$PROVCTL" -C "$H" --json audit cosign --from "$W/one.line"
expect_equal "$(jq -c '[.size, .cosigned, .new]' "$T/out")" "[$n,1,true]" taken
expect_equal "$("$SQL" "$H/store.db" \
	"select count(*) from checkpoint where size=$n")" 1 rows
expect_exit 0 "$PROVCTL" -C "$H" audit verify

case_start "store and checkpoint set back together: what witnesses saw tells"
rm -rf "$T/earlier"
cp -a "$H" "$T/earlier"
device 00000008
publish "$T/log"
seen "$T/log"
seen "$T/log" two
expect_exit 0 "$PROVCTL" -C "$H" audit cosign --from "$W/one.line" \
	--from "$W/two.line"
cp -a "$H" "$T/later"
rm "$H"/store.db*
cp -a "$T"/earlier/store.db* "$T/earlier/sealed.dat" \
	"$T/earlier/checkpoint" "$H/"
cp "$H/checkpoint" "$T/kept"
for verb in status "audit verify" "policy list" "export log --out $T/log"; do
	# shellcheck disable=SC2086
	expect_error 5 store.older -C "$H" $verb
done
new_device tls-client client-00000009
issue tls-client client-00000009
expect_equal "$rc" 5 "exit of issue"
expect_text "rule: store.older"
same_bytes "$H/checkpoint" "$T/kept"

case_start "a file of what they saw that is not the log's is refused"
rm -rf "$H"
cp -a "$T/later" "$H"
sed '2s/.*/7/' "$T/later/cosigned" >"$H/cosigned"
expect_error 5 note.signature -C "$H" status
expect_text "cosigned"
cp "$T/later/cosigned" "$H/cosigned"

case_start "log and store agree"
require 0
verify_audit

tests_end
