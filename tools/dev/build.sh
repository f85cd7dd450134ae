# shellcheck shell=bash
# Building: build/ is the normal build, build/checked has the test points, build/asan and build/tsan
# the sanitizers. Sourced.

# A parallel build on a machine with little memory must not run out of it: a job per processor.
jobs() { nproc; }

# build DIR TARGET... -- CMAKE_OPTION...: configures when the options changed, and builds.
build() {
	local dir=$1 targets=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		targets+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	mkdir -p "$dir"
	if [ ! -e "$dir/build.ninja" ] || [ "$*" != "$(cat "$dir/.dev-options" 2>/dev/null)" ]; then
		cmake -S . -B "$dir" -G Ninja "$@" >"$dir/configure.log" 2>&1 || {
			cat "$dir/configure.log"
			return 1
		}
		echo "$*" >"$dir/.dev-options"
	fi
	NINJA_STATUS="[%f/%t %es] " ninja -C "$dir" -j "$(jobs)" "${targets[@]}"
}

build_normal() { build build "$@"; }
build_checked() { build build/checked -- -DREEVE_CHECKED=ON; }
build_asan() { build build/asan -- -DREEVE_CHECKED=ON -DREEVE_SANITIZE=address,undefined; }
build_tsan() { build build/tsan -- -DREEVE_CHECKED=ON -DREEVE_SANITIZE=thread; }

build_all() {
	need "${TEST_PACKAGES[@]}"
	step "build" build_normal "$@"
}

# Every program build/bin/bench_*, or those named, one after another.
run_benches() {
	local program programs=()
	need "${TEST_PACKAGES[@]}"
	step "build" build_normal
	if [ $# -gt 0 ]; then
		programs=("${@/#/build/bin/}")
	else
		mapfile -t programs < <(find build/bin -maxdepth 1 -name 'bench_*' -type f | sort)
	fi
	[ "${#programs[@]}" -gt 0 ] || die "no program build/bin/bench_*"
	for program in "${programs[@]}"; do
		step "$(basename "$program")" "$program"
	done
}
