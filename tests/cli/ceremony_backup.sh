#!/bin/sh
# Keys backed up m of n in a ceremony, and restored onto a second token, with
# which a batch goes on when the first one goes away.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"
. "$srcdir/tests/tokens.sh"
. "$srcdir/tests/transcript.sh"

M=$T/media
mkdir "$M"
# The officers' keys for encryption, and their certificates on the medium.
for officer in alice bob carol dave erin; do
	mkdir "$M/$officer"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$T/$officer.key" -out "$M/$officer/encryption.pem" \
		-subj "/CN=$officer" -days 30 >"$T/log" 2>&1 ||
		fail "openssl req: $(cat "$T/log")"
	(cd "$M/$officer" && sha256sum encryption.pem >SHA256SUMS)
done

# officers NAME...: as the plan names them.
officers() {
	for officer in "$@"; do
		printf '%s{"name": "%s", "spki_sha256": "%s"}' "$comma" "$officer" \
			"$(openssl x509 -in "$M/$officer/encryption.pem" -noout \
				-pubkey | openssl pkey -pubin -outform DER |
				sha256sum | cut -d " " -f 1)"
		comma=", "
	done
}
comma=

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "twin", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256", "backup": true},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "adopt", "template": "tls-client"},
  {"step": "back-up-key", "purpose": "root", "shares": 5, "threshold": 3,
   "officers": [$(officers alice bob carol dave erin)]},
  {"step": "back-up-key", "purpose": "bundle", "shares": 3, "threshold": 2,
   "print": true, "keepers": ["fay", "gus", "hal"]},
  {"step": "back-up-key", "purpose": "log", "shares": 2, "threshold": 2,
   "print": true},
  {"step": "restore-key", "purpose": "root", "from": "acme"},
  {"step": "restore-key", "purpose": "bundle", "from": "acme"},
  {"step": "restore-key", "purpose": "log"}
]}
END
H=$T/acme
R=$T/rehearsal
F=ceremonies/twin-1
# Devices under the root itself: one CA less to carry about.
sed 's/"issuing-1"/"root"/' "$templates/tls-client.json" >"$T/tls-client.json"
mkdir "$T/plain"
cp -R "$templates" "$T/policies"
cp "$T/tls-client.json" "$T/policies/tls-client.json"
chmod -R go-w "$T/policies"
bind_plan "$plan" "$T/policies"

# ceremony WORD PLAN OPTION...
ceremony() {
	word=$1
	file=$2
	shift 2
	set -- ceremony "$word" "$file" --templates "$T/policies" \
		--media "$M" "$@"
	echo "$*"
}

# open_share OFFICER N FILE: what the officer's key opens, as a text.
open_share() {
	openssl cms -decrypt -binary -inform DER -inkey "$T/$1.key" \
		-recip "$M/$1/encryption.pem" -out "$3" \
		-in "$(echo "$M"/acme/root-1.*.share-"$2".cms)" 2>"$T/log" ||
		fail "$1 cannot open share $2: $(cat "$T/log")"
}

# The hex of a share's lines, in one: what may stand nowhere else.
value_of() {
	sed -n 's/^[1-4] \(.*\) [0-9a-f]*$/\1/p' "$1" | tr -d ' \n'
}

# lies_in HEX FOLDER...: those bytes, as bytes or as digits, in some file.
lies_in() {
	needle=$1
	shift
	find "$@" -type f -exec perl -e '
		my $hex = shift @ARGV;
		my $raw = pack("H*", $hex);
		for my $file (@ARGV) {
			local $/;
			open(my $f, "<:raw", $file) or next;
			my $text = <$f> // "";
			print "$file\n" if index($text, $raw) >= 0 or
				index(lc($text), $hex) >= 0;
		}' "$needle" {} +
}

events() {
	jq -r .event "$1/$F/transcript.jsonl" | grep -c -x "$2"
}

case_start "explained in words"
expect_exit 0 "$PROVCTL" ceremony explain "$plan"
tr -s ' \n' ' ' <"$T/out" >"$T/words" && mv "$T/words" "$T/out"
expect_text "(openssl cms -decrypt -inform DER -in FILE -recip encryption.pem"
expect_text "split that in 5 shares, of which any 3 restore"
expect_text "1 alice, whose key has SHA-256 $(officers alice |
	jq -r .spki_sha256 | sed 's/..../& /g; s/ $//') 2 bob, "
expect_text "Print each share for its keeper"
expect_text "Keepers: 1 fay; 2 gus; 3 hal."
expect_text "Restore key \"root\" from its backup, which came from acme"

case_start "shares that nobody opened do not restore"
cp -R "$M" "$T/few-media" && real=$M && M=$T/few-media
# shellcheck disable=SC2046 # no path here has a space
expect_exit 3 "$PROVCTL" $(ceremony rehearse "$plan" --home "$T/few" \
	--name acme)
expect_text "rule: shares.few"
M=$real

case_start "rehearsed with what it says on paper, on two throw-away tokens"
jq '(.steps[] | select(.officers)) |= (del(.officers) | .print = true)' \
	"$plan" >"$T/paper.json"
mkdir "$T/paper" && real=$M && M=$T/paper
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony rehearse "$T/paper.json" \
	--home "$T/printed" --name acme)
expect_exit 0 "$PROVCTL" ceremony verify --mode rehearsal \
	"$T/printed/$F/transcript.jsonl" --plan "$T/paper.json"
expect_text "key acme/root/1 backed up in "
expect_text "key acme/root/1 restored on token "
expect_equal "$(events "$T/printed" share)" 10 "shares given"
expect_equal "$(events "$T/printed" restored)" 3 "keys restored"
(cd "$M/acme" && sha256sum -c --quiet SHA256SUMS) >"$T/log" 2>&1 ||
	fail "sums: $(cat "$T/log")"
for share in "$M"/acme/*.txt; do
	expect_equal "$(stat -c %a "$share")" 600 "mode of $share"
	value=$(value_of "$share")
	expect_equal "${#value}" 64 "digits of a share"
	expect_equal "$(lies_in "$value" "$T/printed")" "" \
		"files of the home with a share's value"
	if grep -q -F -f "$share" "$T/printed/$F/transcript.jsonl"; then
		fail "a line of a share stands in the transcript"
	fi
done
expect_equal "$(jq -r 'select(.event == "share" and .facts.keeper) | .facts |
	.label + " " + .number + " " + .keeper' \
	"$T/printed/$F/transcript.jsonl")" "acme/bundle/1 1 fay
acme/bundle/1 2 gus
acme/bundle/1 3 hal" "keepers"
while read -r change; do
	changed_lines "$T/printed/$F" --mode rehearsal --plan "$T/paper.json" <<END
5|ceremony.order|$change
END
	expect_text "a share for somebody that the plan has not there"
done <<'END'
if .facts.keeper == "fay" then .facts.keeper = "gus" else . end
if .facts.keeper == "hal" then .facts |= del(.keeper) else . end
if .event == "share" and .step == 7 then .facts.keeper = "fay" else . end
END
changed_lines "$T/printed/$F" --mode rehearsal <<'END'
5|ceremony.order|if .event == "backup" and .step == 9 then .facts.spki_sha256 = .prev else . end
5|ceremony.file|if .event == "backup" and .step == 9 then .facts.threshold = "1" else . end
END
H=$T/printed
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
H=$T/acme
M=$real

case_start "another's certificate below an officer's name, or one that has ended"
cp -R "$M/bob" "$T/bob"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/mallory.key" -out "$M/bob/encryption.pem" \
	-subj /CN=bob -days 30 >"$T/log" 2>&1 ||
	fail "openssl req: $(cat "$T/log")"
(cd "$M/bob" && sha256sum encryption.pem >SHA256SUMS)
# shellcheck disable=SC2046
expect_exit 4 "$PROVCTL" $(ceremony rehearse "$plan" --home "$T/strange" \
	--name acme)
expect_text "rule: backup.officer"
rm -rf "$M/bob"
mv "$T/bob" "$M/bob"
# 31 days later.
echo 2678400 >"$T/clock"
# shellcheck disable=SC2046
run env CLOCK_FILE="$T/clock" LD_PRELOAD="$builddir/tests/cli/clock.so" \
	"$PROVCTL" $(ceremony resume "$plan" --home "$T/strange")
expect_equal "$rc" 4 "exit with certificates that have ended"
expect_text "rule: escrow.validity"
expect_equal "$(events "$T/strange" share)" 0 "shares given"
[ ! -e "$M/acme" ] || fail "something was given"

case_start "the plan that is run, rehearsed as far as its officers"
# shellcheck disable=SC2046
expect_exit 3 "$PROVCTL" $(ceremony rehearse "$plan" --home "$R" --name acme)
mkdir "$M/shares"
open_share bob 2 "$M/shares/bob.txt"
open_share carol 3 "$M/shares/carol.txt"
open_share erin 5 "$M/shares/erin.txt"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume "$plan" --home "$R")
expect_exit 0 "$PROVCTL" ceremony verify "$R/$F/transcript.jsonl" \
	--mode rehearsal --plan "$plan"
rm -rf "$M/shares" "$M/acme"

case_start "run: without a medium nothing is made of a backup"
use_tokens "$T/tokens"
new_token spare
bind_tokens "$softhsm" acme spare
expect_exit 2 "$PROVCTL" ceremony run "$plan" --templates "$T/policies" \
	--home "$T/none" --name acme --binding "$T/binding.json" \
	--rehearsal "$R" --answers "$T/yes"
expect_text "rule: media.none"
rm -rf "$T/none" "$T/tokens"/*
new_token spare

case_start "run: a backup that is on the medium is not written over"
mkdir "$M/acme"
echo theirs >"$M/acme/root-1.backup"
# shellcheck disable=SC2046
expect_exit 9 "$PROVCTL" $(ceremony run "$plan" --home "$T/none" --name acme \
	--binding "$T/binding.json" --rehearsal "$R" --answers "$T/yes")
expect_text "rule: output.exists"
expect_equal "$(ls "$M/acme")" root-1.backup "files on the medium"
rm -rf "$T/none" "$T/tokens"/* "$M/acme"
new_token spare

# goes_on CODE WORDS: resumed, with keepers that destroy what they printed.
goes_on() {
	# shellcheck disable=SC2046
	attended "$H/$F/transcript.jsonl" "$T/papers" "$PROVCTL" \
		$(ceremony resume "$plan" --home "$H" \
			--binding "$T/binding.json" --answers "$T/said")
	expect_equal "$rc" "$1" "exit of the run that goes on"
	expect_text "$2"
}

case_start "run: no share beside the text of another one"
# shellcheck disable=SC2046
expect_exit 4 "$PROVCTL" $(ceremony run "$plan" --home "$H" --name acme \
	--binding "$T/binding.json" --rehearsal "$R" --answers "$T/yes")
expect_text "rule: shares.left"
expect_text "ceremony resume"
expect_equal "$(events "$H" share)" 6 "shares given"
expect_equal "$(find "$M/acme" -name '*.txt' | wc -l)" 1 "texts on the medium"
[ ! -e "$M/acme/bundle-1.backup" ] || fail "the backup is on the medium"

case_start "run: no backup beside the text of a share"
left='log-1.*.share-2.txt'
goes_on 4 "rule: shares.left"
left=
expect_equal "$(events "$H" share)" 11 "shares given"
[ -e "$M/acme/bundle-1.backup" ] || fail "no backup on the medium"
[ ! -e "$M/acme/log-1.backup" ] || fail "the backup is on the medium"

case_start "run: each officer takes a share, and reads its check"
goes_on 3 "0 shares, and 3 are needed"
[ -e "$M/acme/log-1.backup" ] || fail "no backup on the medium"
expect_equal "$(jq -r 'select(.event == "ask") | .facts.text' \
	"$H/$F/transcript.jsonl" | grep -c '^Share 2 of 3: print .* for gus, ')" \
	1 "questions about the share of gus"
expect_equal "$(find "$M/acme" -name '*.txt' | wc -l)" 0 "texts on the medium"
expect_equal "$(events "$H" share)" 11 "shares given"
expect_equal "$(events "$H" backup)" 3 backups
n=0
for officer in alice bob carol dave erin; do
	n=$((n + 1))
	open_share $officer $n "$T/plain/$officer.txt"
	check=$(sed -n 's/^check //p' "$T/plain/$officer.txt")
	jq -r 'select(.event == "share") | .facts |
		select(.to == "'$officer'") | .check' \
		"$H/$F/transcript.jsonl" >"$T/told"
	expect_equal "$(cat "$T/told")" "$check" "check of $officer's share"
done
if openssl cms -decrypt -inform DER -inkey "$T/alice.key" \
	-recip "$M/alice/encryption.pem" \
	-in "$(echo "$M"/acme/root-1.*.share-2.cms)" >/dev/null 2>&1; then
	fail "alice opens bob's share"
fi

# refused CODE RULE: the resumed run, and nothing is on the spare token.
refused() {
	# shellcheck disable=SC2046
	expect_exit "$1" "$PROVCTL" $(ceremony resume "$plan" --home "$H" \
		--binding "$T/binding.json" --answers "$T/yes")
	expect_text "rule: $2"
	expect_equal "$(objects spare)" 0 "objects on the spare token"
}

case_start "two of three, a mangled one, one of another split: refused"
mkdir "$M/shares"
cp "$T/plain/alice.txt" "$T/plain/dave.txt" "$M/shares"
refused 3 shares.few
expect_text "as texts *.txt in the folder shares of the medium"
cp "$T/plain/alice.txt" "$M/shares/again.txt"
refused 3 shares.few
rm "$M/shares/again.txt"
cp "$T/plain/erin.txt" "$M/shares"
flip "$M/shares/erin.txt" 90
refused 5 shares.text
cp "$T/paper/acme"/root-1.*.share-5.txt "$M/shares/erin.txt"
refused 5 shares.other
expect_text "erin.txt: share 5 is of another backup"
cp "$T/plain/erin.txt" "$M/shares"
cp -R "$M/acme" "$T/acme-media"
flip "$M/acme/root-1.backup" 300
refused 5 media.sums
cp "$T/acme-media"/* "$M/acme"

case_start "three of five restore; what was printed is brought, too"
# shellcheck disable=SC2046
expect_exit 3 "$PROVCTL" $(ceremony resume "$plan" --home "$H" \
	--binding "$T/binding.json" --answers "$T/yes")
expect_text "0 shares, and 2 are needed"
cp "$T/papers"/*.txt "$M/shares"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume "$plan" --home "$H" \
	--binding "$T/binding.json" --answers "$T/yes")
expect_equal "$(objects spare)" 6 "objects on the spare token"
cp -R "$H/$F" "$T/carried"
expect_exit 0 "$PROVCTL" ceremony verify "$T/carried/transcript.jsonl" \
	--unattended --plan "$plan"
expect_exit 0 "$PROVCTL" ceremony show "$T/carried/transcript.jsonl"
expect_text "origin: restored"
expect_text "CKA_LOCAL=0"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
expect_text "0 missing"
expect_exit 0 "$PROVCTL" -C "$H" audit show --type key.restore
expect_text "acme/root/1"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony run "$plan" --home "$H" \
	--binding "$T/binding.json" --rehearsal "$R")
expect_text "nothing done"

case_start "gfcombine and OpenSSL open the backup, too"
n=0
for share in "$T/papers"/bundle-1.*.share-[13].txt; do
	number=$(echo "$share" | sed 's/.*share-\(.\).txt/\1/')
	value_of "$share" | perl -ne 'print pack("H*", $_)' >"$T/raw.00$number"
	n=$((n + 1))
done
expect_equal $n 2 "printed shares"
if command -v gfcombine >/dev/null; then
	gfcombine -o "$T/wrap-key" "$T/raw.001" "$T/raw.003" ||
		fail "gfcombine"
	wrap_key=$(perl -0777 -ne 'print unpack("H*", $_)' "$T/wrap-key")
	expect_equal "${#wrap_key}" 64 "digits of the wrap key"
	# The file ends with the wrapped key, 80 bytes.
	tail -c 80 "$M/acme/bundle-1.backup" >"$T/wrapped"
	openssl enc -d -id-aes256-wrap-pad -K "$wrap_key" -iv A65959A6 \
		-in "$T/wrapped" -out "$T/pkcs8" 2>"$T/log" ||
		fail "openssl enc: $(cat "$T/log")"
	openssl pkey -inform DER -in "$T/pkcs8" -pubout >"$T/public" \
		2>"$T/log" || fail "openssl pkey: $(cat "$T/log")"
	p export key --purpose bundle >"$T/bundle.pem"
	same_bytes "$T/public" "$T/bundle.pem"
	found=$(lies_in "$wrap_key" "$H" "$T/tokens" "$M" "$T/out" "$T/err" \
		"$T/rehearsal")
	expect_equal "$found" "" "files with the wrap key"
else
	skip_case "no gfcombine"
fi

case_start "no share lies where it should not"
for share in "$T/plain"/*.txt "$T/papers"/*.txt; do
	value=$(value_of "$share")
	found=$(lies_in "$value" "$H" "$T/tokens" "$M/acme" "$T/out" "$T/err")
	expect_equal "$found" "" "files with the value of $share"
	# On the medium it is where people brought it, and nowhere else.
	found=$(lies_in "$value" "$M" | grep -v "^$M/shares/")
	expect_equal "$found" "" "files of the medium with $share's value"
	for line in 1 2 3 4; do
		if grep -q -F "$(sed -n "s/^$line //p" "$share")" \
			"$H/$F/transcript.jsonl"; then
			fail "a line of $share stands in the transcript"
		fi
	done
done

case_start "one token goes away in mid-batch: the batch ends on the other"
jq --arg shim "$builddir/tests/fault/shim.so" '.module = $shim' \
	"$H/provctl.json" >"$T/config" && cat "$T/config" >"$H/provctl.json"
accept_module
: >"$T/in.jsonl"
for n in 1 2 3 4 5 6; do
	new_device tls-client client-0000000$n
	request_line client-0000000$n >>"$T/in.jsonl"
done
export FAULT_C_Sign_RV=0x30 FAULT_C_Sign_FROM=6 FAULT_C_Sign_TIMES=1
expect_exit 0 "$PROVCTL" -C "$H" issue --template tls-client --jobs 1 \
	--from "$T/in.jsonl" --out "$T/issued"
unset FAULT_C_Sign_RV FAULT_C_Sign_FROM FAULT_C_Sign_TIMES
expect_text "went on with the next token"
expect_equal "$(find "$T/issued/certs" -name '*.pem' | wc -l)" 6 certificates
verify_audit

case_start "the first token is lost: the other one does all of it"
softhsm2-util --delete-token --token acme >/dev/null 2>&1 ||
	fail "softhsm2-util"
jq '.tokens = ["pkcs11:token=spare"]' "$H/provctl.json" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
accept_module
new_device tls-client client-00000007
issue tls-client client-00000007
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
p export chain --ca root >"$T/root"
jq -r .certificate "$T/out" >"$T/seven.pem"
openssl verify -CAfile "$T/root" "$T/issued/certs/client-00000006.pem" \
	>"$T/log" 2>&1 || fail "not by the root: $(cat "$T/log")"
verify_audit

tests_end
