#!/usr/bin/env bash
# Runs every test of the workspace, and those of the library with several sets of Cargo features.
#
#   ./test.sh                     everything
#   ./test.sh a_hit               what follows goes to each `cargo test`: here, only the tests whose name contains "a_hit"
#   ./test.sh -- --nocapture      …and behind `--` to the test programs
#
# The tests need a Redis server to start and stop as they like. Where there is no `redis-server`, one is installed with the
# system's package manager; a Redis that is running already is neither used nor disturbed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'test.sh: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- What the tests need ----------------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif has sudo; then sudo "$@"
  else fail "installing redis-server needs root, and there is no sudo; install it yourself, then run ./test.sh again"
  fi
}

install_redis() {
  if has apt-get; then
    as_root apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server
  elif has brew; then
    brew install redis
  elif has dnf; then
    # Fedora replaced Redis by Valkey, whose compatibility package brings a `redis-server`.
    as_root dnf install -y redis || as_root dnf install -y valkey-compat-redis
  elif has apk; then
    as_root apk add redis || as_root apk add valkey valkey-compat
  else
    fail "no redis-server in PATH, and no package manager that is known here (apt-get, brew, dnf, apk);" \
      "install Redis 6 or newer, then run ./test.sh again"
  fi
}

has cargo || fail "no cargo in PATH; install Rust from https://rustup.rs, then run ./test.sh again"
# Debian puts servers where not every user's PATH leads.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
if ! has redis-server; then
  say "redis-server is missing; installing it with the system's package manager"
  install_redis </dev/null
  has redis-server || fail "the package was installed, but there is still no redis-server in PATH"
fi

# A developer's own settings must not decide how a test ends.
while IFS= read -r name; do unset "$name"; done < <(env | sed -n -E 's/^((HYBRID_CACHE_[A-Za-z0-9_]*)|REDIS_URL|REDIS_PASSWORD)=.*/\1/p')

# --- The runs ---------------------------------------------------------------------------------------------------------

# One a line: the arguments of `cargo test`. The workspace builds with default features and also tests the macros, the
# examples and the public API; the library's own tests then run once more without a layer of bytes, with Redis alone, and
# with everything. Last come the tests of what serde's feature `rc` could change, with it on.
runs="\
--workspace --exclude hybrid-cache-benches
-p hybrid-cache --no-default-features
-p hybrid-cache --lib --no-default-features --features redis-tls-ring
-p hybrid-cache --lib --all-features
-p hybrid-cache-tests --features serde-rc --test arc_answers"

say "The plan"
echo "$(redis-server --version | cut -d ' ' -f 1-3), $(cargo --version)"
while IFS= read -r run; do echo "  cargo test $run${*:+ $*}"; done <<<"$runs"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed_runs=""
started=$SECONDS
while IFS= read -r run; do
  say "cargo test $run"
  run_started=$SECONDS
  # shellcheck disable=SC2086 # a line of `runs` is several words
  if cargo test --no-fail-fast $run "$@" </dev/null 2>&1 | tee -a "$log"; then
    echo "-- ok in $((SECONDS - run_started)) s"
  else
    echo "-- failed after $((SECONDS - run_started)) s"
    failed_runs="$failed_runs  cargo test $run"$'\n'
  fi
  # Random histories are the same with every set of features: from here on a few are enough.
  export HISTORIES=${HISTORIES:-100}
done <<<"$runs"

# --- What came of it --------------------------------------------------------------------------------------------------

count() { sed -n -E "s/.*test result: .* ([0-9]+) $1;.*/\1/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }'; }
passed=$(count passed)
failed=$(count failed)
# A run that fails without a failed test did not compile, or crashed.
if [ -n "$failed_runs" ] && [ "$failed" -eq 0 ]; then failed=1; fi

say "Tested in $((SECONDS - started)) s"
[ -z "$failed_runs" ] || printf 'failed:\n%s' "$failed_runs"
echo "$passed passed, $failed failed"
[ -z "$failed_runs" ]
