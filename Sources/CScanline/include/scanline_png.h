// PNG files in and out, by libpng's classic interface, with every longjmp kept on the C side.
//
// The simplified interface (png_image_*) is never used: it may convert between gamma curves, and a pixel value
// changed by a reader changes a likelihood. Here gAMA, sRGB, iCCP and every other chunk that is not pixels are
// skipped (their checksums are still verified), and values come out as stored.
#ifndef SCANLINE_PNG_H
#define SCANLINE_PNG_H

#include <stddef.h>
#include <stdint.h>

/// What came of a call.
enum scanline_png_status {
  SCANLINE_PNG_OK = 0,
  /// The system refused to open or read the file; scanline_png_system_error has the errno.
  SCANLINE_PNG_IO = 1,
  /// The bytes do not begin as a PNG does; the reason says what they look like.
  SCANLINE_PNG_FOREIGN = 2,
  /// A PNG that breaks the format: cut short, a wrong checksum, a header that cannot be.
  SCANLINE_PNG_DAMAGED = 3,
  /// Larger than the limits allow; nothing was allocated for its pixels.
  SCANLINE_PNG_LIMIT = 4,
  /// There is no memory left.
  SCANLINE_PNG_MEMORY = 5,
};

/// What a file may ask for, checked against its header before anything is allocated for it.
typedef struct {
  uint32_t max_width;
  uint32_t max_height;
  /// Bytes of width × height × 4 (the decoded pixels at their widest), and of the file itself.
  uint64_t max_bytes;
} scanline_png_limits;

/// What the header, the palette and tRNS say.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// 1, 2, 4, 8 or 16 bits a sample (a palette index, for palette images).
  uint8_t bit_depth;
  /// PNG's own number: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
  uint8_t color_type;
  uint8_t interlaced;
  /// An alpha channel, or a tRNS chunk.
  uint8_t has_alpha;
  /// A grey colour type, or a palette whose every colour is grey.
  uint8_t is_grey;
  /// The text says that Scanline wrote the file: samples, a plot or the like.
  uint8_t is_own;
} scanline_png_header;

/// How the pixels are wanted: 8 bits a value, interleaved, rows from the top.
typedef struct {
  /// 1 (grey; from colours by ITU-R 601 luma) or 3 (RGB; grey replicated).
  uint8_t channels;
  /// The colour that images with alpha are laid over; unused by images without.
  uint8_t background[3];
} scanline_png_request;

/// A decoder with the buffers it reuses from file to file. One thread at a time may use it.
typedef struct scanline_png_reader scanline_png_reader;

/// A decoder, or NULL where there is no memory.
scanline_png_reader *scanline_png_reader_create(void);
void scanline_png_reader_destroy(scanline_png_reader *reader);

/// Reads the file at `path` whole and its header. On success the image is open until the next open or decode.
int scanline_png_open_file(
    scanline_png_reader *reader, const char *path, scanline_png_limits limits, scanline_png_header *header);

/// The same from memory; the bytes are copied.
int scanline_png_open_bytes(
    scanline_png_reader *reader, const uint8_t *bytes, size_t count, scanline_png_limits limits,
    scanline_png_header *header);

/// Whether the text of the PNG file at `path` says that Scanline wrote it, as `is_own` does; 0 where it cannot be read.
int scanline_png_file_is_own(const char *path);

/// Decodes the open image into width × height × request.channels bytes at `output` and reads the file to its
/// end. 1, 2 and 4 bits become value · 255 / (2^bits − 1), 16 bits the nearest 8-bit value. A pixel v of
/// opacity a over the background b becomes (v·a + b·(255 − a)) / 255, rounded to the nearest, on the values as
/// stored.
int scanline_png_decode(scanline_png_reader *reader, scanline_png_request request, uint8_t *output);

/// Why the last call failed, in words.
const char *scanline_png_reason(const scanline_png_reader *reader);
/// The errno behind SCANLINE_PNG_IO.
int scanline_png_system_error(const scanline_png_reader *reader);
/// The first warning of libpng about the image last opened, empty where it gave none.
const char *scanline_png_warning(const scanline_png_reader *reader);

/// Which filter the rows of a written PNG go through before compression.
enum scanline_png_filter {
  SCANLINE_PNG_FILTER_NONE = 0,
  /// libpng's choice for each row.
  SCANLINE_PNG_FILTER_ADAPTIVE = 1,
};

/// Encodes height × width × channels (1 or 3) values, a byte each, as samples of `bit_depth` bits: 8, or of one channel
/// also 1, 2 or 4, which the values must then fit in. `keys[i]` and `values[i]` become text chunks: tEXt where
/// the value is ASCII, otherwise iTXt in UTF-8. On success *output is malloc'd; on failure it is NULL and
/// `reason` (of `reason_size` bytes) says why. The same input gives the same bytes.
int scanline_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bit_depth, int filter,
    const char *const *keys, const char *const *values, int text_count, uint8_t **output, size_t *output_size, char *reason,
    size_t reason_size);

#endif
