#!/bin/sh
# Where init makes an authority, and from which files.
. "$(dirname "$0")/../lib.sh"

init() {
	code=$1
	rule=$2
	shift 2
	expect_error "$code" "$rule" init "$T/new" --softhsm --name new "$@"
}

nothing_made() {
	[ -z "$(ls -A "$1")" ] || fail "init left something in $1"
}

case_start "a folder that is a link"
mkdir "$T/target"
ln -s "$T/target" "$T/new"
init 9 init.folder --templates "$templates"
expect_error 9 init.folder init "$T/new/" --softhsm --name new \
	--templates "$templates"
nothing_made "$T/target"
rm "$T/new"
ln -s "$T/nowhere" "$T/new"
init 9 init.folder --templates "$templates"
[ ! -e "$T/nowhere" ] || fail "the link was followed"
rm "$T/new"

case_start "a file, and a folder that is in use"
: >"$T/new"
init 9 init.folder --templates "$templates"
rm "$T/new"
mkdir "$T/new"
: >"$T/new/other"
init 9 init.folder --templates "$templates"
rm "$T/new/other"

case_start "a folder of another user"
if [ "$(id -u)" -eq 0 ]; then
	chown 65534 "$T/new"
	init 4 init.folder --templates "$templates"
	nothing_made "$T/new"
	chown 0 "$T/new"
else
	skip_case "not root"
fi

case_start "a plan or a template that others can write"
plan=$templates/plans/softhsm-demo.json
for mode in 666 660 602; do
	chmod "$mode" "$plan"
	init 4 file.writable --templates "$templates"
	nothing_made "$T/new"
done
chmod 600 "$plan"
chmod 666 "$templates/azure-dps.json"
expect_exit 4 "$PROVCTL" init "$T/new" --softhsm --name new \
	--templates "$templates"
expect_text azure-dps
[ ! -e "$T/new/provctl.json" ] || fail "an authority was made"
chmod 600 "$templates/azure-dps.json"
rm -rf "$T/new"

case_start "an empty folder becomes ours alone"
mkdir -m 755 "$T/new"
expect_exit 0 "$PROVCTL" init "$T/new" --softhsm --name new \
	--templates "$templates"
expect_equal "$(stat -c %a "$T/new")" 700 mode
expect_exit 0 "$PROVCTL" -C "$T/new" status
init 9 authority.exists --templates "$templates"

tests_end
