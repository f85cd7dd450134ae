# shellcheck shell=bash
# Running the suites. What every run found goes to build/results; tools/dev/count.py adds it up and
# prints the last line, `N passed, N failed`. Sourced.

RESULTS=build/results

# Labels whose suites a build leaves to the normal one: what goes through the front door is mostly the
# same code again, and a killed process tells a sanitizer nothing. Of reeved, the sanitizers watch what
# does most at once (`front`), and all in the long suite.
SKIP_CHECKED='api|lint'
SKIP_ASAN='api|front_long|crash|lint'
SKIP_TSAN='api|front_long|crash|lint|property|fuzz|scenario|full'

# note_result NAME passed|failed: one result that is no ctest program, such as a lint check.
note_result() {
	mkdir -p "$RESULTS"
	printf '%s %s\n' "$2" "$1" >>"$RESULTS/steps.txt"
}

# required TITLE COMMAND...: a step whose failure is a failure of the whole run.
required() {
	step "$@" && return 0
	note_result "$1" failed
	return 1
}

# suite NAME DIR LABELS: the tests ctest has in DIR, without those of the labels (a|b). A test that
# fails does not stop the others; what passed is in the results. RUNNER is put before ctest.
suite() {
	local name=$1 dir=$2 begun report="$PWD/$RESULTS/$1.xml"
	begun=$(now_ms)
	say "$name tests"
	"${RUNNER[@]}" ctest --test-dir "$dir" --no-tests=ignore --output-on-failure \
		--test-output-size-passed 4000000 --test-output-size-failed 4000000 \
		--output-junit "$report" -LE "^(${LONG_LABEL:-all}|$3)\$" || true
	[ -e "$report" ] || note_result "$name tests: ctest did not run" failed
	say "$name tests: $(seconds_since "$begun") s"
}
RUNNER=()

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

suite_normal() {
	required "build" build_normal || return 1
	suite normal build none
}

suite_checked() {
	required "checked build" build_checked || return 1
	suite checked build/checked "$SKIP_CHECKED"
}

suite_asan() {
	required "build with address and undefined-behaviour sanitizers" build_asan || return 1
	suite asan build/asan "${1:-$SKIP_ASAN}"
}

# The thread sanitizer's memory layout does not go with much address randomisation, so it is off.
suite_tsan() {
	local RUNNER=()
	required "build with thread sanitizer" build_tsan || return 1
	! setarch "$(uname -m)" -R true 2>/dev/null || RUNNER=(setarch "$(uname -m)" -R)
	suite tsan build/tsan "${1:-$SKIP_TSAN}"
}

# with_results FUNCTION...: runs them one after another, until one says that going on is no use, and
# ends with the count. The count decides the exit status.
with_results() {
	local begun part
	begun=$(now_ms)
	rm -rf "$RESULTS"
	mkdir -p "$RESULTS"
	for part in "$@"; do
		"$part" || break
	done
	say "all of it: $(seconds_since "$begun") s"
	python3 tools/dev/count.py "$RESULTS"
}

install_for_tests() {
	required "packages" need "${TEST_PACKAGES[@]}" || return 1
	required "outside clients" need_node_clients || true # their tests will say so too
	required "prometheus" need_prometheus || true
}

# Random tests draw the same numbers in every ordinary run, so that a change is judged by itself.
# --all: new numbers, the tests labelled "all" besides, and all others at their full length.
run_tests() {
	case ${1:-} in
	"") export REEVE_SEED=${REEVE_SEED:-1} ;;
	--all) take_all ;;
	*) die "test: no option \"$1\"" ;;
	esac
	with_results install_for_tests suite_normal lint_checks suite_checked suite_asan suite_tsan
}

take_all() {
	export REEVE_TEST_ALL=1
	LONG_LABEL=none SKIP_CHECKED=lint SKIP_ASAN='api|lint' SKIP_TSAN='api|lint|crash'
}

run_asan() {
	[ "${1:-}" != --all ] || take_all
	with_results install_for_tests suite_asan
}

run_tsan() {
	[ "${1:-}" != --all ] || take_all
	with_results install_for_tests suite_tsan
}
