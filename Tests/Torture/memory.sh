#!/usr/bin/env bash
# The memory that `train --dry-run` states against the peak that the system has seen (VmHWM) in the run itself. Every row
# must be within 15%. Needs Linux.
source "$(dirname "$0")/common.sh"
"$scanline" draw grey --count 300 --side 28 >/dev/null
# Colour: the same drawings, read as RGB.
printf '%-15s %5s %6s %5s %8s  %9s %9s %7s\n' model width blocks batch channels stated peak error
worst=0
row() {
  local model=$1 width=$2 blocks=$3 batch=$4 channels=$5 threads=$6
  local options="grey --model $model --width $width --blocks $blocks --batch $batch --channels $channels --levels 16 --threads $threads"
  tried=$((tried + 1))
  stated=$(stated_memory $options)
  [ -n "$stated" ] || { lose "$options: $(tail -n 1 said)"; return; }
  rm -rf run
  # Two steps, an evaluation and a save after each: all that ever takes memory.
  (
    "$scanline" train $options --steps 2 --evaluate-every 1 --output run >/dev/null 2>&1 & pid=$!
    # The peak is in the process's own file until it ends: the last that is seen counts.
    while peak=$(status_kib VmHWM $pid) && [ -n "$peak" ]; do
      echo "$peak" >peak
      sleep 0.005
    done
    wait "$pid"
  ) || { lose "$options failed"; return; }
  peak=$(cat peak)
  error=$(awk -v s="$stated" -v p="$peak" 'BEGIN { printf "%.1f", 100 * (s * 1024 - p) / p }')
  printf '%-15s %5s %6s %5s %8s  %5s MiB %5s MiB %6s%%\n' "$model" "$width" "$blocks" "$batch" "$channels" "$stated" \
    $(((peak + 512) / 1024)) "$error"
  awk -v e="$error" 'BEGIN { exit !(e > 15 || e < -15) }' && lose "$options: stated $stated MiB, $error% off"
  worst=$(awk -v e="$error" -v w="$worst" 'BEGIN { if (e < 0) e = -e; print (e > w ? e : w) }')
}
# No more threads than processors: a thread that never gets one does not touch its memory.
most_threads=$(nproc)
[ "$most_threads" -le 4 ] || most_threads=4
# Widths that split into halves and colours where they must.
for model in pixelcnn gated-pixelcnn mdrnn diagonal-lstm; do
  [ "$model" = pixelcnn ] && blocks=8 || blocks=3
  for width in 16 32 64 128; do row "$model" "$width" "$blocks" 32 1 2; done
  for batch in 16 64 128; do row "$model" 32 "$blocks" "$batch" 1 2; done
  for width in 36 72; do row "$model" "$width" "$blocks" 16 3 2; done
  row "$model" 48 2 24 1 "$most_threads"
done
echo "the worst is ${worst}% off"
tally "statements of memory against the measured peak"

# --- a limit ---

tried=1
"$scanline" train grey --width 4096 --blocks 12 --steps 1 --output run2 >/dev/null 2>said && status=0 || status=$?
[ "$status" -eq 64 ] && [ ! -e run2 ] || lose "a run beyond this machine: $status: $(tail -n 1 said)"
group=/sys/fs/cgroup/memory/scanline-torture-$$
if mkdir "$group" 2>/dev/null && echo 100000000 >"$group/memory.limit_in_bytes" 2>/dev/null; then
  cleanup() { rmdir "$group" 2>/dev/null || true; rm -rf "$scratch"; }
  for case in "16 0" "512 64"; do
    tried=$((tried + 1))
    rm -rf run2
    sh -c "echo \$\$ >$group/cgroup.procs; exec '$scanline' train grey --width ${case% *} --blocks 3 --steps 1 --levels 2 --output run2" \
      >/dev/null 2>said && status=0 || status=$?
    [ "$status" -eq "${case#* }" ] || lose "a group of 100 MB, width ${case% *}: $status: $(tail -n 1 said)"
  done
else
  echo "no control group could be made here: its limit was not tried"
fi
tally "runs that do not fit"
finish
