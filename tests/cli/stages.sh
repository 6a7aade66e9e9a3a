#!/bin/sh
# A device that is sealed a bundle for each of two stages installs both, in
# their order and in no other.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"

# two_stages NAME [sed-SCRIPT]...
two_stages() {
	adopt_changed tls-client "$@" -e 's|"limits": {|"stages": {"bootstrap": ["identity"], "operational": ["service"]}, &|'
}

opens() {
	run "$PROVDEV" open "$1" "$T/o/bundles/$2.pvb" \
		--bundle-key "$T/bundle.pem"
	expect_equal "$rc" "${3:-0}" "provdev open $2 ($(cat "$T/err"))"
}

for form in plain batch; do
	case_start "two stages, $form: both open, bootstrap first"
	two_stages "stages-$form" \
		-e "s|\"limits\": {|\"seal\": {\"signature\": \"$form\"}, &|"
	rm -rf "$T/o" "$T/in.jsonl"
	for n in 1 2; do
		id=client-0000000$n
		[ "$form" = plain ] || id=client-1000000$n
		new_device tls-client "$id"
		echo "$form" >"$T/dev/$id/form"
		request_line "$id" >>"$T/in.jsonl"
	done
	expect_exit 0 "$PROVCTL" -C "$H" issue --template "stages-$form" \
		--from "$T/in.jsonl" --out "$T/o"
	for id in $(jq -r .device "$T/in.jsonl"); do
		cp -a "$T/dev/$id" "$T/dev/$id-late"
		opens "$T/dev/$id" "$id.bootstrap"
		opens "$T/dev/$id" "$id.operational"
		"$PROVDEV" show "$T/dev/$id" >"$T/shown"
		expect_equal "$(jq .seq "$T/shown")" 2 "sequence number"
		opens "$T/dev/$id-late" "$id.operational"
		run "$PROVDEV" open "$T/dev/$id-late" \
			"$T/o/bundles/$id.bootstrap.pvb" \
			--bundle-key "$T/bundle.pem"
		[ "$rc" -ne 0 ] || fail "the earlier bundle after the later one"
		expect_text old-seq
	done
	verify_audit
done
tests_end
