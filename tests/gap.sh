# Two authorities with an air gap between them, by the shipped plans; sourced
# after lib.sh, with tokens.sh. Each has a folder of tokens and a home of its
# own; what changes hands is a medium's folder.
#
#   root     $T/acme-root      plan root-offline
#   issuing  $T/acme-issuing   plan issuing-online
. "$srcdir/tests/tokens.sh"
root_plan=$templates/plans/root-offline.json
issuing_plan=$templates/plans/issuing-online.json
R=$T/acme-root
I=$T/acme-issuing
root_log=$R/ceremonies/root-offline-1
issuing_log=$I/ceremonies/issuing-online-1

# What people say: the shipped plans have nothing else to ask.
plan_of() {
	case $1 in
	root) echo "$root_plan" ;;
	issuing) echo "$issuing_plan" ;;
	second) echo "$second_plan" ;;
	esac
}

# How a command comes to its end (tests/kills.sh); empty: by itself.
dies=

# on SIDE COMMAND...: where that side's token is.
on() {
	conf=$T/$1.conf
	shift
	SOFTHSM2_CONF=$conf "$@"
}

# new_side SIDE: no home, and an empty folder of tokens.
new_side() {
	rm -rf "$T/acme-$1" "$T/$1.tokens"
	mkdir "$T/$1.tokens"
	conf_tokens "$T/$1.tokens" "$T/$1.conf"
	bind_tokens "${gap_module:-$softhsm}" "acme-$1"
	mv "$T/binding.json" "$T/$1.binding"
}

# rehearse_both: in $T/rehearsal-root and -issuing. The one that waits for the
# medium ends, and goes on.
rehearse_both() {
	mkdir "$T/rehearsed"
	for side in issuing root; do
		run "$PROVCTL" ceremony rehearse "$(plan_of $side)" \
			--home "$T/rehearsal-$side" --name "acme-$side" \
			--templates "$templates" --media "$T/rehearsed"
		[ "$side" = root ] && want=0 || want=10
		expect_equal "$rc" "$want" "exit of rehearse $side ($(cat "$T/err"))"
	done
	expect_exit 0 "$PROVCTL" ceremony resume "$issuing_plan" \
		--home "$T/rehearsal-issuing" --templates "$templates" \
		--media "$T/rehearsed"
}

# args WORD SIDE [ANSWERS]: of ceremony WORD, a word each.
args() {
	printf '%s\n' ceremony "$1" "$(plan_of "$2")" --home "$T/acme-$2" \
		--templates "$templates" --binding "$T/$2.binding" \
		--media "$T/media" --answers "${3:-$T/yes}"
	[ "$1" = resume ] || printf '%s\n' --rehearsal "$T/rehearsal-$2"
}

# side WORD SIDE [ANSWERS]: rc, $T/out, $T/err.
side() {
	# shellcheck disable=SC2046,SC2086  # no path here has a space
	run env SOFTHSM2_CONF="$T/$2.conf" $dies "$PROVCTL" $(args "$@")
}

# ends_so COMMAND CODE RULE WORD SIDE [ANSWERS]
ends_so() {
	ends_by=$1
	want=$2
	rule=$3
	shift 3
	"$ends_by" "$@"
	if [ "$rc" -ne "$want" ] ||
		{ [ -n "$rule" ] && ! grep -q "rule: $rule\$" "$T/err"; }; then
		fail "exit $rc, not $want $rule: $*"
		show_output
	fi
	no_secret "$T/out" "$T/err"
}

# side_ends CODE RULE WORD SIDE [ANSWERS]
side_ends() {
	ends_so side "$@"
}

# The plans behind those, when both sides are there: root-sign-next and
# issuing-next.
next_plans() {
	root_plan=$templates/plans/root-sign-next.json
	issuing_plan=$templates/plans/issuing-next.json
	root_log=$R/ceremonies/root-sign-next-1
	issuing_log=$I/ceremonies/issuing-next-1
}

# Those of another CA of the issuing authority: root-sign-new and issuing-new.
new_plans() {
	root_plan=$templates/plans/root-sign-new.json
	issuing_plan=$templates/plans/issuing-new.json
	root_log=$R/ceremonies/root-sign-new-1
	issuing_log=$I/ceremonies/issuing-new-1
}

# later WORD SIDE [ANSWERS]: of a plan of an authority that is there.
later() {
	later_word=$1
	later_side=$2
	later_said=${3:-$T/yes}
	set -- -C "$T/acme-$2" ceremony "$1" "$(plan_of "$2")" \
		--templates "$templates" --media "$T/media" --answers "$later_said"
	[ "$later_word" = resume ] ||
		set -- "$@" --rehearsal "$T/rehearsal-$later_side"
	# shellcheck disable=SC2086  # words of an environment
	run env SOFTHSM2_CONF="$T/$later_side.conf" $dies "$PROVCTL" "$@"
}

# later_ends CODE RULE WORD SIDE [ANSWERS]
later_ends() {
	ends_so later "$@"
}

# rehearse_next: both, in the homes of the rehearsals before, with another
# medium.
rehearse_next() {
	rm -rf "$T/rehearsed"
	mkdir "$T/rehearsed"
	for side in issuing root; do
		run "$PROVCTL" ceremony rehearse "$(plan_of $side)" \
			--home "$T/rehearsal-$side" --templates "$templates" \
			--media "$T/rehearsed"
		[ "$side" = root ] && want=0 || want=10
		expect_equal "$rc" "$want" "exit of rehearse $side ($(cat "$T/err"))"
	done
	expect_exit 0 "$PROVCTL" ceremony resume "$issuing_plan" \
		--home "$T/rehearsal-issuing" --templates "$templates" \
		--media "$T/rehearsed"
}

# resum AUTHORITY: SHA256SUMS says what is there now.
resum() {
	(cd "$T/media/$1" && rm -f SHA256SUMS && sha256sum -- * >"$T/sums" &&
		mv "$T/sums" SHA256SUMS)
}

# first_ceremonies: both are made over the medium, which is $T/media-1 then; $H is
# the issuing one, $root and $old are what it got.
first_ceremonies() {
	rehearse_both
	mkdir "$T/media"
	new_side issuing
	new_side root
	side_ends 10 media.file run issuing
	side_ends 0 '' run root
	side_ends 0 '' resume issuing
	mv "$T/media" "$T/media-1"
	root=$T/media-1/acme-root/root.pem
	old=$T/media-1/acme-root/issuing-1.pem
	H=$I
	SOFTHSM2_CONF=$T/issuing.conf
	export SOFTHSM2_CONF
}

# device N TEMPLATE ISSUER: issued in $H; OpenSSL takes it by $root and that
# certificate.
device() {
	new_device tls-client "client-0000000$1"
	issue "$2" "client-0000000$1" -o "$T/$1.pvb"
	expect_equal "$rc" 0 "exit of issue $1 ($(cat "$T/err"))"
	json_field certificate "$T/out" >"$T/$1.pem"
	openssl verify -purpose sslclient -CAfile "$root" -untrusted "$3" \
		"$T/$1.pem" >"$T/out" 2>&1 || fail "OpenSSL: $(cat "$T/out")"
}

# books SIDE: what the log says is what is there.
books() {
	for what in "audit verify" "audit reconcile" status; do
		# shellcheck disable=SC2086  # words
		expect_exit 0 env SOFTHSM2_CONF="$T/$1.conf" "$PROVCTL" -C "$T/acme-$1" $what
	done
}
