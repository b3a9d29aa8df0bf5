#!/usr/bin/env bash
# SIGINT, SIGTERM, SIGHUP and SIGUSR1 at random moments of a run, two signals at once and a second apart, GNU timeout, nohup,
# limits of files, signals while images are read, and two runs in one folder. SIGNALS sets how many stops there are
# (default 100).
source "$(dirname "$0")/common.sh"
draw_images
RANDOM=${SEED:-1}
now() { echo $(($(date +%s%N) / 1000000)); }

# Long enough that a signal seldom comes after the end, with evaluations and saves all the time.
steps=${STEPS:-40000}
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
  case $((RANDOM % 3)) in
    0) signal=INT expected=130 ;;
    1) signal=TERM expected=143 ;;
    2) signal=HUP expected=129 ;;
  esac
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
  # Plots are drawn after the last save: a signal then ends the command at once.
  ! grep -q '^Stopped: all checkpoints are saved' said || stopped=$steps
  [ -n "$stopped" ] && [ "$(newest_step run)" = "$stopped" ] || lose "SIG$signal: step '$stopped' was not saved"
  [ "$took" -lt 10000 ] || lose "SIG$signal: $took ms until the end"
done
[ -z "$(newest_step run)" ] || why=$(recover run $steps "$whole" "$run") || lose "the last run: $why"
echo "the slowest of $count stops took $slowest ms"
tally "SIGINT, SIGTERM and SIGHUP at random"

# --- two signals at once are one ---

endless="train images $small --minutes 5 --evaluate-every 100000000"

# timeout signals its child and then its own group, to which the child belongs.
for _ in $(seq 20); do
  tried=$((tried + 1))
  rm -rf run
  timeout 1 "$scanline" $endless --output run >/dev/null 2>said && status=0 || status=$?
  [ "$status" -eq 124 ] && [ -n "$(newest_step run)" ] || lose "timeout: exit code $status, $(tail -n 1 said)"
done
tally "GNU timeout"

# $1 and $2 with some $3 microseconds between them.
for pair in "TERM TERM" "TERM INT" "INT TERM" "INT INT" "HUP TERM" "TERM HUP" "HUP HUP" "INT HUP"; do
  for pause in 0 0.0005 0.02 0.3; do
    read -r first second <<<"$pair"
    tried=$((tried + 1))
    rm -rf run said
    "$scanline" $endless --output run >/dev/null 2>said & pid=$!
    await_start "$pid"
    kill -s "$first" "$pid"
    sleep "$pause"
    kill -s "$second" "$pid" 2>/dev/null || true
    wait "$pid" && status=0 || status=$?
    [[ $status =~ ^(129|130|143)$ ]] && [ -n "$(newest_step run)" ] || lose "SIG$first, SIG$second: exit code $status"
  done
done
tally "two signals at once"

# --- nohup ---

for _ in $(seq 5); do
  tried=$((tried + 1))
  rm -rf run said
  (trap '' HUP; exec "$scanline" $endless --output run >/dev/null 2>said) & pid=$!
  await_start "$pid"
  sleep 0.05
  kill -HUP "$pid"
  sleep 0.2
  kill -0 "$pid" 2>/dev/null || lose "SIGHUP ended a run that ignores it"
  kill -TERM "$pid"
  wait "$pid" && status=0 || status=$?
  [ "$status" -eq 143 ] && [ -n "$(newest_step run)" ] || lose "nohup, then SIGTERM: exit code $status"
done
tally "SIGHUP under nohup"

# --- a limit of file sizes ---

for limit in 1 2 3; do
  tried=$((tried + 1))
  rm -rf run
  (ulimit -f "$limit"; exec "$scanline" train images $small --width 32 --steps 200 --evaluate-every 20 --output run) \
    >/dev/null 2>said && status=0 || status=$?
  [ "$status" -eq 74 ] && grep -q 'too large' said || lose "ulimit -f $limit: exit code $status, $(tail -n 1 said)"
  tried=$((tried + 1))
  rm -rf one
  (ulimit -f "$limit"; exec "$scanline" draw one --count 1 --side 512) >/dev/null 2>said && status=0 || status=$?
  [ "$status" -eq 74 ] && [ -z "$(find one -type f)" ] || lose "ulimit -f $limit, draw: exit code $status"
done
tally "SIGXFSZ"

# --- while images are read there is nothing to save ---

"$scanline" draw many --count 20000 --side 64 >/dev/null
for signal in INT TERM HUP; do
  for pause in 0.1 0.15 0.2; do
    tried=$((tried + 1))
    rm -rf run
    "$scanline" train many $small --steps 3 --output run >/dev/null 2>said & pid=$!
    sleep "$pause"
    kill -s "$signal" "$pid"
    wait "$pid" && status=0 || status=$?
    expected=$((128 + $(kill -l "$signal")))
    [ "$status" -eq "$expected" ] && [ ! -e run ] && [ ! -s said ] || lose "SIG$signal while reading: exit code $status"
  done
done
tally "signals while images are read"

# --- other commands leave nothing hidden ---

for signal in TERM HUP; do
  for pause in 0.1 0.15 0.2 0.25 0.3; do
    tried=$((tried + 1))
    rm -rf drawn
    "$scanline" draw drawn --count 60000 --side 32 >/dev/null 2>&1 & pid=$!
    sleep "$pause"
    kill -s "$signal" "$pid"
    wait "$pid" && status=0 || status=$?
    [ "$status" -ne 0 ] && [ -z "$(find drawn -name '.*' ! -name . 2>/dev/null)" ] || lose "SIG$signal left files"
  done
done
tally "half-written files"

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
  for i in $(seq 10); do
    "$scanline" train images $small --steps 20000 --evaluate-every 20000 --output run >/dev/null 2>"ten-$i" & pids+=($!)
  done
  won=0 refused=0
  for i in "${!pids[@]}"; do
    wait "${pids[$i]}" && status=0 || status=$?
    # 73 is for one that came when the first had already saved, or was through.
    case $status in
      0) won=$((won + 1)) ;;
      75 | 73) refused=$((refused + 1)) ;;
      *) lose "one of ten: $status, $(grep -v '^$' "ten-$((i + 1))" | head -n 3)" ;;
    esac
  done
  [ "$won" -eq 1 ] && [ "$refused" -eq 9 ] || lose "$won of ten runs won"
done
tally "ten runs that begin in one folder at once"

# --- a second SIGINT, more than a second later, leaves at once ---

# A step of some ten seconds: the first SIGINT waits for its end, the second does not.
"$scanline" draw large --count 600 --side 40 >/dev/null
for _ in 1 2 3; do
  tried=$((tried + 1))
  rm -rf run said
  "$scanline" train large --batch 512 --levels 256 --width 64 --steps 3 --output run >/dev/null 2>said & pid=$!
  until grep -q 'weights;' said; do sleep 0.01; done
  sleep 0.3
  kill -INT "$pid" 2>/dev/null || true
  until grep -q '^Stopping' said || ! kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
  sleep 1.2
  began=$(now)
  kill -INT "$pid" 2>/dev/null || true
  wait "$pid" && status=0 || status=$?
  took=$(($(now) - began))
  [ "$status" -eq 130 ] && [ "$took" -lt 1000 ] && [ -z "$(newest_step run)" ] ||
    lose "a second SIGINT: exit code $status after $took ms"
done
tally "a second SIGINT"
finish
