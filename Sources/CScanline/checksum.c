#include "scanline_checksum.h"

#include <zlib.h>

// zlib counts in 32-bit lengths, so longer ranges go in pieces. An empty range never reaches zlib: there a
// null pointer means "start again", which would forget what `crc` covers.
uint32_t scanline_crc32(uint32_t crc, const void *bytes, size_t length) {
  const size_t piece = (size_t)1 << 30;
  const unsigned char *next = bytes;
  while (length > 0) {
    size_t now = length < piece ? length : piece;
    crc = (uint32_t)crc32(crc, next, (uInt)now);
    next += now;
    length -= now;
  }
  return crc;
}
