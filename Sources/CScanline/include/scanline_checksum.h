// CRC-32 of byte ranges, by zlib.
#ifndef SCANLINE_CHECKSUM_H
#define SCANLINE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// The CRC-32 of what `crc` already covers (0: nothing) followed by `length` bytes; `bytes` may be null when
/// `length` is 0.
uint32_t scanline_crc32(uint32_t crc, const void *bytes, size_t length);

#endif
