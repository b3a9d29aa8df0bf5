#define _GNU_SOURCE
#include "scanline_system.h"

#include <sys/mman.h>

#ifdef __linux__
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int scanline_affinity_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  return CPU_COUNT(&set);
}

int64_t scanline_resident_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "re");
  if (file == NULL) return 0;
  long long pages = 0;
  int found = fscanf(file, "%*s %lld", &pages);
  fclose(file);
  return found == 1 ? (int64_t)pages * sysconf(_SC_PAGESIZE) : 0;
}
#else
int scanline_affinity_count(void) { return 0; }

#ifdef __APPLE__
#include <mach/mach.h>

int64_t scanline_resident_bytes(void) {
  mach_task_basic_info_data_t info;
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS) return 0;
  return (int64_t)info.resident_size;
}
#else
int64_t scanline_resident_bytes(void) { return 0; }
#endif
#endif

const char *scanline_baseline(void) { return SCANLINE_BASELINE; }

void *scanline_map_memory(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void scanline_unmap_memory(void *memory, size_t bytes) { munmap(memory, bytes); }

void scanline_prefer_huge_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)bytes;
#endif
}
