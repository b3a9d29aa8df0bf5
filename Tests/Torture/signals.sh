#!/usr/bin/env bash
# SIGINT, SIGTERM and SIGUSR1 at random moments of a run, two SIGINTs, and two runs in one folder. SIGNALS sets how many
# stops there are (default 100).
source "$(dirname "$0")/common.sh"
draw_images
RANDOM=${SEED:-1}
now() { echo $(($(date +%s%N) / 1000000)); }

# Long enough that a signal seldom comes after the end, with evaluations and saves all the time.
steps=40000
run="train images $small --gradients-every 1000 --steps $steps --evaluate-every 500 --keep 2"
run=${run/--gradients-every 2 /}
"$scanline" $run --output whole >/dev/null 2>&1
whole=$(fingerprint whole $steps)

# Waits until the command $1, whose messages are in `said`, has taken its signals over: it then tells of the images.
await_start() { until grep -q '^Read' said 2>/dev/null || ! kill -0 "$1" 2>/dev/null; do sleep 0.002; done; }

slowest=0
count=${SIGNALS:-100}
rm -rf run
while [ "$tried" -lt "$count" ]; do
  rm -f said
  if [ -n "$(newest_step run)" ]; then
    "$scanline" train --resume --output run --threads 1 >/dev/null 2>said & pid=$!
  else
    rm -rf run
    "$scanline" $run --output run >/dev/null 2>said & pid=$!
  fi
  await_start "$pid"
  sleep "0.0$((RANDOM % 90 + 10))"
  # A run that has just ended takes no signal: it is compared, and does not count.
  if [ $((RANDOM % 2)) -eq 0 ]; then signal=INT expected=130; else signal=TERM expected=143; fi
  began=$(now)
  kill -s "$signal" "$pid" 2>/dev/null || true
  wait "$pid" && status=0 || status=$?
  took=$(($(now) - began))
  if [ "$status" -eq 0 ]; then
    [ "$(fingerprint run $steps)" = "$whole" ] || lose "a stopped and resumed run ended with another result"
    rm -rf run
    continue
  fi
  tried=$((tried + 1))
  [ "$took" -le "$slowest" ] || slowest=$took
  stopped=$(sed -n 's/^Stopped at step \([0-9]*\);.*/\1/p' said)
  [ "$status" -eq "$expected" ] || lose "SIG$signal: exit code $status, not $expected"
  [ -n "$stopped" ] && [ "$(newest_step run)" = "$stopped" ] || lose "SIG$signal: step '$stopped' was not saved"
  [ "$took" -lt 10000 ] || lose "SIG$signal: $took ms until the end"
done
[ -z "$(newest_step run)" ] || why=$(recover run $steps "$whole" "$run") || lose "the last run: $why"
echo "the slowest of $count stops took $slowest ms"
tally "SIGINT and SIGTERM at random"

# --- SIGUSR1: saves and goes on ---

rm -rf run
"$scanline" train images $small --minutes 5 --evaluate-every 100000000 --output run >/dev/null 2>said & pid=$!
await_start "$pid"
last=
for _ in $(seq 20); do
  tried=$((tried + 1))
  sleep 0.02
  kill -USR1 "$pid"
  for _ in $(seq 500); do
    [ "$(newest_step run)" != "$last" ] && break
    sleep 0.02
  done
  [ "$(newest_step run)" != "$last" ] && kill -0 "$pid" || lose "SIGUSR1: nothing saved, or the run is over"
  last=$(newest_step run)
done
tally "SIGUSR1"

# --- another run in the same folder, new or resumed, twenty at a time ---

pids=()
for i in $(seq 20); do
  "$scanline" train --resume --output run >/dev/null 2>"second-$i" & pids+=($!)
done
for i in "${!pids[@]}"; do
  tried=$((tried + 1))
  wait "${pids[$i]}" && status=0 || status=$?
  [ "$status" -eq 75 ] && grep -q "process $pid at work in it" "second-$((i + 1))" || lose "a second run: $status"
done
kill -TERM "$pid"
wait "$pid" && status=0 || status=$?
[ "$status" -eq 143 ] || lose "the run that had the lock ended with $status"
tally "runs in a folder that another run holds"

# Of ten that begin together one wins.
for _ in $(seq 10); do
  tried=$((tried + 1))
  rm -rf run
  pids=()
  for _ in $(seq 10); do
    "$scanline" train images $small --steps 20000 --evaluate-every 20000 --output run >/dev/null 2>&1 & pids+=($!)
  done
  won=0 refused=0
  for pid in "${pids[@]}"; do
    wait "$pid" && status=0 || status=$?
    # 73 is for one that came when the first had already saved, or was through.
    case $status in 0) won=$((won + 1)) ;; 75 | 73) refused=$((refused + 1)) ;; *) lose "one of ten: $status" ;; esac
  done
  [ "$won" -eq 1 ] && [ "$refused" -eq 9 ] || lose "$won of ten runs won"
done
tally "ten runs that begin in one folder at once"

# --- a second SIGINT leaves at once ---

# A step of some ten seconds: the first SIGINT waits for its end, the second does not.
"$scanline" draw large --count 600 --side 40 >/dev/null
for _ in 1 2 3; do
  tried=$((tried + 1))
  rm -rf run said
  "$scanline" train large --batch 512 --levels 256 --width 64 --steps 3 --output run >/dev/null 2>said & pid=$!
  until grep -q 'weights;' said; do sleep 0.01; done
  sleep 0.3
  kill -INT "$pid"
  until grep -q '^Stopping' said; do sleep 0.01; done
  began=$(now)
  kill -INT "$pid"
  wait "$pid" && status=0 || status=$?
  took=$(($(now) - began))
  [ "$status" -eq 130 ] && [ "$took" -lt 1000 ] && [ -z "$(newest_step run)" ] ||
    lose "a second SIGINT: exit code $status after $took ms"
done
tally "a second SIGINT"
finish
