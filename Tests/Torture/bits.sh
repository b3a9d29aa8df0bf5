#!/usr/bin/env bash
# One result: whatever the threads, and whatever processor the package was built for. The second build takes some minutes
# (SCANLINE_BASELINE=x86-64-v3, into .build-x86-64-v3, which git ignores); OTHER names one that is there already.
source "$(dirname "$0")/common.sh"
"$scanline" draw images --count 120 --side 12 --seed 5 >/dev/null
other=${OTHER:-}
if [ -z "$other" ] && [ "$(uname -m)" = x86_64 ]; then
  (cd "$root" && SCANLINE_BASELINE=x86-64-v3 ${SWIFT:-swift} build -c release --product scanline \
    --scratch-path .build-x86-64-v3 >/dev/null)
  other=$root/.build-x86-64-v3/release/scanline
fi
weights() { (cd "$1" && ls -d step-* && cat step-*/*.safetensors | sha256sum) | sha256sum; }
for model in "pixelcnn --width 24 --blocks 3" "gated-pixelcnn --width 20 --blocks 2" "diagonal-lstm --width 12 --blocks 2" \
  "mdrnn --width 12 --blocks 1" "pixelcnn --width 24 --blocks 1 --channels 3"; do
  options="train images --model $model --levels 8 --batch 41 --steps 12 --evaluate-every 5"
  rm -rf one
  "$scanline" $options --threads 1 --output one >/dev/null 2>&1
  expected=$(weights one)
  for threads in 2 3 4 8; do
    tried=$((tried + 1))
    rm -rf run
    "$scanline" $options --threads $threads --output run >/dev/null 2>&1
    [ "$(weights run)" = "$expected" ] || lose "$model: $threads threads give other bits"
  done
  [ -n "$other" ] || continue
  for threads in 1 3; do
    tried=$((tried + 1))
    rm -rf run
    "$other" $options --threads $threads --output run >/dev/null 2>&1
    [ "$(weights run)" = "$expected" ] || lose "$model: the other build gives other bits"
  done
  # The other build goes on with a run of this one.
  tried=$((tried + 1))
  rm -rf run
  "$scanline" $options --threads 2 --output run >/dev/null 2>&1
  "$other" train --resume --output run --steps 20 >/dev/null 2>&1
  "$scanline" train --resume --output one --steps 20 >/dev/null 2>&1
  [ "$(weights run)" = "$(weights one)" ] || lose "$model: the other build goes on differently"
done
tally "models on 1, 2, 3, 4, 8 threads${other:+ and in another build}, against one thread of this one"
finish
