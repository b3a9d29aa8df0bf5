#!/usr/bin/env bash
# Runs every example of every command's help as it is printed, in the order in which a user could, in a scratch folder where
# everything that they name is there: MNIST and CIFAR files of random pixels, a folder of photos, trained runs. Each must end
# with 0; one that trains for minutes is stopped after some seconds, and must have saved (130).
#
# From a pipe by default; TERMINAL=1 gives each a terminal of its own (script, of util-linux).
source "$(dirname "$0")/../Torture/common.sh"
export PATH="$(dirname "$scanline"):$PATH" SCANLINE_CHECKPOINTS="$root/Checkpoints"
mkdir -p Data
ln -s "$root/Data/glyphs" Data/glyphs

# Runs what the examples need and do not make themselves.
prepare() { "$scanline" "$@" >/dev/null 2>said || { echo "cannot prepare '$*': $(tail -n 1 said)" >&2; exit 1; }; }

# Runs one example, as printed.
try() {
  local line=$1 status=0 seconds=300
  # These would go on for minutes.
  [[ $line != *--minutes* ]] || seconds=8
  tried=$((tried + 1))
  # In the foreground: elsewhere timeout would signal its whole group, and with it what reads the command's output.
  if [ -n "${TERMINAL:-}" ]; then
    TERM=xterm timeout -k 30 $((seconds + 60)) script -qec "exec timeout --foreground -s INT $seconds $line" /dev/null \
      </dev/null >said 2>&1 || status=$?
  else
    timeout --foreground -s INT -k 30 "$seconds" bash -c "exec $line" </dev/null 2>&1 | cat >said || status=${PIPESTATUS[0]}
  fi
  case $status in
    0) ;;
    124 | 130) grep -q 'go on with: scanline train --resume' said || lose "$line: stopped without a save" ;;
    *) lose "$line: exit code $status: $(tail -n 1 said)" ;;
  esac
}

# The examples of a command's help, one a line, those that a backslash breaks joined.
examples() {
  "$scanline" $1 --help | sed -n '/^ *Examples*:/,/^USAGE/p' | sed -e ':a' -e '/\\$/N' -e 's/ *\\\n */ /' -e 'ta' |
    sed -n 's/^ *\(scanline .*\)/\1/p' | grep -v '^scanline \[' || true
}
# Runs those of them that match $2.
run_examples() {
  local line
  while IFS= read -r line; do
    if [[ $line =~ ${2:-.} ]]; then try "$line"; fi
  done < <(examples "$1")
}

# --- what is downloaded: files of the right form, of random pixels ---

# $1 images and labels as IDX, $2 the name's beginning. Numbers have four bytes, the largest first.
idx() {
  local count
  count='\0\0'$(printf '\\x%02x\\x%02x' $(($1 / 256)) $(($1 % 256)))
  { printf "\0\0\x08\x03$count\0\0\0\x1c\0\0\0\x1c"; head -c $(($1 * 784)) /dev/urandom; } | gzip >"$2-images-idx3-ubyte.gz"
  { printf "\0\0\x08\x01$count"; for ((i = 0; i < $1; i++)); do printf "\x0$((i % 10))"; done; } |
    gzip >"$2-labels-idx1-ubyte.gz"
}
idx 600 train
idx 40 t10k
# $1 records of CIFAR with the label bytes $2.
cifar() { for ((i = 0; i < $1; i++)); do printf "$2"; head -c 3072 /dev/urandom; done; }
mkdir cifar-10-batches-bin cifar-100-binary
for batch in data_batch_1 data_batch_2 test_batch; do cifar 20 '\x03' >cifar-10-batches-bin/$batch.bin; done
tar czf cifar-10-binary.tar.gz cifar-10-batches-bin
cifar 20 '\x03\x07' >cifar-100-binary/train.bin

for command in import-idx import-cifar draw; do run_examples "$command"; done

# --- what a user has: photos, runs, weights of others, a configuration ---

prepare draw photos --count 60 --side 32
mkdir by-class
cp -r mnist/train/7 by-class/seven
cp -r mnist/train/1 by-class/one
tiny="--width 4 --blocks 1 --levels 2 --samples 0 --no-plots"
run_examples train 'name digits --minutes|preset|blocks 5'
rm -rf Checkpoints/digits
prepare train mnist $tiny --batch 8 --steps 5000 --evaluate-every 500 --keep 5 --name digits
for name in a b c; do prepare train mnist $tiny --steps 10 --seed $((seed = ${seed:-0} + 1)) --name $name; done
for order in rows columns; do prepare train mnist $tiny --steps 10 --order $order --name $order; done
prepare train photos $tiny --steps 10 --name photos
prepare train by-class $tiny --steps 10 --class-conditional --name by-class
prepare train mnist --levels 2 --width 32 --blocks 15 --steps 1 --samples 0 --no-plots --name wide
cp Checkpoints/wide/step-00000001/model.safetensors weights.safetensors
prepare train mnist --levels 2 --model gated-pixelcnn --width 32 --blocks 8 --class-conditional --steps 1 --samples 0 \
  --no-plots --name gated
cp Checkpoints/gated/step-00000001/model.safetensors digits.safetensors
printf '[training]\nsteps = 9\n[model]\nwidth = 4\nblocks = 1\n[levels]\nlevels = 2\n' >run.toml
prepare sample Checkpoints/digits --count 2 --folder drawn --output drawn.png
cp drawn/00000.png seven.png
cp drawn/00001.png left-half.png

# One of train's stands in the help of presets too, and makes the same run.
rm -rf Checkpoints/mnist-pixelcnn
run_examples checkpoints 'list|best|average|export'
for command in sample complete evaluate compare neighbours report gradients inspect describe theory import lr-find \
  "checkpoints list" "checkpoints best" "checkpoints average" "checkpoints export" presets benchmark \
  "benchmark step" "benchmark kernels" "benchmark load" "benchmark growth" "benchmark cores"; do
  run_examples "$command"
done
# What a resumed run prunes can be averaged no more.
run_examples train 'resume|config |dry-run'
run_examples checkpoints prune
tally "examples of the help as printed${TERMINAL:+, each in a terminal}"
finish
