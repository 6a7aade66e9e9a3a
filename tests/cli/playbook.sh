#!/bin/sh
# docs/playbooks/*.md as people paste them: each block in turn, in one shell a
# playbook, with the exit status that the block's comment says, else 0.
. "$(dirname "$0")/../lib.sh"

# The blocks of a playbook: a file each, and "# title" lines in between.
blocks_of() {
	awk -v out="$2/block" '
		/^## / { title = substr($0, 4) }
		/^```sh$/ {
			n++
			file = sprintf("%s.%02d", out, n)
			print title >(file ".title")
			next
		}
		/^```$/ { file = ""; next }
		file { print >file }' "$1"
}

mkdir "$T/bin"
ln -s "$PROVCTL" "$T/bin/provctl"
ln -s "$PROVDEV" "$T/bin/provdev"
PATH=$T/bin:$PATH
TEMPLATES=$templates
cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
cp "$srcdir"/templates/plans/*.json "$templates/plans/"
export PATH TEMPLATES

# Whether all is there that the playbook of TPMs needs.
has_tpm() {
	command -v swtpm >/dev/null && command -v tpm2_quote >/dev/null
}

for playbook in "$srcdir"/docs/playbooks/*.md; do
	name=$(basename "$playbook" .md)
	[ "$name" != tpm ] || has_tpm || continue
	mkdir -p "$T/$name/work"
	blocks_of "$playbook" "$T/$name"
	cd "$T/$name/work" || exit 2
	count=0
	for block in "$T/$name"/block.??; do
		count=$((count + 1))
		case_start "$name, block $count: $(cat "$block.title")"
		want=$(sed -n 's/.*# ends with \([0-9]*\)$/\1/p' "$block")
		run sh -e "$block"
		expect_equal "$rc" "${want:-0}" "exit of $(tail -n 1 "$block")"
		[ "$case_failed" -eq 0 ] || show_output
		[ ! -f tpm/pid ] || cat tpm/pid >>"$T/pids"
	done
	cd "$T" || exit 2
	[ "$count" -gt 5 ] || fail "only $count blocks of $playbook"
done

case_start "what the lifecycle's playbook leaves"
H=$T/lifecycle/work/acme
cd "$T/lifecycle/work" || exit 2
expect_equal "$(p export inventory | jq -r '.device + " " + .state' | sort |
	tr '\n' ',')" "client-00000001 revoked,client-00000001 revoked,\
client-00000001 revoked,client-00000002 revoked,client-00000003 retired,\
client-00000004 revoked,client-00000005 issued," devices
for list in 0 1; do
	expect_equal "$(stat -c %a "www/crl/issuing-1/$list.crl")" 644 \
		"mode of list $list"
done
verify_audit

case_start "what the playbook of attestation leaves"
cd "$T/attest/work" || exit 2
H=$T/attest/work/acme
expect_equal "$(p audit show --type bundle.release | grep -c bundle.release)" \
	2 "bundles that were released"
p export inventory >"$T/out"
expect_equal "$(jq -r .state "$T/out" | sort | tr '\n' ' ')" \
	"issued revoked " "credentials"
verify_audit

case_start "what the playbook of TPMs leaves"
if has_tpm; then
	cd "$T/tpm/work" || exit 2
	H=$T/tpm/work/acme
	expect_equal "$(p audit show --type bundle.release |
		grep -c bundle.release)" 1 "bundles that were released"
	[ -s dev/active/net/secrets/api_token.bin ] ||
		fail "its secret is not active"
	verify_audit
else
	skip_case "no swtpm or tpm2-tools"
fi

case_start "what the playbook of ceremonies leaves"
cd "$T/ceremony/work" || exit 2
lines=given/transcript.jsonl
expect_equal "$(jq -r 'select(.event == "sign" and .facts.subject).facts.subject' \
	$lines | tr '\n' ';')" "CN=Root CA,O=acme;CN=Issuing CA 1,O=acme;" \
	"what was signed"
expect_equal "$(ls given/*.crl | tr '\n' ' ')" \
	"given/issuing-1.crl given/root.crl " "lists"
grep -q "<h1>Transcript of a ceremony: acme, plan root-issuing" \
	transcript.html || fail "no title"

case_start "what the playbook of two authorities leaves"
cd "$T/airgap/work" || exit 2
H=$T/airgap/work/acme-issuing
expect_equal "$(jq -r '.keys["issuing-1"].generation' "$H/provctl.json")" 2 \
	"generation of the issuing CA"
same_bytes list/acme-root/root.crl "$H/lists/root.crl"
verify_audit

case_start "what the playbook of later ceremonies leaves"
cd "$T/later/work" || exit 2
H=$T/later/work/acme
expect_equal "$(cat pin)" 24681357 "the PIN's file"
expect_exit 0 "$PROVCTL" -C "$H" audit show --type key.destroy
expect_text "acme/bundle/1"
verify_audit

case_start "what the playbook of backups leaves"
cd "$T/backup/work" || exit 2
expect_equal "$(find papers -name '*.txt' | wc -l)" 10 "shares on paper"
kept=$(cd kept-1/backup && echo *)
expect_equal "$kept" "SHA256SUMS log-1.backup root-1.backup" "what is kept"
for file in $kept home shares; do
	for plan in root-backup restore; do
		jq -r '.steps[].text // empty' $plan.json |
			grep -q -F "$file" ||
			fail "no pause of $plan.json names $file"
	done
done
H=$T/backup/work/acme
verify_audit

case_start "what the order's playbook leaves"
cd "$T/order/work" || exit 2
H=$T/order/work/acme
grep -q '^issued 20 of 20$' 2026-07-A.note || fail "the note: $(cat 2026-07-A.note)"
expect_equal "$(wc -l <missing.txt)" 20 "missing receipts"
expect_equal "$(jq -r .status out/results.jsonl | sort -u)" existing results
expect_exit 0 "$PROVCTL" -C "$H" --json officer review
expect_equal "$(jq -r '.used | map(.operation + " " + .persons) | join(",")' \
	"$T/out")" "order alice,carol" "what was used"
verify_audit

case_start "the rules of all are those that provctl says"
awk -F '|' '/^\| [0-9, ]+ \|/ { print $3 }' "$srcdir"/docs/playbooks/*.md |
	grep -o '`[^`]*`' | tr -d '`' >"$T/rules"
while read -r rule; do
	grep -r -q -F "\"$rule\"" "$srcdir/lib" "$srcdir/policy" \
		"$srcdir/pkcs11" ||
		fail "nothing has the rule $rule"
done <"$T/rules"
[ -s "$T/rules" ] || fail "no rules in it"
tests_end
