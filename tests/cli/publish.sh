#!/bin/sh
# What happens around a publication: the hook and its failures, and a process
# that is killed at each sync and rename of a run.
. "$(dirname "$0")/../lib.sh"

set_hook() {
	jq --arg hook "$1" '.publish_hook = $hook' "$H/provctl.json" \
		>"$T/config" && cp "$T/config" "$H/provctl.json"
}

# Few lists: a run is a few dozen syncs.
jq '.crl = {shards: 2}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
hook=$T/hook
cat >"$hook" <<EOF
#!/bin/sh
env >"$T/hook.env"
pwd >"$T/hook.pwd"
ls -l /proc/self/fd >"$T/hook.fds"
cat >"$T/hook.in"
echo said
[ ! -f "$T/hook.fail" ] || exit 3
find . -type f | sort >"$T/hook.seen"
EOF
chmod 755 "$hook"

case_start "the hook: clean environment, in the folder, nothing of ours open"
set_hook "$hook"
SECRET_OF_OURS=1 expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl --all
expect_equal "$(jq -c '[.hook, .files > 0]' "$T/out")" '[true,true]' report
expect_equal "$(grep -v -E '^(PWD|SHLVL|_)=' "$T/hook.env")" \
	PATH=/usr/bin:/bin environment
expect_equal "$(cat "$T/hook.pwd")" "$(cd "$H/publish" && pwd -P)" folder
[ ! -s "$T/hook.in" ] || fail "something came on standard input"
grep -q -E 'store|softhsm|socket|sealed' "$T/hook.fds" &&
	fail "open: $(cat "$T/hook.fds")"
expect_text said
grep -q said "$T/out" && fail "its output is among ours"
(cd "$H/publish" && find . -type f | sort) >"$T/files"
same_bytes "$T/hook.seen" "$T/files"

case_start "nothing new: it does not run"
rm "$T/hook.seen"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .hook "$T/out")" false hook
[ ! -f "$T/hook.seen" ] || fail "it ran"

case_start "a failure: what was published stands, status says so, then it runs"
: >"$T/hook.fail"
expect_error 8 publish.hook -C "$H" rotate crl --all
expect_text "exit code 3"
n=$(openssl crl -inform DER -in "$H/publish/crl/root/0.crl" -noout -crlnumber)
expect_equal "$n" crlNumber=0x04 "the list's number"
expect_equal "$(p --json status | jq -r .publish_hook_due | wc -c)" 21 \
	"when it is due since"
expect_error 8 publish.hook -C "$H" rotate crl
rm "$T/hook.fail"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq -c '[.lists, .hook]' "$T/out")" '[0,true]' report
expect_equal "$(p --json status | jq .publish_hook_due)" null due
verify_audit

case_start "one that hangs is ended with all that it started, and tried again"
cat >"$T/slow" <<EOF
#!/bin/sh
sleep 300 &
echo \$! >"$T/slow.child"
wait
EOF
chmod 755 "$T/slow"
jq --arg hook "$T/slow" '.publish_hook = $hook | .publish_hook_timeout_s = 1' \
	"$H/provctl.json" >"$T/config" && cp "$T/config" "$H/provctl.json"
expect_error 8 publish.hook -C "$H" rotate crl --all
expect_text "more than 1 s"
tries=0
while grep -s -q '^State:.*[SRD] (' "/proc/$(cat "$T/slow.child")/status" &&
	[ "$tries" -lt 200 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
[ "$tries" -lt 200 ] || fail "what it started goes on"
expect_equal "$(p --json status | jq -r .publish_hook_due | wc -c)" 21 \
	"when it is due since"
jq --arg hook "$hook" '.publish_hook = $hook | .publish_hook_timeout_s = 60' \
	"$H/provctl.json" >"$T/config" && cp "$T/config" "$H/provctl.json"
rm -f "$T/hook.seen"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
[ -f "$T/hook.seen" ] || fail "it was not tried again"

case_start "a hook that is not absolute is no configuration"
for bad in hook ../hook; do
	set_hook "$bad"
	expect_error 3 config.publish_hook -C "$H" rotate crl --all
	expect_error 3 config.publish_hook -C "$H" status
done

case_start "a hook that others can write, or that is no file"
for bad in "$T" "$T/none" "$T/plain" "$T/writable"; do
	cp "$hook" "$T/plain"
	chmod 644 "$T/plain"
	cp "$hook" "$T/writable"
	chmod 777 "$T/writable"
	set_hook "$bad"
	expect_error 8 publish.hook -C "$H" rotate crl --all
	[ ! -f "$T/hook.seen" ] || [ "$bad" = "$hook" ] || rm "$T/hook.seen"
done
set_hook "$hook"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
[ -f "$T/hook.seen" ] || fail "it did not run"

case_start "a lock on the published folder, which anybody can take, holds nothing"
perl -e 'use Fcntl ":flock"; opendir(my $d, $ARGV[0]) or die;
	open(my $f, "<", $ARGV[0]) or die; flock($f, LOCK_EX) or die;
	open(my $r, ">", $ARGV[1]); close $r; sleep 100' \
	"$H/publish" "$T/locked" &
echo $! >>"$T/pids"
holder=$!
tries=0
while [ ! -f "$T/locked" ] && [ "$tries" -lt 200 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
[ -f "$T/locked" ] || fail "nobody holds the lock"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
kill "$holder"
expect_equal "$(stat -c %a "$H/publish.lock")" 600 "mode of the lock"

case_start "killed at each sync and rename: the next run makes what waits anew"
jq 'del(.publish_hook)' "$H/provctl.json" >"$T/config"
cp "$T/config" "$H/provctl.json"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
at=1
killed=0
waited=0
while [ "$at" -lt 200 ]; do
	(
		DIE_AT=$at
		LD_PRELOAD=$builddir/tests/cli/die.so
		ASAN_OPTIONS=verify_asan_link_order=0
		export DIE_AT LD_PRELOAD ASAN_OPTIONS
		exec "$PROVCTL" -C "$H" rotate crl --all
	) >"$T/out" 2>"$T/err" && break
	killed=$((killed + 1))
	waits=$(p --json status 2>/dev/null | jq -s '[.[0].crls[].pending] | add')
	waited=$((waited + waits))
	expect_exit 0 "$PROVCTL" -C "$H" rotate crl
	expect_exit 0 "$PROVCTL" -C "$H" status
	for ca in root issuing-1 matter-paa matter-pai; do
		for f in "$H/publish/crl/$ca"/*.crl; do
			n=$(basename "$f" .crl)
			p export crl --ca "$ca" --shard "$n" --der >"$T/one"
			same_bytes "$T/one" "$f"
		done
	done
	find "$H/publish" -name '.*.tmp' >"$T/left"
	[ ! -s "$T/left" ] || fail "left over: $(cat "$T/left")"
	at=$((at + 4))
done
echo "# $killed kills, $waited lists waited for their signature"
[ "$killed" -ge 8 ] || fail "only $killed kills"
[ "$waited" -ge 1 ] || fail "no kill between intent and signature"
verify_audit

tests_end
