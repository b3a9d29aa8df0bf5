#include "allocation_count.h"

// Of AddressSanitizer's runtime.
extern int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *, size_t), void (*on_free)(const volatile void *));

static _Thread_local size_t largest;

static void on_malloc(const volatile void *block, size_t size) {
  if (size > largest) largest = size;
}

static void on_free(const volatile void *block) {}

__attribute__((constructor)) static void install(void) { __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free); }

size_t fuzz_largest_block(void) {
  size_t result = largest;
  largest = 0;
  return result;
}
