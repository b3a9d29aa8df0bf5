// How large a block a target asks for.
#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stddef.h>

/// The bytes of the largest block asked for since the last call, by this thread.
size_t fuzz_largest_block(void);

#endif
