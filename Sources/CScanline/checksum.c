// zlib's CRC-32 for counts of any size.
#include "scanline_png.h"

#include <zlib.h>

uint32_t scanline_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    uInt part = count > (1u << 30) ? (1u << 30) : (uInt)count;
    crc = (uint32_t)crc32(crc, bytes, part);
    bytes += part;
    count -= part;
  }
  return crc;
}
