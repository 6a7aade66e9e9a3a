# bind_plan PLAN FOLDER: each step that names a template is bound to the bytes
# that it has in the folder; the plan's other text stays as it is. A template
# that is not there stays unbound.
bind_plan() {
	sed -i -z 's/,[[:space:]]*"template_sha256":[[:space:]]*"[^"]*"//g' "$1"
	for bind_name in $(jq -r '.steps[].template // empty' "$1" | sort -u); do
		[ -f "$2/$bind_name.json" ] || continue
		bind_hash=$(sha256sum "$2/$bind_name.json" | cut -d ' ' -f 1)
		sed -i "s/\"template\": *\"$bind_name\"/&, \"template_sha256\": \"$bind_hash\"/" "$1"
	done
}
