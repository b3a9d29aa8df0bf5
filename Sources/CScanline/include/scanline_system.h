// System calls that Swift's overlays do not show.
#ifndef SCANLINE_SYSTEM_H
#define SCANLINE_SYSTEM_H

#include <stdint.h>

/// The number of processors that the affinity of this process allows; 0 where the system has no such notion.
int scanline_affinity_count(void);

/// Bytes of this process that are in memory now; 0 where the system does not tell.
int64_t scanline_resident_bytes(void);

#endif
