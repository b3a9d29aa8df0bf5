#!/usr/bin/env bash
# build.sh BASELINE SCRATCH: the command for that processor, with all libraries but the C library in it, as
# SCRATCH/release/scanline. Elsewhere than on Linux with the libraries it has there.
set -euo pipefail
cd "$(dirname "$0")/../.."
baseline=$1 scratch=$2
options=()
if [ "$(uname)" = Linux ]; then
  # The linker takes a shared library before an archive unless a folder that it looks into first has only the archive.
  archives=$PWD/$scratch/archives
  mkdir -p "$archives"
  for library in png16 z stdc++; do ln -sf "$(${CC:-cc} -print-file-name=lib$library.a)" "$archives/"; done
  ln -sf libpng16.a "$archives/libpng.a"
  # What libgcc_s.so has besides libgcc.a.
  ln -sf "$(${CC:-cc} -print-file-name=libgcc_eh.a)" "$archives/libgcc_s.a"
  for package in libpng zlib; do
    libraries=-lz
    [ $package = zlib ] || libraries="-lpng16 -lz"
    printf 'Name: %s\nDescription: its archive\nVersion: %s\nCflags: %s\nLibs: -L%s %s\n' $package \
      "$(pkg-config --modversion $package)" "$(pkg-config --cflags $package)" "$archives" "$libraries" \
      > "$archives/$package.pc"
  done
  export PKG_CONFIG_PATH=$archives
  options=(--static-swift-stdlib -Xlinker -lz -Xlinker -s)
fi
# The static libraries of Swift bring warnings of the linker's about mktemp, which nothing here calls.
SCANLINE_BASELINE=$baseline ${SWIFT:-swift} build -c release --product scanline --scratch-path "$scratch" \
  ${options[@]+"${options[@]}"} 2> >(grep -v "the use of \`mktemp' is dangerous" >&2)
