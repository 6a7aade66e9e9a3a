# Two authorities with an air gap between them, killed in what is left to do of
# one of them, and gone on with; sourced behind tests/gap.sh. What each has to
# have made stands in check, which the script defines:
#
#   check SIDE WHAT   fails the case when something is not as it has to be
. "$srcdir/tests/kills.sh"
step=9
gap=side # or later: which plans these are
# Which module a ceremony is run on stands in its binding.
gap_module=$builddir/tests/fault/shim.so

# keep: the side and the medium as they are now.
keep() {
	rm -rf "$T/kept"
	mkdir "$T/kept"
	cp -a "$T/acme-$at" "$T/$at.tokens" "$T/media" "$T/kept"
}

anew() {
	rm -rf "$T/acme-$at" "$T/$at.tokens" "$T/media"
	cp -a "$T/kept/acme-$at" "$T/kept/$at.tokens" "$T/kept/media" "$T"
}

go() {
	dies=$*
	"$gap" resume "$at"
	dies=
}

go_on() {
	"${gap}_ends" "$kill_whole" '' resume "$at"
}

done_well() {
	check "$at" "$1"
}

# each_place SIDE CODE: resume killed at each place of what is left to do, then
# resumed; CODE is how that ends.
each_place() {
	at=$1
	kill_whole=$2
	keep
	for way in durable before behind; do
		kill_at_each "$way" 1
	done
	anew
}

# whole SIDE WHAT FILE...: those are beside its transcript, and given; with a
# ceremony that ended its books are in order.
whole() {
	at=$1
	what=$2
	shift 2
	eval "log=\$${at}_log"
	given=$T/media/acme-$at
	(cd "$given" && sha256sum -c SHA256SUMS) >"$T/sum.out" 2>&1 ||
		fail "$what: $(cat "$T/sum.out")"
	for file in "$@"; do
		[ -f "$log/$file" ] || fail "$what: no $file"
		same_bytes "$log/$file" "$given/$file"
	done
	expect_equal "$(find "$given" -type f | wc -l)" \
		"$(($(wc -l <"$given/SHA256SUMS") + 1))" "$what: files on the medium"
	[ "$rc" -ne 0 ] || books "$at"
}

books() {
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		"$log/transcript.jsonl" --plan "$(plan_of "$1")"
	expect_exit 0 env SOFTHSM2_CONF="$T/$1.conf" "$PROVCTL" \
		-C "$T/acme-$1" audit verify
	expect_exit 0 env SOFTHSM2_CONF="$T/$1.conf" "$PROVCTL" \
		-C "$T/acme-$1" audit reconcile
}

# until SIDE KIND: it stops before the first step of that kind.
until_step() {
	n=$(jq --arg kind "$2" '[.steps[].step] | index($kind)' \
		"$(plan_of "$1")")
	{
		i=0
		# Before each: one answer; of a CA's certificate one more.
		while [ "$i" -lt "$n" ]; do
			echo yes
			[ "$(jq -r ".steps[$i].step" "$(plan_of "$1")")" != \
				self-signed ] || echo yes
			i=$((i + 1))
		done
		echo stop
	} >"$T/until"
	"${gap}_ends" 130 '' run "$1" "$T/until"
	eval "until_log=\$${1}_log"
	expect_equal "$(jq -rs '[.[] | select(.event == "step")] | last | .facts.kind' \
		"$until_log/transcript.jsonl")" "$2" "the last step that was begun"
	expect_equal "$(jq -rs '[.[] | .event] | .[-4:] | join(" ")' \
		"$until_log/transcript.jsonl")" "step ask answer stopped" \
		"the last that happened"
}
