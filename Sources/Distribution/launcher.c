// The installed command, bin/scanline: runs the variant of Scanline that was built for this processor. The variants lie
// in lib/scanline/NAME/scanline beside it; all give the same bits. SCANLINE_VARIANT names one to run instead.
//
// Exit codes (sysexits.h, as the command's own): 64 for a variant of no such name, 65 for one that is not installed, 69
// for a processor that cannot run it.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Tests put other processors in its place. The compiler's own also asks whether the system saves the registers.
#ifndef PROCESSOR_HAS
#define PROCESSOR_HAS(feature) __builtin_cpu_supports(feature)
#endif

struct variant {
  const char *name;
  int runs;
};

// The command's own form of an error, with nothing in it that a terminal would obey.
static _Noreturn void refuse(int code, const char *what, const char *expected, const char *found) {
  char text[2 * PATH_MAX];
  snprintf(text, sizeof text, "scanline: %s: expected %s, found %s", what, expected, found);
  for (char *byte = text; *byte; byte++)
    if ((unsigned char)*byte < ' ' || *byte == 127) *byte = '?';
  fprintf(stderr, "%s\n", text);
  exit(code);
}

int main(int argc, char **argv) {
  (void)argc;
  const int v3 = PROCESSOR_HAS("avx2") && PROCESSOR_HAS("fma") && PROCESSOR_HAS("bmi") && PROCESSOR_HAS("bmi2") &&
                 PROCESSOR_HAS("lzcnt") && PROCESSOR_HAS("movbe") && PROCESSOR_HAS("f16c");
  const int v4 = v3 && PROCESSOR_HAS("avx512f") && PROCESSOR_HAS("avx512bw") && PROCESSOR_HAS("avx512cd") &&
                 PROCESSOR_HAS("avx512dq") && PROCESSOR_HAS("avx512vl");
  // The best first.
  const struct variant variants[] = {
      {"x86-64-v4+avx512bf16", v4 && PROCESSOR_HAS("avx512bf16")}, {"x86-64-v4", v4}, {"x86-64-v3", v3}};
  const int count = sizeof variants / sizeof *variants;

  const char *asked = getenv("SCANLINE_VARIANT");
  const int is_asked = asked && *asked;
  int chosen = 0;
  while (chosen < count && (is_asked ? strcmp(asked, variants[chosen].name) != 0 : !variants[chosen].runs)) chosen++;
  if (chosen == count && is_asked)
    refuse(64, "SCANLINE_VARIANT", "x86-64-v3, x86-64-v4 or x86-64-v4+avx512bf16", asked);
  if (chosen == count)
    refuse(69, "this processor", "x86-64-v3 (AVX2, FMA, BMI2: Intel from 2013, AMD from 2015 on)", "an older one");
  if (!variants[chosen].runs) refuse(69, "this processor", asked, "one without all its instructions");

  char path[PATH_MAX + 64];
  const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  if (length < 0 || length == PATH_MAX) refuse(65, "/proc/self/exe", "the path of this program", strerror(errno));
  path[length] = 0;
  // PREFIX/bin/scanline
  for (int up = 0; up < 2; up++) {
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
  }
  strcat(path, "/lib/scanline/");
  strcat(path, variants[chosen].name);
  strcat(path, "/scanline");
  execv(path, argv);
  refuse(65, path, "a program", strerror(errno));
}
