#!/usr/bin/env bash
# share.sh COMMAND CHECKOUTS PREFIX: what an installed Scanline has besides its programs, into PREFIX/share: manual pages,
# completions of bash, zsh and fish, the models that ship, and the licences of all that is in the programs. COMMAND is a
# built scanline, CHECKOUTS the folder with the sources of the packages that it was built with.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command=$1 checkouts=$2 share=$3/share

# swift-argument-parser's own generator writes a page for every command. It names them by dots, where man looks for
# hyphens, as its index does in a page's NAME; and blank lines of a text are .Pp to mdoc. `draw` is another name of
# `sample`.
generator=$(dirname "$checkouts")/manual
${SWIFT:-swift} build --package-path "$checkouts/swift-argument-parser" --scratch-path "$generator" \
  --product generate-manual >&2
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
"$generator/debug/generate-manual" "$command" --multi-page --output-directory "$pages" \
  --date "$(git -C "$root" log -1 --format=%cs)" >&2
mkdir -p "$share/man/man1"
for page in "$pages"/*.1; do
  name=$(basename "$page" .1)
  case $name in scanline.help | scanline.draw) continue ;; esac
  sed -E -e 's/^$/.Pp/' -e '/^\.Xr scanline\.(help|draw) /d' -e '/^\.Xr /s/([a-z])\.([a-z])/\1-\2/g' \
    -e '/^\.Dt /s/([A-Z])\.([A-Z])/\1-\2/g' -e "/^\.Nm \"/s/.*/.Nm ${name//./-}/" -e "s/^\.Nm$/.Nm \"${name//./ }\"/" \
    -e '/^\.Nd "/s/"//g' "$page" > "$share/man/man1/${name//./-}.1"
done

install -d "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
"$command" --generate-completion-script bash > "$share/bash-completion/completions/scanline"
"$command" --generate-completion-script zsh > "$share/zsh/site-functions/_scanline"
"$command" --generate-completion-script fish > "$share/fish/vendor_completions.d/scanline.fish"

mkdir -p "$share/scanline/Checkpoints"
cp -R "$root"/Checkpoints/pretrained-* "$share/scanline/Checkpoints/"

# Licences: ours, then those of what is linked in, each under its name.
licences=$share/doc/scanline
mkdir -p "$licences"
cp "$root/LICENSE" "$root/CHANGELOG.md" "$licences/"
{
  echo 'Scanline itself is under the licence in LICENSE. Its programs hold parts of the following.'
  toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v "${SWIFT:-swift}")")")")
  for notice in "Swift's libraries=$toolchain/share/swift/LICENSE.txt" "$checkouts"/*/LICENSE* "$checkouts"/*/NOTICE* \
    "libpng=/usr/share/doc/libpng-dev/copyright" "zlib=/usr/share/doc/zlib1g-dev/copyright" \
    "GCC's libstdc++ and libgcc=$(echo /usr/share/doc/libstdc++-*-dev/copyright)"; do
    file=${notice#*=}
    [ -r "$file" ] || { echo "No licence at $file." >&2; continue; }
    name=${notice%%=*}
    [ "$name" != "$notice" ] || name="$(basename "$(dirname "$file")") ($(basename "$file"))"
    printf '\n%s\n%s\n\n' "$name" "${name//?/=}"
    cat "$file"
  done
} > "$licences/THIRD-PARTY-LICENCES"
# toml++ keeps its licence in its one header, which TOMLKit brings.
header=$checkouts/TOMLKit/Sources/CTOML/Sources/toml.hpp
{
  printf '\ntoml++\n======\n\n'
  sed -n '/^\/\/ MIT License/,/^\/\/ OTHERWISE/s/^\/\/ \{0,1\}//p' "$header"
} >> "$licences/THIRD-PARTY-LICENCES"
