// The way into libFuzzer, and a count of what a target allocates.
#ifndef DRIVER_H
#define DRIVER_H

#include <stddef.h>
#include <stdint.h>

/// Runs `target` under libFuzzer with the program's own arguments; gives the exit status. (SwiftPM gives each program a
/// main of its own, so libFuzzer's is called rather than linked.)
int fuzz(int argc, char **argv, int (*target)(const uint8_t *bytes, size_t count));

/// The bytes of the largest block asked for since the last call, by this thread.
size_t fuzz_largest_block(void);

#endif
