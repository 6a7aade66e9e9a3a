# People for tests/cli/*.sh: officers with key files in $T/keys, rosters of
# them, and approvals. Sourced behind tests/lib.sh.
mkdir -p "$T/keys" "$T/notes"

# officer_key NAME: a key file and its vkey.
officer_key() {
	"$PROVCTL" officer key new --name "$1" --file "$T/keys/$1.key" \
		>"$T/keys/$1.vkey" 2>"$T/err" ||
		fail "officer key new: $(cat "$T/err")"
}

# make_roster FILE VERSION QUORUM NAME:ROLE[,ROLE]...: QUORUM is the JSON of
# the pairs. A key that is no file is a token's.
make_roster() {
	roster_file=$1
	roster_version=$2
	roster_quorum=$3
	shift 3
	for officer in "$@"; do
		kind=file
		[ -f "$T/keys/${officer%%:*}.key" ] || kind=token
		jq -c -n --arg name "${officer%%:*}" --arg roles "${officer#*:}" \
			--arg kind "$kind" \
			--rawfile vkey "$T/keys/${officer%%:*}.vkey" '{name: $name,
			person: ($name + " Example"), roles: ($roles | split(",")),
			keys: [{vkey: ($vkey | rtrimstr("\n")), kind: $kind}]}'
	done | jq -s --argjson version "$roster_version" \
		--argjson quorum "{$roster_quorum}" '{roster: "provctl/roster/v1",
		version: $version, officers: ., quorum: $quorum}' >"$roster_file"
}

# approve NAME REQUEST [OPTION]...: the note is $T/notes/NAME.note.
approve() {
	approve_name=$1
	approve_request=$2
	shift 2
	rm -f "$T/notes/$approve_name.note"
	run "$PROVCTL" -q approve "$approve_request" --as "$approve_name" \
		--key "$T/keys/$approve_name.key" --yes \
		-o "$T/notes/$approve_name.note" "$@"
}

# by NAME PROVCTL-ARGUMENT...: as p(), but acting as that officer.
by() {
	by_name=$1
	shift
	run "$PROVCTL" -C "$H" --as "$by_name" --key "$T/keys/$by_name.key" "$@"
}
