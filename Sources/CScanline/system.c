#define _GNU_SOURCE
#include "scanline_system.h"

#ifdef __linux__
#include <sched.h>

int scanline_affinity_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  return CPU_COUNT(&set);
}
#else
int scanline_affinity_count(void) { return 0; }
#endif
