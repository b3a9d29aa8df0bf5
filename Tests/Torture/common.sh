# What the torture scripts share: a scratch folder, a small run, its fingerprint, and the tally of what was tried and lost.
# Sourced, not run. SCANLINE names the command (default: the release build of this checkout).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scanline=${SCANLINE:-$root/.build/release/scanline}
[ -x "$scanline" ] || { echo "no $scanline: run 'make build' first" >&2; exit 1; }

# In memory where that is possible: what is tried here does not depend on the disk, which makes each fsync wait.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
scratch=$(mktemp -d)
# Scripts append to it what must be undone before the scratch folder goes.
cleanup() { rm -rf "$scratch"; }
trap 'cleanup' EXIT
cd "$scratch"

# A crash shows by its exit code; the helper that prints where it was can hang where writing fails.
export SWIFT_BACKTRACE=enable=no

tried=0
lost=0

# What was lost, in words, on standard error; the tally counts it.
lose() {
  lost=$((lost + 1))
  echo "LOST: $*" >&2
}

# The line that each script ends a section with; resets the tally, and remembers a loss for the exit code.
any_lost=0
tally() {
  echo "$*: tried $tried, lost $lost"
  [ "$lost" -eq 0 ] || any_lost=1
  tried=0
  lost=0
}
finish() { exit "$any_lost"; }

# The small run: 6 steps of 9 images, a save at every second, so that saves, evaluations and pruning all take turns. Not
# whole epochs: 28 images in batches of 9 are three steps an epoch.
small="--width 4 --blocks 1 --levels 2 --binarize dynamic --batch 9 --gradients-every 2 --threads 1"
small_run="train images $small --steps 6 --evaluate-every 2 --keep 1"

draw_images() { "$scanline" draw images --count 30 --side 8 --seed 3 >/dev/null; }

# The fingerprint of step $2 of run $1: weights, average, moments, and the state but for the seconds.
fingerprint() {
  (
    cd "$1/step-$(printf %08d "$2")" &&
      { cat model.safetensors ema.safetensors optimizer.safetensors && grep -v elapsedSeconds state.json; } | sha256sum
  )
}

# The MiB that `--dry-run` states for a run with the options $*; what it says else is in `said`.
stated_memory() { "$scanline" train "$@" --dry-run 2>said | sed -n 's/^memory *\([0-9]*\) MiB at most.*/\1/p'; }

# The KiB that the system states of process $2 under the name $1 (VmRSS, VmHWM); nothing once it has ended.
status_kib() { sed -n "s/^$1:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$2/status" 2>/dev/null; }

# The newest step of run $1, as a number; nothing where none is saved.
newest_step() {
  local last
  last=$(ls "$1" 2>/dev/null | grep '^step-' | tail -n 1) || true
  [ -z "$last" ] || echo $((10#${last#step-}))
}

# Brings run $1 to its end from whatever is in its folder, and compares the fingerprint of step $2 with $3. A run that was
# ended before its first save is begun again by the command that began it, $4.
recover() {
  local run=$1 last=$2 expected=$3 begin=$4 said
  if [ -n "$(newest_step "$run")" ]; then
    said=$("$scanline" train --resume --output "$run" --threads 2 2>&1 >/dev/null) || { echo "no resume: $said"; return 1; }
  else
    said=$("$scanline" $begin --output "$run" 2>&1 >/dev/null) || { echo "no new start: $said"; return 1; }
  fi
  [ "$(fingerprint "$run" "$last" 2>&1)" = "$expected" ] || { echo "another result"; return 1; }
  # Nothing hidden but the lock may be left.
  local left
  left=$(ls -A "$run" | grep -E '^\.(saving|removing)|\.new$' || true)
  [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}
