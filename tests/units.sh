#!/bin/sh
# The systemd units are installed where configure was told, name the installed
# program, and are what systemd takes.
set -eu
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-units.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
fail() {
	echo "not ok - units: $*"
	exit 1
}
mkdir "$tmp/build"
(cd "$tmp/build" && "$srcdir/configure" -q --prefix="$tmp/usr" \
	--with-systemdsystemunitdir="$tmp/units") >"$tmp/log" 2>&1 ||
	fail "configure: $(tail -n 3 "$tmp/log")"
make -s -C "$tmp/build" install-systemdsystemunitDATA \
	install-nodist_systemdsystemunitDATA >"$tmp/log" 2>&1 ||
	fail "install: $(tail -n 3 "$tmp/log")"
grep -qx "ExecStart=$tmp/usr/bin/provctl -C /var/lib/provctl/%i rotate due" \
	"$tmp/units/provctl-rotate@.service" || fail "another ExecStart"
grep -q '@' "$tmp/units/provctl-rotate@.service" &&
	grep -q '@bindir' "$tmp/units/provctl-rotate@.service" &&
	fail "a name was left in the unit"
if command -v systemd-analyze >/dev/null; then
	mkdir -p "$tmp/usr/bin"
	ln -s /bin/true "$tmp/usr/bin/provctl"
	cp "$tmp/units/provctl-rotate@.service" "$tmp/provctl-rotate@a.service"
	systemd-analyze verify --man=no "$tmp/provctl-rotate@a.service" \
		>"$tmp/log" 2>&1 || fail "systemd: $(head -n 3 "$tmp/log")"
fi
echo "ok - units"
