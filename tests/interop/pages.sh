#!/bin/sh
# The pages of ceremonies, script and transcript, printed by Chromium: each page
# has its text, and the text of strangers stands there as text. Not part of make
# check, since Chromium is large: make check-pages. PAGES=DIR keeps what was
# printed, to be looked at. Skipped (77) without Chromium.
. "$(dirname "$0")/../lib.sh"
for tool in chromium pdftotext; do # the latter of poppler-utils
	command -v "$tool" >/dev/null || {
		echo "ok - pages: # SKIP no $tool"
		exit 77
	}
done
out=${PAGES:-$T/pages}
mkdir -p "$out"
rm -f "$out"/script.* "$out"/transcript.*

plan=$T/plan.json
cat >"$plan" <<'END'
{"plan": "pages", "version": 3,
 "not_before": "2026-11-26T09:00:00Z", "not_after": "2030-12-24T18:00:00Z",
 "steps": [
  {"step": "init-token", "present": ["alice", "<b>bob<b>"]},
  {"step": "pause", "text": "Compare <script>alert(1)</script> & \"write\" it."},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "check-key", "purpose": "root"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca"},
  {"step": "pause", "text": "Lock the token away."}
 ]}
END
bind_plan "$plan" "$templates"

# print NAME: out/NAME.html as NAME.pdf, NAME.png and the text NAME.txt.
print() {
	timeout 100 chromium --headless=new --no-sandbox --disable-gpu \
		--user-data-dir="$T/chromium" --no-pdf-header-footer \
		--print-to-pdf="$out/$1.pdf" "file://$out/$1.html" \
		>"$T/chromium.log" 2>&1
	timeout 100 chromium --headless=new --no-sandbox --disable-gpu \
		--user-data-dir="$T/chromium" --window-size=900,1300 \
		--screenshot="$out/$1.png" "file://$out/$1.html" \
		>"$T/chromium.log" 2>&1
	pdftotext -layout "$out/$1.pdf" "$out/$1.txt" 2>"$T/err" ||
		fail "no page: $(tail -n 3 "$T/chromium.log")"
	[ -s "$out/$1.png" ] || fail "no picture of $1"
}

# reads NAME TEXT: it can be read on the page.
reads() {
	tr -s ' \n' ' ' <"$out/$1.txt" | grep -q -F -e "$2" ||
		fail "nobody can read on $1: $2"
}

case_start "the script"
expect_exit 0 "$PROVCTL" ceremony explain "$plan" --html \
	--templates "$templates" -o "$out/script.html"
print script
reads script "Ceremony pages"
reads script 'Compare <script>alert(1)</script> & "write" it.'
reads script "Present: alice, <b>bob<b>"
reads script "$(sha256sum "$plan" | cut -c 1-32 | sed 's/..../& /g; s/ $//')"
reads script "To be run from 2026-11-26T09:00:00Z"
reads script "Step What happens Done Time Initials"
reads script "SHA-256 of its public key:"
reads script "Signature"
reads script "SHA-256 of its certificate (DER), to read aloud:"
reads script "subject: CN=Root CA,O=<the authority's name>"
pages=$(pdfinfo "$out/script.pdf" | sed -n 's/^Pages: *//p')
expect_equal "$(grep -c "pages, version 3, sha256:$(sha256sum "$plan" |
	cut -d ' ' -f 1)" "$out/script.txt")" "$pages" "pages that name the plan"

case_start "the transcript"
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$T/acme" \
	--templates "$templates"
lines=$T/acme/ceremonies/pages-3/transcript.jsonl
expect_exit 0 "$PROVCTL" ceremony show "$lines" --html \
	-o "$out/transcript.html"
print transcript
reads transcript "Transcript of a ceremony: acme, plan pages, version 3"
reads transcript "Step 7: self-signed root"
reads transcript "$(tail -n 1 "$lines" | sha256sum | cut -c 1-32 |
	sed 's/..../& /g; s/ $//')"
for hash in $(jq -r 'select(.event == "sign").facts.tbs_sha256' "$lines"); do
	reads transcript "$(echo "$hash" | cut -c 1-32 | sed 's/..../& /g; s/ $//')"
done

tests_end
