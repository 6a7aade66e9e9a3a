#!/bin/sh
# Components alone, beside the certificate that a device has: the same request is
# the same bundle until its receipt came, and what the device has to have
# otherwise, or is asked for with --fresh, is another one.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/secrets.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
value one 'fleet key of the first version'
value two 'fleet key of the second version'
expect_exit 0 "$PROVCTL" -C "$H" secret add fleet-key --from "$T/one.value"

# adopt VERSION [jq]: the template with that version.
adopt() {
	jq --argjson v "$1" '.template = "parts" | .version = $v
		| .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f321"
		| .rotation = {same_key: true}
		| .components.service.secrets =
			{fleet_key: {stored: "fleet-key"}} | '"${2:-.}" \
		"$templates/tls-client.json" >"$T/parts.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/parts.json"
}
rotate() {
	run "$PROVCTL" -C "$H" rotate device "$@"
}
# given WHAT STATUS FILE ARGUMENT...: components of client-00000001 into FILE.
given() {
	what=$1
	status=$2
	file=$3
	shift 3
	rotate client-00000001 "$@" -o "$file"
	expect_equal "$rc $(json_field status "$T/out")" "0 $status" "$what"
}
opened() {
	run "$PROVDEV" open "$T/dev/client-00000001" "$1" \
		--bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1: $(cat "$T/err")"
}
received() {
	opened "$1"
	expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
		"$T/dev/client-00000001/receipt.cose"
	expect_equal "$(json_field seq "$T/out")" "$2" "seq of $1"
}
# seals: how many bundles the log has of the device.
seals() {
	p --json audit show --device client-00000001 --type bundle.seal | wc -l
}
# last_fact NAME: of its newest bundle.
last_fact() {
	p --json audit show --device client-00000001 --type bundle.seal |
		tail -n 1 | jq -r ".facts[\"$1\"] // \"-\""
}

adopt 1
new_device tls-client client-00000001
issue parts client-00000001 -o "$T/first.pvb"
expect_equal "$rc" 0 "issue: $(cat "$T/err")"
received "$T/first.pvb" 1
expect_equal "$(last_fact components)" - "a first bundle names none"

case_start "the same request is the same bundle, also where its file was lost"
given asked issued "$T/a.pvb" --components service
expect_equal "$(last_fact components) $(last_fact stored)" \
	"service fleet-key/1" "facts of its entry"
given again existing "$T/a.pvb" --components service
given lost existing "$T/b.pvb" --components service,service
same_bytes "$T/a.pvb" "$T/b.pvb"
expect_equal "$(seals)" 2 "bundles"
mkdir "$T/c.pvb"
rotate client-00000001 --components service -o "$T/c.pvb"
expect_equal "$rc" 9 "exit where the file cannot be"
rmdir "$T/c.pvb"
given "cut off" existing "$T/c.pvb" --components service
same_bytes "$T/a.pvb" "$T/c.pvb"
expect_equal "$(seals)" 2 "bundles then"

case_start "other components are another request"
given others issued "$T/d.pvb" --components identity,service
expect_equal "$(last_fact components)" "identity,service" "what was named"
given "in any order" existing "$T/e.pvb" --components service,identity
same_bytes "$T/d.pvb" "$T/e.pvb"
given back issued "$T/f.pvb" --components service

case_start "after the receipt it is asked for anew"
received "$T/f.pvb" 4
given anew issued "$T/g.pvb" --components service
given again existing "$T/g.pvb" --components service

case_start "--fresh asks for another one at once"
given fresh issued "$T/h.pvb" --components service --fresh
cmp -s "$T/g.pvb" "$T/h.pvb" && fail "the same bundle"
given again existing "$T/h2.pvb" --components service
same_bytes "$T/h.pvb" "$T/h2.pvb"

case_start "a newer version of a stored secret is another bundle"
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/two.value"
given newer issued "$T/i.pvb" --components service
expect_equal "$(last_fact stored)" "fleet-key/2" "what it has"
given again existing "$T/i.pvb" --components service

case_start "so is a newer version of the template"
adopt 2
given newer issued "$T/j.pvb" --components service
given again existing "$T/j.pvb" --components service
received "$T/j.pvb" 8

case_start "the next credential begins anew"
rotate client-00000001 -o "$T/k.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "rotated"
received "$T/k.pvb" 9
given parts issued "$T/l.pvb" --components service
expect_equal "$(last_fact seq)" 10 seq

case_start "of two stages each is there until its own receipt came"
received "$T/l.pvb" 10
adopt 3 '.stages = {bootstrap: ["identity"], operational: ["service"]}'
given both issued "$T/m.pvb" --components identity,service
given "none received" existing "$T/n.pvb" --components identity,service
for stage in bootstrap operational; do
	same_bytes "$T/m.$stage.pvb" "$T/n.$stage.pvb"
done
received "$T/m.bootstrap.pvb" 11
given "one received" existing "$T/o.pvb" --components identity,service
same_bytes "$T/m.operational.pvb" "$T/o.operational.pvb"
received "$T/o.operational.pvb" 12
given "one stage" issued "$T/p.pvb" --components service
given again existing "$T/q.pvb" --components service
same_bytes "$T/p.pvb" "$T/q.pvb"
given both issued "$T/r.pvb" --components identity,service

case_start "options that do not go together"
for bad in "--fresh" "--components service --csr $T/x" \
	"--components service --seal-key $T/x" \
	"--components service --key-sig $T/x" "--rollback --fresh"; do
	# shellcheck disable=SC2086  # options and their values
	expect_exit 2 "$PROVCTL" -C "$H" rotate device client-00000001 $bad
done

case_start "log and store agree"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
tests_end
