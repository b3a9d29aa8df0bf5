// Encoding PNG files, to memory, under setjmp.
#include "scanline_png.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct {
  uint8_t *bytes;
  size_t size, capacity;
  png_structp png;
  png_infop info;
  jmp_buf jump;
  char *reason;
  size_t reason_size;
} writer;

static void on_error(png_structp png, png_const_charp message) {
  writer *w = png_get_error_ptr(png);
  snprintf(w->reason, w->reason_size, "%s", message);
  longjmp(w->jump, 1);
}

// A warning while writing (a keyword that libpng would change) means that the file would not be what was asked.
static void on_warning(png_structp png, png_const_charp message) { on_error(png, message); }

static void on_write(png_structp png, png_bytep bytes, size_t count) {
  writer *w = png_get_io_ptr(png);
  if (count > w->capacity - w->size) {
    size_t capacity = 2 * w->capacity + count + 512;
    uint8_t *larger = realloc(w->bytes, capacity);
    if (larger == NULL) png_error(png, "no memory for the encoded image");
    w->bytes = larger;
    w->capacity = capacity;
  }
  memcpy(w->bytes + w->size, bytes, count);
  w->size += count;
}

static void on_flush(png_structp png) { (void)png; }

static int is_ascii(const char *text) {
  for (; *text != 0; text++)
    if ((unsigned char)*text >= 0x80) return 0;
  return 1;
}

static void encode(
    writer *w, const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bit_depth,
    int filter, const char *const *keys, const char *const *values, int text_count) {
  png_structp png = w->png;
  png_set_write_fn(png, w, on_write, on_flush);
  // Fixed settings, so that the same pixels give the same bytes. Level 9 costs nothing at these sizes.
  png_set_compression_level(png, 9);
  png_set_compression_mem_level(png, 9);
  png_set_filter(png, 0, filter == SCANLINE_PNG_FILTER_NONE ? PNG_FILTER_NONE : PNG_ALL_FILTERS);
  png_set_IHDR(
      png, w->info, width, height, bit_depth, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
      PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  for (int i = 0; i < text_count; i++) {
    png_text text;
    memset(&text, 0, sizeof text);
    text.compression = is_ascii(values[i]) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    text.key = (char *)keys[i];
    text.text = (char *)values[i];
    png_set_text(png, w->info, &text, 1);
  }
  png_write_info(png, w->info);
  // Values come a byte each; libpng packs them.
  png_set_packing(png);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * channels);
  png_write_end(png, NULL);
}

int scanline_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bit_depth, int filter,
    const char *const *keys, const char *const *values, int text_count, uint8_t **output, size_t *output_size, char *reason,
    size_t reason_size) {
  *output = NULL;
  *output_size = 0;
  writer *w = calloc(1, sizeof *w);
  if (w == NULL) {
    snprintf(reason, reason_size, "no memory for a PNG encoder");
    return SCANLINE_PNG_MEMORY;
  }
  w->reason = reason;
  w->reason_size = reason_size;
  int status = SCANLINE_PNG_DAMAGED;
  if (setjmp(w->jump) == 0) {
    w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    if (w->png != NULL) w->info = png_create_info_struct(w->png);
    if (w->info == NULL) {
      snprintf(reason, reason_size, "no memory for a PNG encoder");
    } else {
      encode(w, pixels, width, height, channels, bit_depth, filter, keys, values, text_count);
      *output = w->bytes;
      *output_size = w->size;
    }
  }
  if (*output != NULL) status = SCANLINE_PNG_OK;
  else free(w->bytes);
  png_destroy_write_struct(&w->png, &w->info);
  free(w);
  return status;
}
