# shellcheck shell=bash
# What ./dev says: one line when a step begins and one with the time it took. Sourced.

now_ms() { date +%s%3N; }

# seconds_since MS: tenths of seconds, as text.
seconds_since() {
	local ms=$(($(now_ms) - $1))
	printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

say() { printf '==> %s\n' "$*"; }

die() {
	printf 'dev: %s\n' "$*" >&2
	exit 1
}

# step TITLE COMMAND...: runs it with its output shown, and says how long it took.
step() {
	local title=$1 begun status=0
	shift
	begun=$(now_ms)
	say "$title"
	"$@" || status=$?
	if [ "$status" -eq 0 ]; then
		say "$title: done in $(seconds_since "$begun") s"
	else
		say "$title: FAILED (status $status) after $(seconds_since "$begun") s"
	fi
	return "$status"
}

# quiet_step TITLE COMMAND...: the same, with output shown only when it fails.
quiet_step() {
	local title=$1 begun log status=0
	shift
	begun=$(now_ms)
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		say "$title: ok, $(seconds_since "$begun") s"
	else
		cat "$log"
		say "$title: FAILED, $(seconds_since "$begun") s"
	fi
	rm -f "$log"
	return "$status"
}
