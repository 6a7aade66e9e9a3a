#!/bin/sh
# A revocation list that the medium does not take is not signed: found before a
# PIN is given for it, and once the medium is as it should be the step goes on.
# In the home of a rehearsal, which has a token of its own and asks nobody.
. "$(dirname "$0")/../lib.sh"

cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
R=$T/rehearsal
M=$T/media
mkdir "$M"

# plan NAME STEP...: $T/NAME.json
plan() {
	name=$1
	shift
	printf '{"plan": "%s", "version": 1, "steps": [%s]}\n' "$name" "$*" \
		>"$T/$name.json"
	bind_plan "$T/$name.json" "$templates"
}

key() {
	echo "{\"step\": \"generate-key\", \"purpose\": \"$1\", \"kind\": \"$2\"},"
}

# signs WORD NAME: with the medium.
signs() {
	run "$PROVCTL" ceremony "$1" "$T/$2.json" --home "$R" \
		--templates "$templates" --media "$M"
}

# numbers: of the root's lists that were recorded, and that were signed.
numbers() {
	for type in crl.intent crl.issue; do
		"$PROVCTL" -C "$R" --json audit show --type $type |
			jq -r 'select(.object == "root/0").facts.number' |
			tail -n 1
	done
}

# refused CODE RULE: the step ends so, with nothing signed, shown or given.
refused() {
	signs "${word:=rehearse}" list
	[ "$rc" -eq "$1" ] && { [ -z "$2" ] || grep -q "rule: $2\$" "$T/err"; } || {
		fail "exit $rc, not $1 $2"
		show_output
	}
	word=resume
	expect_equal "$(numbers)" "$before" "numbers of the root's lists"
	expect_equal "$(jq -s 'map(select(.event == "sign")) | length' \
		"$R/ceremonies/list-1/transcript.jsonl")" 0 "what was shown"
	find "$M/acme/" -name '.*.tmp' | grep -q . && fail "half a file"
}

plan first '{"step": "init-token"},' "$(key root P-256)" \
	"$(key issuing-1 P-256)" "$(key bundle P-256)" "$(key log P-256)" \
	"$(key kdf AES-256)" "$(key store AES-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"},' \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"},' \
	'{"step": "adopt", "template": "aws-iot"},' \
	'{"step": "sign-crl", "ca": "root"}'
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/first.json" --home "$R" \
	--name acme --templates "$templates" --media "$M"
before=$(numbers)
plan list '{"step": "sign-crl", "ca": "root"}'


case_start "another file is there"
cp -R "$M/acme" "$T/kept"
echo other >"$M/acme/root.crl"
refused 9 media.sums
rm "$M/acme/SHA256SUMS"
refused 9 output.exists
expect_equal "$(cat "$M/acme/root.crl")" other "what is there"
rm "$M/acme/root.crl"
mkdir "$M/acme/root.crl"
refused 3 ''
rmdir "$M/acme/root.crl"

case_start "SHA256SUMS has it, and it is gone; or has no sums"
cp "$T/kept/SHA256SUMS" "$M/acme"
refused 9 media.sums
echo none >"$M/acme/SHA256SUMS"
refused 9 media.sums

case_start "the folder is a link"
mv "$M/acme" "$T/elsewhere"
ln -s "$T/elsewhere" "$M/acme"
refused 3 media.folder
rm "$M/acme"

case_start "a newer list of that CA, which this home did not sign"
cp -R "$R" "$T/ahead"
plan ahead '{"step": "sign-crl", "ca": "root"}'
cp -R "$T/kept" "$M/acme"
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/ahead.json" --home "$T/ahead" \
	--templates "$templates" --media "$M"
refused 9 media.sums
rm "$M/acme/SHA256SUMS"
refused 9 output.exists

case_start "the medium is as it was: the next number is signed, and given"
rm -rf "$M/acme"
cp -R "$T/kept" "$M/acme"
signs resume list
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
expect_equal "$(numbers)" "$(printf '2\n2')" "numbers of the root's lists"
same_bytes "$M/acme/root.crl" "$R/publish/crl/root/0.crl"
(cd "$M/acme" && sha256sum -c --quiet SHA256SUMS) || fail "SHA256SUMS"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --mode rehearsal --plan "$T/list.json" \
	"$R/ceremonies/list-1/transcript.jsonl"

case_start "a list that nobody could take from a medium"
seq -f '{"device":"thing-%012.0f","fields":{"lot":"L001"}}' 1 1500 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -q -C "$R" issue --template aws-iot \
	--from "$T/in.jsonl" --out "$T/o"
seq -f 'thing-%012.0f' 1 1500 >"$T/ids"
expect_exit 0 "$PROVCTL" -C "$R" revoke --from "$T/ids" --reason superseded
plan long '{"step": "sign-crl", "ca": "issuing-1"}'
signs rehearse long
expect_equal "$rc" 3 "exit"
grep -q "rule: media.size\$" "$T/err" || fail "$(cat "$T/err")"
expect_equal "$(jq -s 'map(select(.event == "sign")) | length' \
	"$R/ceremonies/long-1/transcript.jsonl")" 0 "what was shown"
[ ! -e "$M/acme/issuing-1.crl" ] || fail "it is there"
expect_exit 0 "$PROVCTL" -C "$R" audit verify
# Without a medium it is signed, and kept beside the transcript.
expect_exit 0 "$PROVCTL" ceremony resume "$T/long.json" --home "$R" \
	--templates "$templates"
[ -s "$R/ceremonies/long-1/issuing-1.crl" ] || fail "no list"

tests_end
