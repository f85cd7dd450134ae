/* The entry points that libFuzzer calls, and replay.c. */
#ifndef REEVE_TESTS_FUZZ_H
#define REEVE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
