# shellcheck shell=bash
# ./dev run: the demonstration. Sourced.

DEMO=build/demo

# run_demo [--once] [--port N] [--phase-seconds N]: further options go to build/bin/reeve-demo.
run_demo() {
	local port=()
	[ -z "${REEVE_PORT:-}" ] || port=(--port "$REEVE_PORT")
	need "${RUN_PACKAGES[@]}"
	step "build" build_normal reeved reeve-cli reeve-demo
	mkdir -p "$DEMO"
	step "database" python3 tools/demo/make_data.py "$DEMO/packages.db"
	# In place of this shell, so that Ctrl-C and its exit status are the demonstration's own.
	exec build/bin/reeve-demo --reeved build/bin/reeved --database "$DEMO/packages.db" \
		--folder "$DEMO" "${port[@]}" "$@"
}
