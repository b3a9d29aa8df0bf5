#!/usr/bin/env bash
# The .deb that `make dist` made, in a Debian 12 that has nothing else: installed, used, its manual read, its completion
# asked, each variant's bits compared, removed. Needs root, debootstrap and the network; ROOT names a root made before.
# Processors without AVX-512, and without AVX2, are qemu's, where qemu-x86_64 is there.
set -uo pipefail
cd "$(dirname "$0")/../.."
package=$(ls .build-dist/scanline_*_amd64.deb) || { echo "Run make dist first." >&2; exit 66; }
root=${ROOT:-$(mktemp -d)/debian}
[ -d "$root/usr" ] || debootstrap --variant=minbase bookworm "$root" > /dev/null || exit 1
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
rm -rf "$root/root/work" && mkdir -p "$root/root/work" && cp -R Data/glyphs "$root/root/work/"
cp "$package" "$root/tmp/scanline.deb"

tried=0 lost=0
# try WHAT PATTERN COMMAND: what bash says of COMMAND in the root, its exit code at the end, has PATTERN in it.
try() {
  local said
  said=$(chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    bash -c "cd /root/work; $3; echo \"code \$?\"" 2>&1)
  tried=$((tried + 1))
  if grep -qE "$2" <<< "$said"; then echo "$1: as it should be"; else
    lost=$((lost + 1))
    printf '%s: expected "%s", found\n%s\n' "$1" "$2" "$said"
  fi
}

try 'no Swift, no libpng' 'code 1' 'ls /usr/lib/x86_64-linux-gnu/libpng* /usr/lib/swift 2>/dev/null | grep -q .'
try 'man and completion from Debian' 'code 0' 'apt-get install -y -q man-db bash-completion > /dev/null'
try 'installs' 'code 0' 'dpkg -i /tmp/scanline.deb'
try 'samples without a clone' 'one.png: 64 images of 20×20×1' 'scanline sample --output one.png'
try 'trains into Checkpoints' 'code 0' 'scanline train glyphs --steps 40 --width 16 --blocks 2 --name run -q && ls Checkpoints/run/step-00000040'
variants=(x86-64-v3)
grep -q avx512vl /proc/cpuinfo && variants+=(x86-64-v4)
grep -q avx512_bf16 /proc/cpuinfo && variants+=(x86-64-v4+avx512bf16)
best=${variants[-1]}
try 'the variant for this processor' "\"${best//+/\\+}\"" 'grep baseline Checkpoints/run/environment.json'
for variant in "${variants[@]}"; do
  export SCANLINE_VARIANT=$variant
  try "$variant trains to the same bits" 'code 0' "scanline train glyphs --steps 40 --width 16 --blocks 2 --name $variant -q \
    && grep -q '\"$variant\"' Checkpoints/$variant/environment.json \
    && for file in model ema optimizer; do cmp Checkpoints/{run,$variant}/step-00000040/\$file.safetensors || exit; done"
  try "$variant draws and scores the same" 'code 0' "scanline sample --output $variant.png \
    && cmp <(scanline evaluate Checkpoints/run glyphs --split valid --json) <(SCANLINE_VARIANT= scanline evaluate Checkpoints/run glyphs --split valid --json) \
    && cmp one.png $variant.png"
done
export SCANLINE_VARIANT=sse
try 'a variant that there is not' 'expected x86-64-v3.*found sse' 'scanline sample'
unset SCANLINE_VARIANT
try 'the manual' 'scanline-train .* Train a model' 'man -P cat scanline-train | tr -s "\n " " "'
try 'the manual by its index' 'scanline-sample \(1\)' 'mandb -cq; man -k "Draw images"'
complete='source /usr/share/bash-completion/bash_completion; _completion_loader scanline
  complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
  _scanline "$1" "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}"; }'
try 'bash completes a command' '^train' "$complete; complete_words scanline tr"
try 'bash completes a value' 'pixelcnn gated-pixelcnn' "$complete; complete_words scanline train --model ''"
if qemu=$(command -v qemu-x86_64); then
  emulated=$(echo .build-dist/scanline-*-linux-x86_64/bin/scanline)
  for case in "Nehalem:x86-64-v3 .*found an older one" "Haswell:^[0-9]+\.[0-9]+\.[0-9]+$"; do
    tried=$((tried + 1))
    said=$("$qemu" -cpu "${case%%:*}" "$emulated" --version 2>&1)
    if grep -qE "${case#*:}" <<< "$said"; then echo "on a ${case%%:*}: as it should be"; else
      lost=$((lost + 1))
      printf 'on a %s: found %s\n' "${case%%:*}" "$said"
    fi
  done
fi
try 'is removed whole' 'code 0' 'dpkg -r scanline && [ ! -e /usr/lib/scanline ] && [ ! -e /usr/share/scanline ]'
echo "tried $tried, lost $lost; $(stat -c %s "$package") bytes"
[ $lost -eq 0 ]
