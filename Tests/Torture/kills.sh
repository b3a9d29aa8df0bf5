#!/usr/bin/env bash
# A run is killed, or a system call fails, at every point of its saves; and 300 times at random. Every run must go on to
# exactly the result of the one that nobody touched. Needs strace. RANDOM_KILLS sets how many (default 300).
source "$(dirname "$0")/common.sh"
command -v strace >/dev/null || { echo "kills.sh needs strace (apt-get install strace)" >&2; exit 1; }
draw_images
calls="write fsync rename openat mkdir unlink rmdir ftruncate flock getdents64 lseek pread64 read close newfstatat fstat"

"$scanline" $small_run --output whole >/dev/null 2>&1
whole=$(fingerprint whole 6)

# The system calls of kind $1 that touch the run's folder, as places in the order of all of that kind: counted in the trace
# $2 of the main thread, which does all saving.
places() {
  local main
  main=$(awk '{print $1; exit}' "$2")
  awk -v main="$main" -v call="$1" '$1 == main && $2 ~ "^" call "\\(" { n++; if ($0 ~ /run[\/">]/) print n }' "$2"
}

# Runs command $2… with a trace to $1; what it injects is in `inject`.
traced() {
  local trace=$1
  shift
  timeout -s KILL 60 strace -f -y -o "$trace" "$@"
}

# Whether run $1, whose command ended with $2, was killed. A place may not be reached: how many grids of samples a run draws
# depends on the clock, and with them its calls. Then it is not counted, and must have come to its own end.
unreached=0
was_killed() {
  [ "$2" -ne 0 ] || [ "$(fingerprint "$1" 6)" != "$whole" ] || {
    unreached=$((unreached + 1))
    tried=$((tried - 1))
    return 1
  }
  [ "$2" -eq 137 ] || { lose "$3: it ended with $2"; return 1; }
}

# --- a kill at the entry of every call, and errors at every call that can meet one ---

kinds=${calls// /,}
traced map -e trace="$kinds" "$scanline" $small_run --output run >/dev/null 2>&1
[ "$(fingerprint run 6)" = "$whole" ] || { echo "a traced run differs" >&2; exit 1; }
for call in $calls; do
  for place in $(places "$call" map); do
    rm -rf run
    tried=$((tried + 1))
    traced /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$place" \
      "$scanline" $small_run --output run >/dev/null 2>&1 && status=0 || status=$?
    was_killed run "$status" "SIGKILL at $call $place of a run" || continue
    why=$(recover run 6 "$whole" "$small_run") || lose "SIGKILL at $call $place: $why"
  done
done
tally "SIGKILL at every system call of a run that touches its folder ($unreached not reached)"
unreached=0

# What may follow an error: 73 or 74 and a line of ours; or 0 where it does no harm (a lock file's number, say).
for fault in write:ENOSPC write:EIO write:EDQUOT fsync:EIO fsync:ENOSPC rename:EIO rename:ENOSPC openat:ENOSPC \
  openat:EIO openat:EACCES openat:EROFS openat:EMFILE mkdir:ENOSPC mkdir:EACCES mkdir:EROFS unlink:EIO rmdir:EIO flock:EIO; do
  call=${fault%%:*}
  # From then on: a disk that stays full, fails for good, or has become read-only.
  case $fault in write:ENOSPC | fsync:EIO | openat:EROFS) whens="only on" ;; *) whens=only ;; esac
  for when in $whens; do
    for place in $(places "$call" map); do
      rm -rf run
      tried=$((tried + 1))
      [ "$when" = on ] && number="$place+" || number=$place
      traced /dev/null -e trace="$call" -e inject="$call:error=${fault##*:}:when=$number" \
        "$scanline" $small_run --output run >/dev/null 2>said && status=0 || status=$?
      case $status in
        0 | 73 | 74) ;;
        *) lose "$fault at $place ($when): exit code $status: $(tail -n 1 said)"; continue ;;
      esac
      if [ "$status" -ne 0 ] && [ "$call" != write ] && ! grep -q '^scanline: .*: expected ' said; then
        lose "$fault at $place ($when): no message"
      fi
      why=$(recover run 6 "$whole" "$small_run") || lose "$fault at $place ($when), exit code $status: $why"
    done
  done
done
tally "errors of write, fsync, rename, open, mkdir, unlink, rmdir and flock at every such call"

# --- a kill at every call of the resume itself ---

# A run killed in the middle of its second save, with a newer torn checkpoint and a log that has gone further.
rm -rf run torn
traced /dev/null -e trace=fsync -e inject=fsync:signal=KILL:when=20 "$scanline" $small_run --output torn >/dev/null 2>&1 ||
  true
[ "$(newest_step torn)" = 2 ] || { echo "the run was to be killed in its second save" >&2; exit 1; }
cp -r torn/step-00000002 torn/step-00000003
printf x >>torn/step-00000003/model.safetensors
resume="train --resume --output run --threads 1"
cp -r torn run
traced map -e trace="$kinds" "$scanline" $resume >/dev/null 2>&1
[ "$(fingerprint run 6)" = "$whole" ] || { echo "a traced resume differs" >&2; exit 1; }
for call in $calls; do
  for place in $(places "$call" map); do
    rm -rf run
    cp -r torn run
    tried=$((tried + 1))
    traced /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$place" "$scanline" $resume >/dev/null 2>&1 &&
      status=0 || status=$?
    was_killed run "$status" "SIGKILL at $call $place of a resume" || continue
    why=$(recover run 6 "$whole" "$small_run") || lose "SIGKILL at $call $place of a resume: $why"
  done
done
tally "SIGKILL at every system call of a resume that touches its folder ($unreached not reached)"

# --- kill -9 at random ---

# 60 saves of some milliseconds each: most kills fall into one. Each run is killed again and again until it is through.
long_run="train images $small --steps 60 --evaluate-every 1 --keep 2"
"$scanline" $long_run --output long >/dev/null 2>&1
long=$(fingerprint long 60)
RANDOM=${SEED:-1}
kills=${RANDOM_KILLS:-300}
runs=0
rm -rf run
while [ "$tried" -lt "$kills" ]; do
  if [ -n "$(newest_step run)" ]; then
    "$scanline" train --resume --output run --threads 1 >/dev/null 2>said & pid=$!
  else
    "$scanline" $long_run --output run >/dev/null 2>said & pid=$!
  fi
  sleep "0.$(printf %03d $((20 + RANDOM % 130)))"
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null && status=0 || status=$?
  case $status in
    137) tried=$((tried + 1)) ;;
    0)
      runs=$((runs + 1))
      [ "$(fingerprint run 60)" = "$long" ] || lose "run $runs ended with another result"
      rm -rf run
      ;;
    *)
      lose "a resume after kill -9 ended with $status: $(tail -n 1 said)"
      rm -rf run
      ;;
  esac
done
# The last one is taken to its end too.
why=$(recover run 60 "$long" "$long_run") || lose "the last run: $why"
echo "kill -9 at random: $((runs + 1)) runs were brought to their end"
tally "kill -9 at random"
finish
