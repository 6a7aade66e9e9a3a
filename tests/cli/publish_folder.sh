#!/bin/sh
# What stands where a folder of what is published should be: a failure of the
# storage (8), whatever was revoked, and made good by the next run.
. "$(dirname "$0")/../lib.sh"

jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
for i in 1 2 3 4; do
	new_device tls-client client-0000000$i
	issue tls-client client-0000000$i -o "$T/$i.pvb"
done
mkdir "$T/elsewhere"

# stands PATH COMMAND...: the command puts something there, and a device, the
# next one, is revoked all the same.
n=0
stands() {
	path=$1
	shift
	n=$((n + 1))
	rm -rf "$H/publish"
	mkdir -p "$(dirname "$path")"
	"$@"
	expect_error 8 publish.folder -C "$H" rotate crl
	run "$PROVCTL" -C "$H" revoke --device client-0000000$n \
		--reason superseded
	expect_equal "$rc" 8 "exit of revoke"
	expect_text "publish"
	[ -z "$(ls -A "$T/elsewhere")" ] || fail "a link was followed"
	rm "$path"
	expect_exit 0 "$PROVCTL" -C "$H" rotate crl
	expect_equal "$(p export crl --ca issuing-1 --jsonl | wc -l)" "$n" \
		"entries of the list"
}

case_start "a link in place of the folder"
stands "$H/publish" ln -s "$T/elsewhere" "$H/publish"

case_start "a file in place of the folder"
stands "$H/publish" touch "$H/publish"

case_start "a link in place of a folder in it"
stands "$H/publish/crl" ln -s "$T/elsewhere" "$H/publish/crl"

case_start "a file in place of a CA's"
stands "$H/publish/crl/issuing-1" touch "$H/publish/crl/issuing-1"

tests_end
