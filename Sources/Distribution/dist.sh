#!/usr/bin/env bash
# make dist: a tarball and a .deb of Scanline for Linux on x86-64, in .build-dist. They hold the command for three kinds of
# processor, and bin/scanline, which runs the one for the processor at hand. Needs the toolchain, git, a C compiler and
# pkg-config, and dpkg-deb for the .deb; five minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=Sources/Distribution
out=.build-dist
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "make dist: expected Linux on x86_64, found $(uname -sm)" >&2; exit 64; }

variants="x86-64-v3 x86-64-v4 x86-64-v4+avx512bf16"
for variant in $variants; do
  echo "== $variant"
  $here/build.sh "$variant" "$out/$variant"
done

# Every processor that may build this runs the first variant.
command=$out/x86-64-v3/release/scanline
version=$($command --version)
name=scanline-$version-linux-x86_64
tree=$out/$name
rm -rf "$tree" && mkdir -p "$tree/bin"
for variant in $variants; do install -D -m 755 "$out/$variant/release/scanline" "$tree/lib/scanline/$variant/scanline"; done
${CC:-cc} -O2 -Wall -Wextra -Werror -s -o "$tree/bin/scanline" $here/launcher.c
$here/share.sh "$command" "$out/x86-64-v3/checkouts" "$tree"
cp $here/INSTALL.md "$tree/"
chmod -R u=rwX,go=rX "$tree"

# ICU would be another 44 MB in each.
for program in "$tree"/lib/scanline/*/scanline; do
  [ "$(stat -c %s "$program")" -le 32000000 ] || { echo "$program: expected at most 32 MB" >&2; exit 70; }
  libraries=$(ldd "$program" | sed 's/^[[:space:]]*//; s/ .*//' | grep -vE '^(linux-vdso|libc|libm)\.so|ld-linux' || true)
  [ -z "$libraries" ] || { echo "$program: expected the C library alone, found $libraries" >&2; exit 70; }
done

# The same bytes from the same commit.
epoch=$(git log -1 --format=%ct)
archive() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf - "$@"; }
archive -C $out "$name" | gzip -n9 > "$out/$name.tar.gz"
made=("$out/$name.tar.gz")

if command -v dpkg-deb > /dev/null; then
  package=$out/deb
  rm -rf $package && mkdir -p $package/DEBIAN $package/usr
  cp -R "$tree"/{bin,lib,share} $package/usr/
  mv $package/usr/share/zsh/site-functions $package/usr/share/zsh/vendor-completions
  # Debian's own names of what is in share/doc.
  documents=$package/usr/share/doc/scanline
  { cat $documents/LICENSE; printf '\n\n'; cat $documents/THIRD-PARTY-LICENCES; } > $documents/copyright
  rm $documents/LICENSE $documents/THIRD-PARTY-LICENCES
  gzip -n9 $package/usr/share/man/man1/*.1
  mv $documents/CHANGELOG.md $documents/changelog && gzip -n9 $documents/changelog
  glibc=$(objdump -T "$tree"/lib/scanline/*/scanline | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -1)
  cat > $package/DEBIAN/control <<CONTROL
Package: scanline
Version: $version
Architecture: amd64
Maintainer: the Scanline developers
Section: science
Priority: optional
Installed-Size: $(du -sk $package/usr | cut -f1)
Depends: libc6 (>= ${glibc#GLIBC_})
Suggests: bash-completion
Description: autoregressive image models, trained on the processor
 Scanline trains PixelCNNs and multi-dimensional recurrent networks on folders
 of PNG images, draws images from them, and gives exact log-likelihoods.
CONTROL
  (cd $package && find usr -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
  chmod -R u=rwX,go=rX $package
  made+=("$out/scanline_${version}_amd64.deb")
  SOURCE_DATE_EPOCH=$epoch dpkg-deb --root-owner-group -Zxz -z9 --build $package "${made[1]}" > /dev/null
else
  echo "No dpkg-deb here, so no .deb."
fi
ls -l "${made[@]}"
