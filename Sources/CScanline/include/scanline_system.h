// System calls that Swift's overlays do not show.
#ifndef SCANLINE_SYSTEM_H
#define SCANLINE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/// The processor that the package was built for: what SCANLINE_BASELINE said, `native` where it said nothing.
const char *scanline_baseline(void);

/// The number of processors that the affinity of this process allows; 0 where the system has no such notion.
int scanline_affinity_count(void);

/// Bytes of this process that are in memory now; 0 where the system does not tell.
int64_t scanline_resident_bytes(void);

/// `bytes` of zeros that take no memory until they are touched; null where there are none to be had.
void *scanline_map_memory(size_t bytes);

/// Gives back what `scanline_map_memory` gave.
void scanline_unmap_memory(void *memory, size_t bytes);

/// Asks that `bytes` at `memory`, both multiples of 2 MiB, come in pages of that size; nothing where there are none.
void scanline_prefer_huge_pages(void *memory, size_t bytes);

#endif
