# Harness of tests/cli/*.sh: real binaries, a real SoftHSM token, a new folder
# for each script. Sourced; the script then calls case_start for each case and
# ends with tests_end. Result lines are "ok - NAME", "not ok - NAME" and
# "ok - NAME # SKIP why"; "# ..." explains. Exit 1 when a case failed, 77 when
# all were skipped.
#
# PROVCTL, PROVDEV   the binaries; srcdir the sources; KEEP=1 keeps the folder
set -u
LC_ALL=C
export LC_ALL
umask 077

here=$(cd "$(dirname "$0")" && pwd) || exit 2
srcdir=$(cd "${srcdir:-$here/../..}" && pwd) || exit 2
builddir=${builddir:-$srcdir/build}
PROVCTL=${PROVCTL:-$builddir/cmd/provctl}
PROVDEV=${PROVDEV:-$builddir/cmd/provdev/provdev}
script=$(basename "$0" .sh)
unset PROVCTL_HOME SOFTHSM2_CONF
T=$(mktemp -d "${TMPDIR:-/tmp}/provctl-$script.XXXXXX") || exit 2
H=$T/acme # the authority, once new_authority made it
templates=$T/templates # a copy that others cannot write
case_name=
keys_before= # of new_device: whose key signs the new one
case_failed=0
case_skipped=
cases=0
failed=0
skipped=0

for binary in "$PROVCTL" "$PROVDEV"; do
	if [ ! -x "$binary" ]; then
		echo "not ok - $script: no $binary"
		rm -rf "$T"
		exit 1
	fi
done

cp -R "$srcdir/templates" "$templates" || exit 2
# An issuing CA of 16 revocation lists, which is the harder case. The shipped one
# has one: tests/cli/crl_one.sh and the playbooks.
cp "$srcdir/templates/examples/issuing-ca-sharded.json" \
	"$templates/issuing-ca.json" || exit 2
# The shipped plans are bound to the other one.
sed -i "s/$(sha256sum <"$srcdir/templates/issuing-ca.json" | cut -d ' ' -f 1)/$(
	sha256sum <"$templates/issuing-ca.json" | cut -d ' ' -f 1)/" \
	"$templates"/plans/*.json || exit 2
# shellcheck source=tests/bind_plan.sh
. "$srcdir/tests/bind_plan.sh"
# shellcheck source=tests/flip.sh
. "$srcdir/tests/flip.sh"

# What this script started has it among its words.
PV_TEST_FOLDER=$T
export PV_TEST_FOLDER

# A number is another process's once the one that had it has ended.
is_ours() {
	[ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" \
		2>/dev/null)" = $$ ] ||
		grep -qs -a -F "PV_TEST_FOLDER=$T" "/proc/$1/environ"
}

# Only what this script started: background jobs are named in $T/pids.
clean_up() {
	if [ -f "$T/pids" ]; then
		while read -r pid; do
			is_ours "$pid" && kill -9 "$pid" 2>/dev/null
		done <"$T/pids"
	fi
	if [ "${KEEP:-0}" = 1 ]; then
		echo "# kept $T"
	else
		rm -rf "$T"
	fi
}
trap clean_up EXIT
trap 'exit 2' HUP INT TERM

case_end() {
	[ -n "$case_name" ] || return 0
	cases=$((cases + 1))
	if [ "$case_failed" -ne 0 ]; then
		echo "not ok - $script: $case_name"
		failed=$((failed + 1))
	elif [ -n "$case_skipped" ]; then
		echo "ok - $script: $case_name # SKIP $case_skipped"
		skipped=$((skipped + 1))
	else
		echo "ok - $script: $case_name"
	fi
	case_name=
}

case_start() {
	case_end
	case_name=$1
	case_failed=0
	case_skipped=
}

skip_case() {
	case_skipped=$1
}

tests_end() {
	case_end
	echo "# $script: $cases cases, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] || exit 1
	[ "$cases" -gt "$skipped" ] || exit 77
	exit 0
}

fail() {
	echo "# $case_name: $*"
	case_failed=1
}

# What the last command said, for a failed case.
show_output() {
	sed 's/^/#   out: /' "$T/out" | cut -c 1-400 | head -n 12
	sed 's/^/#   err: /' "$T/err" | cut -c 1-400 | head -n 12
}

# run COMMAND...: rc, $T/out and $T/err; 60 s at most; no standard input.
run() {
	timeout -k 5 "${RUN_S:-60}" "$@" >"$T/out" 2>"$T/err" </dev/null
	rc=$?
}

# next_second: answers that are made anew in the second of the last ones say what
# these say, and are left.
next_second() {
	second=$(date +%s)
	while [ "$(date +%s)" -eq "$second" ]; do
		sleep 0.05
	done
}

expect_exit() {
	want=$1
	shift
	run "$@"
	if [ "$rc" -ne "$want" ]; then
		fail "exit $rc, not $want: $*"
		show_output
	fi
	no_secret "$T/out" "$T/err"
	[ "$rc" -eq "$want" ]
}

# What provctl.json names by now, the shim for instance, counts: a build tree
# need not be root's, and then its modules have to be accepted.
accept_module() {
	"$PROVCTL" -C "$H" config accept >/dev/null 2>"$T/accept.err" ||
		fail "config accept: $(cat "$T/accept.err")"
}

# expect_error CODE RULE PROVCTL-ARGUMENT...: exit CODE, with --json an error
# object of that code and rule, a message, and the same code without --json.
expect_error() {
	error_code=$1
	error_rule=$2
	shift 2
	expect_exit "$error_code" "$PROVCTL" "$@" || return
	grep -q '^provctl: ' "$T/err" || fail "no sentence on stderr: $*"
	expect_exit "$error_code" "$PROVCTL" --json "$@" || return
	error_line=$(grep '^{"error":' "$T/out")
	json_holds "$error_line" "\"code\":$error_code,"
	case $error_rule in
	'') ;;
	*) json_holds "$error_line" "\"rule\":\"$error_rule\"" ;;
	esac
	case $error_line in
	*'"message":""'*) fail "the error has no message" ;;
	esac
}

json_holds() {
	case $1 in
	*"$2"*) ;;
	*)
		fail "no $2 in: $1"
		show_output
		;;
	esac
}

# A text on standard error or output of the last command.
expect_text() {
	grep -q -F -e "$1" "$T/err" "$T/out" || {
		fail "nothing says: $1"
		show_output
	}
}

# The PINs of the authority are in none of the files.
no_secret() {
	for pin in "$H/softhsm/pin" "$H/softhsm/so-pin"; do
		[ -s "$pin" ] || continue
		if grep -q -a -F -f "$pin" "$@"; then
			fail "a PIN stands in the output"
		fi
	done
}

same_bytes() {
	cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

expect_equal() {
	[ "$1" = "$2" ] || fail "${3:-value} is \"$1\", not \"$2\""
}

# ---- authority ----

# new_authority [DIR]: H becomes an authority with the shipped demo plan.
new_authority() {
	H=${1:-$T/acme}
	run "$PROVCTL" init "$H" --softhsm --name acme \
		--templates "$templates"
	if [ "$rc" -ne 0 ]; then
		echo "not ok - $script: init"
		show_output
		exit 1
	fi
}

# sealed_to_file: sealed bytes that are still rows of H's database move to the
# file, as a larger transaction moves them.
sealed_to_file() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		"select hex(bytes) from sealed order by start" |
		perl -ne 'chomp; print pack("H*", $_)' >>"$H/sealed.dat"
	"$builddir/tests/cli/sql" "$H/store.db" "update state set sealed_len = \
		sealed_len + (select coalesce(sum(length(bytes)), 0) from sealed)" \
		"delete from sealed" || fail "cannot move the sealed bytes"
}

# copy_authority DIR: an untouched copy; the token's path is in its config.
copy_authority() {
	cp -a "$H" "$1"
	sed -i "s|$H/|$1/|" "$1/softhsm/softhsm2.conf"
	H=$1
}

p() {
	"$PROVCTL" -C "$H" "$@"
}

# adopt NAME OLD NEW...: a shipped template with texts replaced (sed s|||).
adopt_changed() {
	base=$1
	new=$2
	shift 2
	sed -e "s|\"template\": \"$base\"|\"template\": \"$new\"|" "$@" \
		"$srcdir/templates/$base.json" >"$T/$new.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$new.json"
}

# After whatever happened: log and store agree, and of the certificates that
# left (in the files given, PEM) each is one that the inventory knows.
verify_audit() {
	if ! timeout 60 "$PROVCTL" -C "$H" --json audit verify >"$T/audit" \
		2>"$T/audit.err" </dev/null; then
		fail "audit verify: $(cat "$T/audit" "$T/audit.err")"
		return
	fi
	p export inventory >"$T/inventory" 2>"$T/audit.err" ||
		fail "export inventory: $(cat "$T/audit.err")"
	for pem in "$@"; do
		sum=$(cert_sha256 "$pem")
		grep -q "\"certificate_sha256\":\"$sum\"" "$T/inventory" ||
			fail "unrecorded certificate $pem"
	done
}

audit_number() {
	sed -e "s/.*\"$1\":\([0-9]*\).*/\1/" "$T/audit"
}

cert_sha256() {
	openssl x509 -in "$1" -outform DER 2>/dev/null | sha256sum |
		cut -d ' ' -f 1
}

# Certificates that the store holds, by the audit.
certificates() {
	verify_audit
	audit_number certificates
}

# ---- processes ----

# child_of PID NAME: a random one of its children of that name; polls.
child_of() {
	for stat in /proc/[0-9]*/stat; do
		read -r line <"$stat" || continue
		name=${line#*(}
		[ "${name%%)*}" = "$2" ] || continue
		rest=${line##*) }
		rest=${rest#? }
		[ "${rest%% *}" = "$1" ] || continue
		echo "${line%% *}"
	done 2>/dev/null | tail -n 1
}

# ---- devices ----

# new_device TEMPLATE ID [SUBJECT]: $T/dev/ID as provdev makes it.
new_device() {
	mkdir -p "$T/dev"
	case $1 in
	symmetric-*) set -- "$1" "$2" --key none --form mac0 ;;
	aws-*) set -- "$1" "$2" --key none ;;
	azure-*) set -- "$1" "$2" --form batch ;;
	ieee-*) set -- "$1" "$2" --sealing --subj "/serialNumber=$2" ;;
	*) set -- "$1" "$2" --sealing ;;
	esac
	device_id=$2
	shift 2
	"$PROVDEV" keygen "$T/dev/$device_id" --id "$device_id" "$@" \
		${keys_before:+--rotates "$keys_before"} \
		>"$T/keygen" 2>&1 || fail "keygen: $(cat "$T/keygen")"
}

# rotate_keys TEMPLATE ID: the device has new keys, the former sign them; what it
# was is in $T/dev/ID.before.
rotate_keys() {
	rm -rf "$T/dev/$2.before"
	mv "$T/dev/$2" "$T/dev/$2.before"
	keys_before=$T/dev/$2.before
	new_device "$1" "$2"
	keys_before=
}

# Options of issue for the device made by new_device.
device_opts() {
	printf '%s\n' --device "$1"
	[ ! -f "$T/dev/$1/csr.pem" ] || printf '%s\n' --csr "$T/dev/$1/csr.pem"
	[ ! -f "$T/dev/$1/seal.pem" ] || printf '%s\n' \
		--seal-key "$T/dev/$1/seal_pub.pem" \
		--seal-key-sig "$T/dev/$1/seal_sig.b64"
}

# issue TEMPLATE ID [OPTION]...: rc, $T/out, $T/err.
issue() {
	issue_template=$1
	issue_id=$2
	shift 2
	# shellcheck disable=SC2046  # no option holds a space
	run "$PROVCTL" -C "$H" issue --template "$issue_template" \
		$(device_opts "$issue_id") "$@"
	no_secret "$T/out" "$T/err"
}

# json_field KEY FILE: the value of a string or number, of the first line.
json_field() {
	jq -r -s ".[0].$1 // empty" "$2"
}

# request_line ID [jq-OBJECT]: the JSON line of a device made by new_device.
request_line() {
	set -- "$1" "${2:-{\}}" "$T/dev/$1"
	csr=/dev/null
	seal=/dev/null
	sig=/dev/null
	key=/dev/null
	[ ! -f "$3/csr.pem" ] || csr=$3/csr.pem
	[ ! -f "$3/seal_pub.pem" ] || seal=$3/seal_pub.pem
	[ ! -f "$3/seal_sig.b64" ] || sig=$3/seal_sig.b64
	[ ! -f "$3/key_sig.b64" ] || key=$3/key_sig.b64
	jq -c -n --arg device "$1" --rawfile csr "$csr" --rawfile seal "$seal" \
		--rawfile sig "$sig" --rawfile key "$key" '{device: $device}
		+ if $key == "" then {}
			else {key_sig: ($key | rtrimstr("\n"))} end
		+ if $csr == "" then {} else {csr: $csr} end
		+ if $seal == "" then {} else {seal_key: $seal,
			seal_key_sig: ($sig | rtrimstr("\n"))} end'" + $2"
}

# ---- orders ----

# make_order FILE NAME TEMPLATE-FILE QUANTITY [jq-OBJECT]: an order's JSON, with
# more of it in the object.
make_order() {
	set -- "$1" "$2" "$3" "$4" "${5:-{\}}"
	jq -n --arg order "$2" --arg sha "$(sha256sum <"$3" | cut -d ' ' -f 1)" \
		--argjson quantity "$4" --slurpfile t "$3" '{order: $order,
		template: $t[0].template, version: $t[0].version,
		template_sha256: $sha, quantity: $quantity}'" + $5" >"$1"
}

# open_order NAME TEMPLATE-FILE QUANTITY [jq-OBJECT]
open_order() {
	make_order "$T/$1.json" "$@" || fail "no order $1"
	expect_exit 0 "$PROVCTL" -C "$H" order open "$T/$1.json"
}
