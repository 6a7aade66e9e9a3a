# An offline root that makes the key of an issuing authority and sends it to
# that one's token, by the shipped plans; sourced after tests/gap.sh, whose
# sides these are.
root_plan=$templates/plans/transport-root.json
issuing_plan=$templates/plans/transport-issuing.json
root_log=$R/ceremonies/transport-root-1
issuing_log=$I/ceremonies/transport-issuing-1

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
