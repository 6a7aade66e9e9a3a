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

# two_to_send: the root makes another key that may leave its token, issuing-2.
two_to_send() {
	jq '.plan = "transport-two" | .steps |= map(if .purpose == "issuing-1" and
		.step == "generate-key" then ., (.purpose = "issuing-2") else . end)' \
		"$root_plan" >"$T/transport-two.json"
	root_plan=$T/transport-two.json
	root_log=$R/ceremonies/transport-two-1
}

# first_transport: rehearsed and run; the medium is media-1 then.
first_transport() {
	rehearse_transport
	mkdir "$T/media"
	new_side issuing
	new_side root
	side_ends 10 media.file run issuing
	side_ends 10 media.file run root
	side_ends 10 media.file resume issuing
	side_ends 0 '' resume root
	side_ends 0 '' resume issuing
	mv "$T/media" "$T/media-1"
}

# later_transport: from here on the plans by which the issuing authority takes
# issuing-2.
later_transport() {
	hash=$(sha256sum <"$templates/issuing-2-ca.json" | cut -d ' ' -f 1)
	cat >"$T/take.json" <<END
{"plan": "take", "version": 1, "steps": [
  {"step": "make-transport-key"},
  {"step": "take-key", "purpose": "issuing-2", "from": "acme-root"},
  {"step": "check-key", "purpose": "issuing-2"},
  {"step": "make-csr", "ca": "issuing-2", "template": "issuing-2-ca",
   "template_sha256": "$hash", "to": "acme-root"},
  {"step": "import-ca", "ca": "issuing-2", "issuer": "root", "from": "acme-root"},
  {"step": "sign-crl", "ca": "issuing-2"}
]}
END
	cat >"$T/send.json" <<END
{"plan": "send", "version": 1, "steps": [
  {"step": "send-key", "purpose": "issuing-2", "to": "acme-issuing"},
  {"step": "sign-csr", "ca": "issuing-2", "issuer": "root",
   "template": "issuing-2-ca", "template_sha256": "$hash", "from": "acme-issuing"}
]}
END
	issuing_plan=$T/take.json
	root_plan=$T/send.json
	issuing_log=$I/ceremonies/take-1
	root_log=$R/ceremonies/send-1
}

rehearse_later_transport() {
	rm -rf "$T/rehearsed"
	mkdir "$T/rehearsed"
	for turn in rehearse:issuing:10 rehearse:root:10 resume:issuing:10 \
		resume:root:0 resume:issuing:0; do
		side=${turn#*:}
		run "$PROVCTL" ceremony "${turn%%:*}" "$(plan_of "${side%:*}")" \
			--home "$T/rehearsal-${side%:*}" --templates "$templates" \
			--media "$T/rehearsed"
		expect_equal "$rc" "${side#*:}" "exit of $turn ($(cat "$T/err"))"
	done
}
