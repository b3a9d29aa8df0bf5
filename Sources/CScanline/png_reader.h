// The state of a PNG decoder, shared by the files that open and that decode. Not for Swift.
#ifndef SCANLINE_PNG_READER_H
#define SCANLINE_PNG_READER_H

#include "scanline_png.h"

#include <png.h>
#include <setjmp.h>

struct scanline_png_reader {
  // The file's bytes; the buffer grows and is kept.
  uint8_t *file;
  size_t file_size, file_capacity, position;
  // Bytes that libpng may still take for the row at hand.
  size_t row_budget;
  // Rows as libpng gives them, where they are not already what the caller wants.
  uint8_t *rows;
  size_t rows_capacity;
  png_structp png;
  png_infop info;
  // Where on_error goes. Each entry point sets it before it calls libpng, and no local of such a function that
  // changes after setjmp is read after the jump: the state lives here.
  jmp_buf jump;
  int status, system_error;
  scanline_png_header header;
  char reason[256];
  char warning[128];
};

/// Sets the status and the reason and returns the status.
int scanline_png_fail(scanline_png_reader *reader, int status, const char *reason);
/// Makes *buffer hold at least `needed` bytes; 0 where there is no memory.
int scanline_png_grow(uint8_t **buffer, size_t *capacity, size_t needed);
/// Ends libpng's part of the open image.
void scanline_png_close(scanline_png_reader *reader);

#endif
