// Decoding the open PNG: libpng's rows brought to grey or RGB, in one pass.
#include "png_reader.h"

// (v·a + b·(255 − a)) / 255 to the nearest; there are no ties, 255 being odd.
static inline uint8_t over(unsigned v, unsigned a, unsigned b) { return (v * a + b * (255 - a) + 127) / 255; }

// One pixel as the request wants it: composited, then RGB or its ITU-R 601 luma, which leaves greys unchanged.
static inline uint8_t *put(
    unsigned r, unsigned g, unsigned b, unsigned a, const scanline_png_request *request, uint8_t *to) {
  if (a != 255) {
    r = over(r, a, request->background[0]);
    g = over(g, a, request->background[1]);
    b = over(b, a, request->background[2]);
  }
  if (request->channels == 1) {
    *to++ = (uint8_t)((299 * r + 587 * g + 114 * b + 500) / 1000);
  } else {
    *to++ = (uint8_t)r;
    *to++ = (uint8_t)g;
    *to++ = (uint8_t)b;
  }
  return to;
}

// One row of `stored` channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
static void convert_row(
    const uint8_t *from, int stored, uint32_t width, const scanline_png_request *request, uint8_t *to) {
  for (uint32_t x = 0; x < width; x++, from += stored) {
    unsigned a = stored == 2 || stored == 4 ? from[stored - 1] : 255;
    to = put(from[0], from[stored < 3 ? 0 : 1], from[stored < 3 ? 0 : 2], a, request, to);
  }
}

// Colours and opacities by index.
typedef struct {
  int count;
  uint8_t rgba[256][4];
} palette;

static void read_palette(png_structp png, png_infop info, palette *p) {
  png_colorp colors = NULL;
  png_bytep alpha = NULL;
  int count = 0, alpha_count = 0;
  png_get_PLTE(png, info, &colors, &count);
  if (png_get_valid(png, info, PNG_INFO_tRNS)) png_get_tRNS(png, info, &alpha, &alpha_count, NULL);
  p->count = count < 256 ? count : 256;
  for (int i = 0; i < p->count; i++) {
    p->rgba[i][0] = colors[i].red;
    p->rgba[i][1] = colors[i].green;
    p->rgba[i][2] = colors[i].blue;
    p->rgba[i][3] = i < alpha_count ? alpha[i] : 255;
  }
}

// One row of indices. libpng's own expansion lets an index beyond the palette pass as some colour.
static void convert_indices(
    png_structp png, const palette *p, const uint8_t *from, uint32_t width,
    const scanline_png_request *request, uint8_t *to) {
  for (uint32_t x = 0; x < width; x++) {
    if (from[x] >= p->count) png_error(png, "a pixel's index is beyond the palette");
    const uint8_t *c = p->rgba[from[x]];
    to = put(c[0], c[1], c[2], c[3], request, to);
  }
}

int scanline_png_decode(scanline_png_reader *reader, scanline_png_request request, uint8_t *output) {
  if (reader->png == NULL) return scanline_png_fail(reader, SCANLINE_PNG_DAMAGED, "no image is open");
  if (setjmp(reader->jump) != 0) {
    scanline_png_close(reader);
    return reader->status;
  }
  png_structp png = reader->png;
  png_infop info = reader->info;
  const scanline_png_header *header = &reader->header;
  const int indexed = header->color_type == PNG_COLOR_TYPE_PALETTE;
  palette colors;
  if (indexed) {
    read_palette(png, info, &colors);
    png_set_packing(png);
  } else {
    if (header->color_type == PNG_COLOR_TYPE_GRAY && header->bit_depth < 8)
      png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
  }
  if (header->bit_depth == 16) png_set_scale_16(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  const int stored = png_get_channels(png, info);
  const size_t wanted_stride = (size_t)header->width * request.channels;
  const size_t stored_stride = png_get_rowbytes(png, info);
  const int direct = !indexed && stored == request.channels;
  // Rows of an interlaced image are completed pass by pass, so all of them stay; otherwise one is enough.
  const size_t kept = direct ? 0 : passes > 1 ? header->height : 1;
  if (stored_stride != (size_t)header->width * stored) png_error(png, "a row of unexpected size");
  if (!scanline_png_grow(&reader->rows, &reader->rows_capacity, kept * stored_stride)) {
    scanline_png_close(reader);
    return scanline_png_fail(reader, SCANLINE_PNG_MEMORY, "no memory for the rows");
  }
  // After the last row libpng unpacks whatever the image data still hold, only to say that they are too long: gigabytes,
  // where a file is made so. Twice the samples at their widest is more than a row can need, packed however badly.
  const size_t row_budget = 2 * 8 * (size_t)header->width + 65536;
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < header->height; y++) {
      uint8_t *row = direct ? output + y * wanted_stride : reader->rows + (kept > 1 ? y * stored_stride : 0);
      reader->row_budget = row_budget;
      png_read_row(png, row, NULL);
      if (direct || pass < passes - 1) continue;
      if (indexed)
        convert_indices(png, &colors, row, header->width, &request, output + y * wanted_stride);
      else
        convert_row(row, stored, header->width, &request, output + y * wanted_stride);
    }
  reader->row_budget = SIZE_MAX;
  // To the end: a file cut after its last pixel is still a damaged file.
  png_read_end(png, NULL);
  scanline_png_close(reader);
  return SCANLINE_PNG_OK;
}
