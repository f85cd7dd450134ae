# shellcheck shell=bash
# Installing what a command needs, by Debian package name, only when it is missing. Sourced.

BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config python3
	libmicrohttpd-dev libgnutls28-dev libjansson-dev libsqlite3-dev liburing-dev libncurses-dev
	libyaml-dev libinih-dev libcurl4-openssl-dev)
RUN_PACKAGES=("${BUILD_PACKAGES[@]}" curl tzdata)
TEST_PACKAGES=("${RUN_PACKAGES[@]}" g++ libcmocka-dev clang-format shellcheck sqlite3 tmux openssl)

# Oldest Node.js that the outside clients in tests/ run on.
NODE_MAJOR_MIN=18

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

# missing_packages NAME...: those that are not installed, one a line.
missing_packages() {
	local name installed
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
	for name in "$@"; do
		grep -qx "$name installed" <<<"$installed" || echo "$name"
	done
}

# need NAME...: installs the missing ones. One dpkg-query when there is nothing to do.
need() {
	local missing
	if ! command -v dpkg-query >/dev/null; then
		say "no dpkg here: please see that these are installed: $*"
		return 0
	fi
	mapfile -t missing < <(missing_packages "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	say "installing with apt: ${missing[*]}"
	quiet_step "apt-get update" as_root apt-get update -q
	quiet_step "apt-get install" as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends "${missing[@]}"
}

node_is_new_enough() {
	command -v npm >/dev/null && command -v node >/dev/null &&
		node -e "process.exit(parseInt(process.versions.node) >= $NODE_MAJOR_MIN ? 0 : 1)"
}

install_node_clients() {
	(cd "$1" && npm ci --ignore-scripts --no-audit --no-fund)
}

# The outside clients of the test suites: Node.js, and for each tests/*/package-lock.json exactly
# the versions in it. Done again only when the lock file has changed.
need_node_clients() {
	local lock dir
	for lock in tests/*/package-lock.json; do
		[ -e "$lock" ] || return 0
		node_is_new_enough || need nodejs npm
		dir=$(dirname "$lock")
		cmp -s "$lock" "$dir/node_modules/.reeve-lock" && continue
		quiet_step "npm packages of $dir" install_node_clients "$dir" || return 1
		mkdir -p "$dir/node_modules"
		cp "$lock" "$dir/node_modules/.reeve-lock"
	done
}

# A Prometheus for the tests, unpacked beside the build and not installed: the package would start a
# server.
need_prometheus() {
	command -v apt-get >/dev/null || return 0
	! command -v prometheus >/dev/null || return 0
	[ ! -x build/prometheus/usr/bin/prometheus ] || return 0
	quiet_step "prometheus, unpacked" unpack_package prometheus build/prometheus
}

unpack_package() {
	local into
	into=$(mktemp -d)
	(cd "$into" && { apt-get download -q "$1" || { as_root apt-get update -q && apt-get download -q "$1"; }; }) &&
		mkdir -p "$2" && dpkg -x "$into"/*.deb "$2"
	rm -rf "$into"
}
