# An offline root that makes the key of an issuing authority and sends it to
# that one's token, by the shipped plans; sourced after tests/gap.sh, whose
# sides these are.
root_plan=$templates/plans/transport-root.json
issuing_plan=$templates/plans/transport-issuing.json
root_log=$R/ceremonies/transport-root-1
issuing_log=$I/ceremonies/transport-issuing-1

# planted FILE EXPRESSION: as sed has changed it, and signed in the name of the
# same log by a key of whoever laid it there, $T/stranger.key.
planted() {
	[ -f "$T/stranger.key" ] || openssl ecparam -name prime256v1 -genkey \
		-noout -out "$T/stranger.key"
	openssl pkey -in "$T/stranger.key" -pubout -outform DER \
		>"$T/stranger.spki"
	log_name=$(sed -n 's/^log-key \([^+]*\)+.*/\1/p' "$1")
	log_id=$(sha256sum <"$T/stranger.spki" | cut -c 1-8)
	log_key=$log_name+$log_id+$({ printf '\002' && cat "$T/stranger.spki"; } |
		base64 -w 0)
	sed -e '/^$/,$d' -e "s|^log-key .*|log-key $log_key|" -e "$2" "$1" \
		>"$T/planted"
	openssl dgst -sha256 -sign "$T/stranger.key" -out "$T/planted.sig" \
		"$T/planted"
	{
		cat "$T/planted"
		printf '\n— %s %s\n' "$log_name" "$({ echo "$log_id" | xxd -r -p &&
			cat "$T/planted.sig"; } | base64 -w 0)"
	} >"$1"
}

# rehearse_transport: in $T/rehearsal-root and -issuing, each as far as the
# medium goes, in turn.
rehearse_transport() {
	mkdir "$T/rehearsed"
	for side in issuing root; do
		run "$PROVCTL" ceremony rehearse "$(plan_of $side)" \
			--home "$T/rehearsal-$side" --name "acme-$side" \
			--templates "$templates" --media "$T/rehearsed"
		expect_equal "$rc" 10 "exit of rehearse $side ($(cat "$T/err"))"
	done
	for turn in issuing:10 root:0 issuing:0; do
		side=${turn%:*}
		run "$PROVCTL" ceremony resume "$(plan_of "$side")" \
			--home "$T/rehearsal-$side" --templates "$templates" \
			--media "$T/rehearsed"
		expect_equal "$rc" "${turn#*:}" \
			"exit of rehearsal, $turn ($(cat "$T/err"))"
	done
}
