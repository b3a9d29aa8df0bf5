#!/usr/bin/env bash
# install.sh install|uninstall PREFIX: the command for this very processor, its manual pages, completions and models, into
# PREFIX; or all of these away again. DESTDIR, where it is set, comes before PREFIX, for those who make packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
action=$1 prefix=$2
[[ $prefix == /* ]] || { echo "PREFIX: expected a path from /, found '$prefix'" >&2; exit 64; }
target=${DESTDIR:-}$prefix

remove() {
  rm -f "$target/bin/scanline" "$target"/share/man/man1/scanline{,-*}.1 "$target/share/bash-completion/completions/scanline" \
    "$target/share/zsh/site-functions/_scanline" "$target/share/fish/vendor_completions.d/scanline.fish"
  rm -rf "$target/share/scanline" "$target/share/doc/scanline"
}

case $action in
install)
  Sources/Distribution/build.sh native .build-install
  remove
  mkdir -p "$target/bin"
  install -m 755 .build-install/release/scanline "$target/bin/scanline"
  Sources/Distribution/share.sh .build-install/release/scanline .build-install/checkouts "$target"
  echo "Installed scanline $("$target/bin/scanline" --version) in $target."
  ;;
uninstall)
  remove
  # Folders that are empty now; others' stay.
  for folder in bin share/man/man1 share/bash-completion/completions share/zsh/site-functions \
    share/fish/vendor_completions.d share/doc; do
    [ ! -d "$target/$folder" ] || (cd "$target" && rmdir -p "$folder" 2>/dev/null) || true
  done
  echo "Removed scanline from $target."
  ;;
*) echo "expected install or uninstall, found '$action'" >&2 && exit 64 ;;
esac
