#!/bin/sh
# provctl.json cannot loosen what people guard: whoever writes it, and has
# neither token nor approvals, finds no weaker authority.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
cp "$H/provctl.json" "$T/true"

# configure FILTER: the true configuration, changed.
configure() {
	jq "$1" "$T/true" >"$T/conf" || fail "jq: $1"
	cat "$T/conf" >"$H/provctl.json"
}

restore() {
	cat "$T/true" >"$H/provctl.json"
}

case_start "no key of the log, another's name, a purpose too much: 5"
for change in 'del(.keys.log)' 'del(.keys)' \
	'.keys.log.label = "acme/bundle/1"' '.keys.log = .keys.bundle' \
	'.keys["log-ecdsa"] = .keys.bundle' '.keys.logs = .keys.log | del(.keys.log)'; do
	configure "$change"
	expect_error 5 config.keys -C "$H" status
	expect_error 5 config.keys -C "$H" export chain
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit with $change"
	expect_text config.keys
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--device S0000000001 -o "$T/x"
	expect_equal "$rc" 5 "exit of issue with $change"
	expect_text "rule: config.keys"
done
restore
expect_exit 0 "$PROVCTL" -C "$H" audit verify

case_start "another name, or another log's: 5, whatever comes by the store"
for change in '.name = "evil" | .log.origin = "acme"' '.log.origin = "evil"' \
	'.name = "evil"'; do
	configure "$change"
	expect_error 5 config.name -C "$H" status
	expect_error 5 config.name -C "$H" rotate crl
	expect_error 5 config.name -C "$H" export chain
	expect_error 5 config.name -C "$H" config accept
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit with $change"
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--device S0000000001 -o "$T/x"
	expect_equal "$rc" 5 "exit of issue with $change"
	expect_text "rule: config.name"
done
restore
expect_exit 0 "$PROVCTL" -C "$H" status

# recorded: how many config.accept the log has.
recorded() {
	p --json audit show --type config.accept | grep -c config.accept
}

# changed FILTER [RULE]: under a roster that ends all with 4, and the log keeps
# still.
changed() {
	rule=${2:-config.changed}
	configure "$1"
	expect_error 4 "$rule" -C "$H" status
	expect_error 4 "$rule" -C "$H" officer review
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 4 "exit of audit with $1"
	expect_text "rule: $rule"
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--device S0000000002 -o "$T/x"
	expect_equal "$rc" 4 "exit of issue with $1"
	expect_text "rule: $rule"
	[ ! -e "$T/x" ] || fail "a device left with $1"
	run "$PROVCTL" -C "$H" config show
	expect_equal "$rc" 0 "exit of config show"
	grep -q '^+ ' "$T/out" || fail "config show marks nothing with $1"
	restore
}

# cosigned [OPTION]: the witness has seen the log, and the authority knows it.
cosigned() {
	expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
	expect_exit 0 "$PROVCTL" audit witness --log "$T/log" --state \
		"$W/state" --key "$T/one.key" \
		--log-key "$(cat "$T/log.vkey")" ${1:-}
	cp "$T/out" "$W/line"
	by alice audit cosign --from "$W/line"
	expect_equal "$rc" 0 "exit of audit cosign"
}

# ask: two officers approve what is configured now.
ask() {
	rm -f "$T/q.json"
	run "$PROVCTL" -C "$H" config accept --request "$T/q.json"
	expect_equal "$rc" 11 "exit without approvals"
	approve alice "$T/q.json"
	approve bob "$T/q.json"
}

accept() { # EXIT
	expect_exit "$1" "$PROVCTL" -C "$H" config accept --approval \
		"$T/notes/alice.note" --approval "$T/notes/bob.note"
}

case_start "init records it; without a roster the next command does"
expect_equal "$(recorded)" 1 "entries at first"
run "$PROVCTL" -C "$H" config show
! grep -q '^[+-] ' "$T/out" || fail "not what was accepted: $(cat "$T/out")"
configure '.clock_max_step_days = 10 | .jobs = 2'
expect_exit 0 "$PROVCTL" -C "$H" officer key new --name x --file "$T/x.key"
expect_exit 0 "$PROVCTL" -C "$H" export chain
expect_equal "$(recorded)" 2 "entries with a tighter one"
configure '.clock_max_step_days = 3650'
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" export chain
expect_exit 0 "$PROVCTL" -C "$H" export chain
expect_equal "$(recorded)" 3 "entries with a looser one"
expect_exit 0 "$PROVCTL" -C "$H" audit verify
restore

case_start "without a roster, too, another module is taken by whoever accepts it"
cp "$(jq -r .module "$T/true")" "$T/other.so"
chmod 755 "$T" "$T/other.so"
configure ".module = \"$T/other.so\""
expect_error 4 config.module -C "$H" status
expect_error 4 config.module -C "$H" export chain
expect_error 4 config.module -C "$H" issue --template symmetric-sensor \
	--device S0000000002
expect_error 4 config.module -C "$H" policy adopt "$templates/tls-client.json"
run "$PROVCTL" -C "$H" audit verify
expect_equal "$rc" 4 "exit of audit"
restore
expect_equal "$(recorded)" 4 "entries with another module"
configure ".module = \"$T/other.so\""
accept_module
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--device S0000000002
restore
expect_error 4 config.module -C "$H" status
accept_module
expect_exit 0 "$PROVCTL" -C "$H" status

case_start "a hook that cannot be read is recorded by nobody, and stops no more"
configure ".publish_hook = \"$T/later\""
before=$(recorded)
expect_exit 0 "$PROVCTL" -C "$H" export chain
expect_error 4 publish.hook -C "$H" config accept
expect_equal "$(recorded)" "$before" "entries without the hook"
restore

case_start "with the first roster what is configured then is recorded"
for name in alice bob carol; do
	officer_key "$name"
done
make_roster "$T/r.json" 1 '"roster": 2, "config_accept": 2' \
	alice:security-officer bob:security-officer carol:security-officer
configure ".publish_hook = \"$T/later\""
expect_error 4 publish.hook -C "$H" officer roster "$T/r.json"
restore
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r.json"
expect_equal "$(recorded)" 6 "entries with the roster"

case_start "under a roster what is changed is refused, looser or tighter"
changed '.clock_max_step_days = 31'
changed '.log.witness_max_age_s = 601'
changed ".module = \"$T/other.so\"" config.module
changed '.keys.kdf.label = "acme/store/1"'
changed '.keys.bundle.generation = 2'
changed '.keys.log.from = 40'
changed '.clock_max_step_days = 10'
changed '.log.witness_max_age_s = 60'
changed '.log.witnesses_required = 1'
changed '.publish = "quiet"'
changed '.pin_source = "file:other-pin"'
changed '.tokens += ["pkcs11:token=other"]'
changed '.publish_hook_timeout_s = 61'
expect_equal "$(recorded)" 6 "entries after all that"
configure '.jobs = 3 | .sessions_per_token = 2 | .hsm_timeout_s = 21'
expect_exit 0 "$PROVCTL" -C "$H" status
restore

case_start "witnesses: what was accepted cannot be taken out or changed"
for name in one two; do
	expect_exit 0 "$PROVCTL" audit witness --new-key "$T/$name.key" \
		--name "$name.example"
	cp "$T/out" "$T/$name.vkey"
done
cat "$T/one.vkey" >"$H/witnesses"
expect_exit 0 "$PROVCTL" -C "$H" status
W=$T/w
mkdir "$W"
p export key --purpose log --vkey >"$T/log.vkey"
configure '.log.witnesses_required = 1'
expect_error 4 config.changed -C "$H" status
ask
accept 0
expect_text "approved by alice,bob"
cp "$H/provctl.json" "$T/true"
expect_equal "$(recorded)" 7 "entries with the witness"
cosigned --first
changed '.log.witnesses_required = 0'
rm "$H/witnesses"
run "$PROVCTL" -C "$H" status
[ "$rc" -ne 0 ] || fail "the witness was taken out"
cat "$T/one.vkey" >"$H/witnesses"
cat "$T/two.vkey" >>"$H/witnesses"
expect_error 4 config.changed -C "$H" status
expect_text "witness two.example"
cat "$T/one.vkey" >"$H/witnesses"
expect_exit 0 "$PROVCTL" -C "$H" status

case_start "accepting asks the witnesses that were accepted"
configure '.log.witnesses_required = 0'
ask
accept 11
expect_text "rule: log.witnesses"
sleep 1.1
restore
cosigned
configure '.log.witnesses_required = 0'
accept 0
expect_exit 0 "$PROVCTL" -C "$H" config accept
expect_text "accepted already"
expect_exit 0 "$PROVCTL" -C "$H" audit verify

case_start "what is published runs no command but the accepted one"
cp "$H/provctl.json" "$T/true"
hook() {
	printf '#!/bin/sh\ntouch %s\n%s\n' "$T/ran" "$1" >"$T/hook"
	chmod 755 "$T/hook"
}
hook :
changed ".publish_hook = \"$T/hook\""
[ ! -e "$T/ran" ] || fail "nobody accepted it, and it ran"
configure ".publish_hook = \"$T/hook\""
ask
accept 0
cp "$H/provctl.json" "$T/true"
expect_exit 0 "$PROVCTL" -C "$H" status
hook id
expect_error 4 config.changed -C "$H" status
expect_text publish_hook_sha256
expect_error 4 config.changed -C "$H" rotate crl --all
[ ! -e "$T/ran" ] || fail "it ran with other bytes"
hook :
expect_exit 0 "$PROVCTL" -C "$H" status
chmod 777 "$T/hook"
expect_error 4 config.changed -C "$H" rotate crl --all
expect_error 4 publish.hook -C "$H" config accept
truncate -s 65M "$T/hook"
chmod 755 "$T/hook"
expect_error 4 publish.hook -C "$H" config accept
expect_error 4 config.changed -C "$H" rotate crl --all
rm "$T/hook"
expect_error 4 publish.hook -C "$H" config accept
expect_error 4 config.changed -C "$H" status
hook :
configure 'del(.publish_hook)'
expect_error 4 config.changed -C "$H" rotate crl --all
restore
expect_exit 0 "$PROVCTL" -C "$H" audit verify

case_start "a module that its user can write: only the one that was accepted"
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
	skip_case "not root"
else
	user() {
		run setpriv --reuid=12345 --regid=12345 --clear-groups "$@"
	}
	mkdir "$T/user" && chown 12345:12345 "$T/user"
	chmod -R a+rX "$templates"
	H=$T/user/acme
	user "$PROVCTL" init "$H" --softhsm --name acme --templates "$templates"
	expect_equal "$rc" 0 "exit of init"
	cp "$H/provctl.json" "$T/true"
	user sh -c "umask 077 && mkdir '$H/lib' && cp '$T/other.so' '$H/lib/m.so'"
	configure ".module = \"$H/lib/m.so\""
	for verb in status "audit verify" "audit reconcile" "export chain"; do
		# shellcheck disable=SC2086  # words
		user "$PROVCTL" -C "$H" $verb
		expect_equal "$rc" 4 "exit of $verb"
		expect_text "rule: config.module"
	done
	user "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--device S0000000001 -o "$T/user/x"
	expect_equal "$rc" 4 "exit of issue"
	expect_text "rule: config.module"
	user "$PROVCTL" -C "$H" config accept
	expect_equal "$rc" 0 "exit of config accept"
	user "$PROVCTL" -C "$H" status
	expect_equal "$rc" 0 "exit of status"
	user sh -c "printf x >>'$H/lib/m.so'"
	user "$PROVCTL" -C "$H" status
	expect_equal "$rc" 4 "exit with other bytes"
	expect_text "rule: config.module"
	user chmod 770 "$H/lib"
	user "$PROVCTL" -C "$H" status
	expect_equal "$rc" 4 "exit with a folder that the group can write"
fi

tests_end
