#!/usr/bin/env bash
# Full disks, read-only folders, missing permissions, files that vanish or change while a run is at work. Needs root, for a
# small tmpfs and for becoming another user; all in a mount namespace of its own.
source "$(dirname "$0")/common.sh"
if [ -z "${IN_NAMESPACE:-}" ]; then
  trap - EXIT
  rm -rf "$scratch"
  [ "$(id -u)" -eq 0 ] || { echo "disk.sh needs root" >&2; exit 1; }
  cd "$root"
  IN_NAMESPACE=1 exec unshare -m "$root/Tests/Torture/disk.sh"
fi
draw_images
"$scanline" $small_run --output whole >/dev/null 2>&1
whole=$(fingerprint whole 6)
long="train images $small --steps 200000 --evaluate-every 1000 --keep 2"

# Runs the command $3… and demands exit code $1 and the words $2 in its message.
demand() {
  local expected=$1 words=$2 status
  shift 2
  tried=$((tried + 1))
  timeout 60 "$@" >out 2>said && status=0 || status=$?
  if [ "$status" -ne "$expected" ] || { [ -n "$words" ] && ! grep -q -- "$words" said; }; then
    lose "$* ended with $status, not $expected and “$words”: $(tail -n 1 said)"
  fi
}

# --- a disk that fills up at each place of a run, and is then made larger ---

mkdir small
mount -t tmpfs -o size=1m none small
cleanup() { umount small 2>/dev/null || true; umount locked 2>/dev/null || true; rm -rf "$scratch"; }
sizes=0
for kib in $(seq 4 4 96); do
  mount -o remount,size=${kib}k small
  tried=$((tried + 1))
  "$scanline" $small_run --output small/run >/dev/null 2>said && status=0 || status=$?
  case $status in
    0) ;;
    73 | 74)
      sizes=$((sizes + 1))
      grep -q '^scanline: small.*: expected .*[Nn]o space left' said || lose "$kib KiB: $(tail -n 1 said)"
      for step in small/run/step-*; do
        [ ! -e "$step" ] || "$scanline" describe "$step" >/dev/null || lose "$kib KiB: $step does not read"
      done
      ;;
    *) lose "$kib KiB: exit code $status: $(tail -n 1 said)" ;;
  esac
  mount -o remount,size=1m small
  why=$(recover small/run 6 "$whole" "$small_run") || lose "$kib KiB: $why"
  rm -rf small/run
done
[ "$sizes" -ge 5 ] || lose "only $sizes sizes were too small"
tally "a disk that is full at each of 24 sizes ($sizes of them too small)"

# Other commands on a full disk: a message, 74 (73 where nothing can be created), nothing half written.
mount -o remount,size=64k small
head -c 1000000 /dev/zero >small/fill 2>/dev/null || true
demand 74 "small/drawn" "$scanline" draw small/drawn --count 400 --side 40
rm -rf small/drawn
demand 74 "small/grid.png" "$scanline" sample whole --count 1000 --output small/grid.png
[ ! -e small/grid.png ] || lose "half a picture"
demand 74 "small/scores" "$scanline" evaluate whole images --per-image small/scores.csv
demand 74 "standard output" sh -c "'$scanline' describe whole >/dev/full"
demand 74 "standard output" sh -c "'$scanline' evaluate whole images --json >/dev/full"
left=$(ls -A small | grep -v '^fill$' || true)
[ -z "$left" ] || lose "left behind: $left"
tally "other commands on a full disk"
umount small

# --- no permission, read-only ---

chmod 755 "$scratch"
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
cp "$scanline" command
chmod 755 command
cp -r whole mine
chmod -R a+rX mine images
demand 73 "ermission denied" $as_nobody ./command $small_run --output forbidden
demand 73 "ermission denied" $as_nobody ./command train --resume --output mine --steps 9
demand 73 "ermission denied" $as_nobody ./command sample mine --output forbidden.png
demand 73 "ermission denied" $as_nobody ./command draw forbidden
[ "$(fingerprint mine 6)" = "$whole" ] || lose "a folder without permission was changed"
chmod 700 mine/step-00000006
demand 74 "ermission denied" $as_nobody ./command evaluate mine images
chmod 755 mine/step-00000006
chmod 000 images/arc/*
demand 74 "ermission denied" $as_nobody ./command $small_run --output /tmp/never-made-by-torture
chmod 644 images/arc/*
mkdir locked
mount --bind mine locked
mount -o remount,ro,bind locked
demand 73 "ead-only" "$scanline" train --resume --output locked --steps 9
demand 73 "ead-only" "$scanline" train images $small --steps 2 --output locked/new
# Reading needs no more than that.
demand 0 "" "$scanline" evaluate locked images
demand 0 "" "$scanline" sample locked --output fine.png
umount locked

# The folder of a run becomes read-only while it is at work.
mkdir locked/run
"$scanline" $long --output locked/run >/dev/null 2>said & pid=$!
until [ -n "$(newest_step locked/run)" ]; do sleep 0.01; done
mount --bind locked locked
mount -o remount,ro,bind locked
# What was opened before can still be written to in the folder beneath; nothing new can be made there by its name.
wait_end() { for _ in $(seq 1000); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.02; done; kill -9 "$1"; return 1; }
tried=$((tried + 1))
wait_end "$pid" && wait "$pid" && status=0 || status=$?
[ "$status" -eq 73 ] || [ "$status" -eq 74 ] || lose "a folder that became read-only: $status: $(tail -n 1 said)"
umount locked
# It goes on where it was, to the end that an undisturbed run of that length has.
step=$(newest_step locked/run)
"$scanline" train --resume --output locked/run --steps $((step + 500)) >/dev/null 2>&1 || lose "no resume after that"
tally "missing permissions and read-only folders"

# --- what vanishes or changes while a run is at work ---

# $1 is done to the folder of a run while it works; it must end with one of the codes in $2, or go on ($2 has 0).
meddle() {
  tried=$((tried + 1))
  rm -rf run run-gone
  "$scanline" $long --output run >/dev/null 2>said & pid=$!
  until [ -n "$(newest_step run)" ]; do sleep 0.01; done
  eval "$1"
  if [[ " $2 " == *" 0 "* ]]; then
    before=$(newest_step run)
    for _ in $(seq 500); do [ "$(newest_step run)" != "$before" ] && break; sleep 0.02; done
    kill -0 "$pid" 2>/dev/null || lose "$1: the run ended: $(tail -n 1 said)"
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" && status=0 || status=$?
    [ "$status" -eq 143 ] || lose "$1: exit code $status: $(tail -n 1 said)"
  else
    wait_end "$pid" && wait "$pid" && status=0 || status=$?
    [[ " $2 " == *" $status "* ]] || lose "$1: exit code $status, not $2: $(tail -n 1 said)"
    grep -q '^scanline: run.*: expected ' said || lose "$1: no message of ours: $(tail -n 1 said)"
  fi
}
cp -r images kept
meddle "mv run run-gone" "73 74"
[ -n "$(newest_step run-gone)" ] || lose "the folder that was moved has lost its checkpoint"
meddle "rm -rf run" "65 73 74"
meddle "rm -rf images" "0"
rm -rf images
cp -r kept images
meddle "rm -f run/gradients.jsonl" "0"
meddle "for image in images/*/*; do cp kept/ring/\$(ls kept/ring | head -n 1) \$image; done" "0"
# The run had its images in memory; going on with others is refused.
demand 65 "other pixels" "$scanline" train --resume --output run
rm -rf images
demand 65 "images: expected" "$scanline" train --resume --output run
cp -r kept images
demand 0 "" "$scanline" train --resume --output run --steps $(($(newest_step run) + 200))
for change in "rm images/ring/*" "cp -r images/ring images/ring2" "mv images/ring images/a" \
  "truncate -s 90 images/ring/*" "cp images/arc/* images/ring/"; do
  eval "$change"
  demand 65 "images" "$scanline" train --resume --output whole --steps 8
  rm -rf images
  cp -r kept images
done
[ "$(fingerprint whole 6)" = "$whole" ] || lose "a refused resume has changed the run"
tally "files that vanish or change"
finish
