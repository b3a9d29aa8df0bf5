#!/usr/bin/env bash
# A long run with a save every 30 seconds: memory and file descriptors must stay flat while it trains, and with the plots at
# its end it must take no more than `--dry-run` stated. MINUTES sets its length (default 60). It runs at low priority. Needs
# Linux.
source "$(dirname "$0")/common.sh"
minutes=${MINUTES:-60}
"$scanline" draw images --count 400 --side 20 >/dev/null
options="images --width 16 --blocks 4 --levels 4 --batch 32 --gradients-every 50 --evaluate-every 500 --minutes $minutes"
stated=$(stated_memory $options)
nice -n 19 "$scanline" train $options --output run >/dev/null 2>said & pid=$!
began=$(date +%s)
samples=0
echo "minute  resident KiB  peak KiB  descriptors   step"
# Every second resident memory and descriptors, every 30 a request to save, every minute a line.
while kill -0 "$pid" 2>/dev/null; do
  sleep 1
  resident=$(status_kib VmRSS $pid) || break
  descriptors=$(ls /proc/$pid/fd 2>/dev/null | wc -l) || break
  highest=$(status_kib VmHWM $pid) || break
  [ -n "$resident" ] && [ -n "$highest" ] && [ "$descriptors" -gt 0 ] || break
  peak=$highest
  samples=$((samples + 1))
  echo "$(($(date +%s) - began)) $resident $descriptors" >>samples
  [ $((samples % 30)) -ne 0 ] || kill -USR1 "$pid" 2>/dev/null || true
  if [ $((samples % 60)) -eq 0 ]; then
    printf '%6d  %12d  %8d  %11d  %5d\n' $((samples / 60)) "$resident" "$peak" "$descriptors" \
      "$(newest_step run)"
  fi
done
wait "$pid" && status=0 || status=$?
tried=$samples
[ "$status" -eq 0 ] || lose "the run ended with $status: $(tail -n 1 said)"
# The first fifth may warm up; between the second and the last fifth the highest of either may not grow by more than 5%
# and 2 MiB, and descriptors not at all. When the time is over, all images are scored and the plots drawn: that is left out.
awk -v end=$((minutes * 60)) '$1 >= end { exit } { t[NR] = $1; r[NR] = $2; d[NR] = $3 } END {
  for (i = 1; i <= NR; i++) {
    part = int((i - 1) * 5 / NR)
    if (r[i] > most[part]) most[part] = r[i]
    if (d[i] > open[part]) open[part] = d[i]
  }
  printf "resident KiB, highest by fifths: %d %d %d %d %d; descriptors: %d %d %d %d %d\n", \
    most[0], most[1], most[2], most[3], most[4], open[0], open[1], open[2], open[3], open[4]
  exit most[4] > 1.05 * most[1] + 2048 || open[4] > open[1]
}' samples || lose "memory or descriptors grow"
echo "highest to the end: $peak KiB, stated $stated MiB"
[ "$peak" -le $((stated * 1024 * 115 / 100)) ] || lose "more memory than 15% above the $stated MiB that were stated"
tally "seconds of a run with a save every 30 s at least ($minutes minutes)"
finish
