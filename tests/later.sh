# Plans of an authority that is there, run by answers that are always yes in $H,
# rehearsed in $R; sourced behind tests/lib.sh.
R=$T/rehearsal
H=$T/acme
printf 87654321 >"$T/so-pin"
printf 12345678 >"$T/pin"
mkdir "$T/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$T/tokens.conf"
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
i=0
while [ "$i" -lt 60 ]; do
	echo yes
	i=$((i + 1))
done >"$T/yes"

# plan NAME STEP...: $T/NAME.json
plan() {
	name=$1
	shift
	steps=
	for step in "$@"; do
		steps="$steps${steps:+,
  }$step"
	done
	printf '{"plan": "%s", "version": 1, "steps": [\n  %s\n]}\n' \
		"$name" "$steps" >"$T/$name.json"
	bind_plan "$T/$name.json" "$templates"
}

key() {
	echo "{\"step\": \"generate-key\", \"purpose\": \"$1\", \"kind\": \"$2\"}"
}

rehearse() {
	"$PROVCTL" ceremony rehearse "$T/$1.json" --home "$R" \
		--templates "$templates" >"$T/rehearse.out" 2>&1 ||
		fail "rehearsing $1: $(tail -n 3 "$T/rehearse.out")"
}

# ceremony WORD NAME ARGUMENT...: with the answers that are always yes.
ceremony() {
	word=$1
	name=$2
	shift 2
	[ "$word" != run ] || set -- --rehearsal "$R" "$@"
	[ -f "$T/answers" ] || cp "$T/yes" "$T/answers"
	run "$PROVCTL" -C "$H" ceremony "$word" "$T/$name.json" \
		--templates "$templates" --answers "$T/answers" "$@"
	rm -f "$T/answers"
}

expect_rc() {
	[ "$rc" -eq "$1" ] && return
	fail "$2: exit $rc, not $1"
	show_output
}

rule_is() {
	grep -q -F "$1" "$T/err" || {
		fail "no word of $1"
		show_output
	}
}

# both NAME: rehearsed and run, and the transcript holds.
both() {
	rehearse "$1"
	ceremony run "$1"
	expect_rc 0 "$1"
	holds "$1"
}

holds() {
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/$1.json" \
		--log-vkey "$("$PROVCTL" -C "$H" export key --purpose log --vkey)" \
		"$H/ceremonies/$1-1/transcript.jsonl"
}

audited() {
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
	expect_exit 0 "$PROVCTL" -C "$H" status
}

# rehearse_first: $T/first.json, and $T/binding.json for a run of it.
rehearse_first() {
	run "$PROVCTL" ceremony rehearse "$T/first.json" --home "$R" \
		--name acme --templates "$templates"
	expect_rc 0 "the first rehearsal"
	module=$(jq -r .module "$R/provctl.json")
	cat >"$T/binding.json" <<END
{"binding": "b", "module": "$module", "tokens": ["pkcs11:token=acme"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
}

# begin_authority: that is rehearsed, and run on a token of its own.
begin_authority() {
	rehearse_first
	expect_exit 0 "$PROVCTL" ceremony run "$T/first.json" --home "$H" \
		--binding "$T/binding.json" --rehearsal "$R" \
		--answers "$T/yes" --templates "$templates"
}
