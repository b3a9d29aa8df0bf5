// Opening PNG files: limits first, then libpng under setjmp as far as the header.
#include "png_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_error(png_structp png, png_const_charp message) {
  scanline_png_reader *reader = png_get_error_ptr(png);
  reader->status = SCANLINE_PNG_DAMAGED;
  // libpng tells the cause of some errors ("Invalid IHDR data") only in a warning before.
  if (reader->warning[0] != 0)
    snprintf(reader->reason, sizeof reader->reason, "%s (%s)", message, reader->warning);
  else
    snprintf(reader->reason, sizeof reader->reason, "%s", message);
  longjmp(reader->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  scanline_png_reader *reader = png_get_error_ptr(png);
  if (reader->warning[0] == 0) snprintf(reader->warning, sizeof reader->warning, "%s", message);
}

static void on_read(png_structp png, png_bytep bytes, size_t count) {
  scanline_png_reader *reader = png_get_io_ptr(png);
  if (count > reader->file_size - reader->position) png_error(png, "the file ends early");
  if (count > reader->row_budget) png_error(png, "more compressed data than the pixels need");
  memcpy(bytes, reader->file + reader->position, count);
  reader->position += count;
  reader->row_budget -= count;
}

int scanline_png_fail(scanline_png_reader *reader, int status, const char *reason) {
  snprintf(reader->reason, sizeof reader->reason, "%s", reason);
  return reader->status = status;
}

int scanline_png_grow(uint8_t **buffer, size_t *capacity, size_t needed) {
  if (needed <= *capacity) return 1;
  uint8_t *larger = realloc(*buffer, needed);
  if (larger == NULL) return 0;
  *buffer = larger;
  *capacity = needed;
  return 1;
}

scanline_png_reader *scanline_png_reader_create(void) { return calloc(1, sizeof(scanline_png_reader)); }

void scanline_png_close(scanline_png_reader *reader) {
  if (reader->png != NULL) png_destroy_read_struct(&reader->png, &reader->info, NULL);
  reader->png = NULL;
  reader->info = NULL;
}

void scanline_png_reader_destroy(scanline_png_reader *reader) {
  if (reader == NULL) return;
  scanline_png_close(reader);
  free(reader->file);
  free(reader->rows);
  free(reader);
}

const char *scanline_png_reason(const scanline_png_reader *reader) { return reader->reason; }
const char *scanline_png_warning(const scanline_png_reader *reader) { return reader->warning; }
int scanline_png_system_error(const scanline_png_reader *reader) { return reader->system_error; }

static uint32_t big_endian(const uint8_t *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

// Whether the chunks before the pixels, within `count` bytes of a PNG's beginning, have the text "Software: scanline…".
// Checksums are not looked at: that is for decoding.
static int says_own(const uint8_t *bytes, size_t count) {
  static const char key[] = "Software", word[] = "scanline";
  size_t place = 8;
  while (place + 12 <= count) {
    size_t length = big_endian(bytes + place);
    const uint8_t *type = bytes + place + 4, *body = type + 4;
    if (memcmp(type, "IDAT", 4) == 0 || memcmp(type, "IEND", 4) == 0) return 0;
    if (length > count - place - 12) return 0;
    const uint8_t *end = body + length, *text = NULL;
    if (length > sizeof key && memcmp(body, key, sizeof key) == 0) {
      if (memcmp(type, "tEXt", 4) == 0) text = body + sizeof key;
      // Compression flag and method, the language and the translated key, each ended by a zero.
      if (memcmp(type, "iTXt", 4) == 0 && length > sizeof key + 2 && body[sizeof key] == 0) {
        text = body + sizeof key + 2;
        for (int zeros = 0; zeros < 2 && text != NULL; zeros++) {
          text = memchr(text, 0, (size_t)(end - text));
          if (text != NULL) text++;
        }
      }
    }
    if (text != NULL && (size_t)(end - text) >= sizeof word - 1 && memcmp(text, word, sizeof word - 1) == 0 &&
        ((size_t)(end - text) == sizeof word - 1 || text[sizeof word - 1] == ' '))
      return 1;
    place += length + 12;
  }
  return 0;
}

// Bytes of a file in which such a text is looked for.
enum { own_head = 8192 };

int scanline_png_file_is_own(const char *path) {
  uint8_t head[own_head];
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return 0;
  ssize_t count;
  do count = read(descriptor, head, sizeof head);
  while (count < 0 && errno == EINTR);
  close(descriptor);
  return count >= 8 && png_sig_cmp(head, 0, 8) == 0 && says_own(head, (size_t)count);
}

// The signature and IHDR by hand, so that limits hold before libpng allocates anything.
static int check_beginning(scanline_png_reader *reader, scanline_png_limits limits) {
  const uint8_t *bytes = reader->file;
  size_t count = reader->file_size;
  if (count < 8 || png_sig_cmp(bytes, 0, 8) != 0) {
    if (count > 0 && count < 8 && png_sig_cmp(bytes, 0, count) == 0)
      return scanline_png_fail(reader, SCANLINE_PNG_DAMAGED, "the file ends early");
    return scanline_png_fail(
        reader, SCANLINE_PNG_FOREIGN, count == 0 ? "an empty file" : "bytes that do not begin as a PNG does");
  }
  if (count < 33) return scanline_png_fail(reader, SCANLINE_PNG_DAMAGED, "the file ends early");
  if (memcmp(bytes + 12, "CgBI", 4) == 0)
    return scanline_png_fail(
        reader, SCANLINE_PNG_DAMAGED,
        "Apple's CgBI format, which iOS alone reads as PNG (pngcrush -revert-iphone-optimizations makes a PNG of it)");
  if (big_endian(bytes + 8) != 13 || memcmp(bytes + 12, "IHDR", 4) != 0)
    return scanline_png_fail(reader, SCANLINE_PNG_DAMAGED, "the first chunk is not IHDR");
  uint64_t width = big_endian(bytes + 16), height = big_endian(bytes + 20);
  if (width == 0 || height == 0) return scanline_png_fail(reader, SCANLINE_PNG_DAMAGED, "a width or height of zero");
  if (width > limits.max_width || height > limits.max_height) {
    snprintf(
        reader->reason, sizeof reader->reason, "%llu×%llu pixels, over the limit of %u×%u",
        (unsigned long long)width, (unsigned long long)height, limits.max_width, limits.max_height);
    return reader->status = SCANLINE_PNG_LIMIT;
  }
  // Both factors are below 2^32, so the product fits; it is compared before it is multiplied by 4.
  if (width * height > limits.max_bytes / 4) {
    snprintf(
        reader->reason, sizeof reader->reason, "%llu×%llu pixels, over the limit of %llu bytes decoded",
        (unsigned long long)width, (unsigned long long)height, (unsigned long long)limits.max_bytes);
    return reader->status = SCANLINE_PNG_LIMIT;
  }
  // Deflate spends two bits on 258 bytes at best, so no file unpacks to more than 1032 times its length: without this,
  // sixty bytes could ask for all the memory that the limits allow. The division avoids a product that overflows.
  static const uint8_t channels_of_type[7] = {1, 1, 3, 1, 2, 1, 4};
  uint64_t bits = (uint64_t)(bytes[24] > 16 ? 1 : bytes[24]) * (bytes[25] > 6 ? 1 : channels_of_type[bytes[25]]);
  if ((width * bits + 7) / 8 > (uint64_t)count * 1032 / height) {
    snprintf(
        reader->reason, sizeof reader->reason, "%llu bytes, too few for %llu×%llu pixels", (unsigned long long)count,
        (unsigned long long)width, (unsigned long long)height);
    return reader->status = SCANLINE_PNG_DAMAGED;
  }
  return SCANLINE_PNG_OK;
}

static int palette_is_grey(png_structp png, png_infop info) {
  png_colorp palette = NULL;
  int count = 0;
  if (png_get_PLTE(png, info, &palette, &count) == 0) return 0;
  for (int i = 0; i < count; i++)
    if (palette[i].red != palette[i].green || palette[i].red != palette[i].blue) return 0;
  return 1;
}

// The header of the image whose bytes are in reader->file.
static int open_image(scanline_png_reader *reader, scanline_png_limits limits, scanline_png_header *header) {
  reader->position = 0;
  reader->row_budget = SIZE_MAX;
  reader->warning[0] = 0;
  int status = check_beginning(reader, limits);
  if (status != SCANLINE_PNG_OK) return status;
  if (setjmp(reader->jump) != 0) {
    scanline_png_close(reader);
    return reader->status;
  }
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
  if (reader->png != NULL) reader->info = png_create_info_struct(reader->png);
  if (reader->info == NULL) {
    scanline_png_close(reader);
    return scanline_png_fail(reader, SCANLINE_PNG_MEMORY, "no memory for a PNG decoder");
  }
  png_structp png = reader->png;
  png_infop info = reader->info;
  png_set_read_fn(png, reader, on_read);
  png_set_user_limits(png, limits.max_width, limits.max_height);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_chunk_cache_max(png, 128);
  // A file with any wrong checksum is a damaged file: were a damaged tRNS merely dropped, its image would
  // change without a word.
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  // Skip everything but IHDR, PLTE, tRNS, IDAT and IEND: gamma and profiles must not act, texts cost memory.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);
  scanline_png_header *h = &reader->header;
  h->width = png_get_image_width(png, info);
  h->height = png_get_image_height(png, info);
  h->bit_depth = png_get_bit_depth(png, info);
  h->color_type = png_get_color_type(png, info);
  h->interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
  h->has_alpha = (h->color_type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  h->is_grey = h->color_type == PNG_COLOR_TYPE_PALETTE ? palette_is_grey(png, info)
                                                       : (h->color_type & PNG_COLOR_MASK_COLOR) == 0;
  h->is_own = says_own(reader->file, reader->file_size < own_head ? reader->file_size : own_head);
  *header = *h;
  return SCANLINE_PNG_OK;
}

int scanline_png_open_bytes(
    scanline_png_reader *reader, const uint8_t *bytes, size_t count, scanline_png_limits limits,
    scanline_png_header *header) {
  scanline_png_close(reader);
  if (!scanline_png_grow(&reader->file, &reader->file_capacity, count))
    return scanline_png_fail(reader, SCANLINE_PNG_MEMORY, "no memory for the file");
  if (count > 0) memcpy(reader->file, bytes, count);
  reader->file_size = count;
  return open_image(reader, limits, header);
}

static int io_failure(scanline_png_reader *reader, int descriptor, int code) {
  if (descriptor >= 0) close(descriptor);
  reader->system_error = code;
  return scanline_png_fail(reader, SCANLINE_PNG_IO, "the system refused");
}

int scanline_png_open_file(
    scanline_png_reader *reader, const char *path, scanline_png_limits limits, scanline_png_header *header) {
  scanline_png_close(reader);
  // O_NONBLOCK: a named pipe called x.png must not hang the load; it is refused below.
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return io_failure(reader, -1, errno);
  struct stat status;
  if (fstat(descriptor, &status) != 0) return io_failure(reader, descriptor, errno);
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    return scanline_png_fail(reader, SCANLINE_PNG_FOREIGN, "not a file");
  }
  if ((uint64_t)status.st_size > limits.max_bytes) {
    close(descriptor);
    snprintf(
        reader->reason, sizeof reader->reason, "a file of %llu bytes, over the limit of %llu",
        (unsigned long long)status.st_size, (unsigned long long)limits.max_bytes);
    return reader->status = SCANLINE_PNG_LIMIT;
  }
  if (!scanline_png_grow(&reader->file, &reader->file_capacity, (size_t)status.st_size)) {
    close(descriptor);
    return scanline_png_fail(reader, SCANLINE_PNG_MEMORY, "no memory for the file");
  }
  size_t size = 0;
  while (size < (size_t)status.st_size) {
    ssize_t got = read(descriptor, reader->file + size, (size_t)status.st_size - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_failure(reader, descriptor, errno);
    if (got == 0) break;
    size += (size_t)got;
  }
  close(descriptor);
  reader->file_size = size;
  return open_image(reader, limits, header);
}
