// Words of a command that is printed to be copied.
import Core

/// `word` as a shell takes it for one word, on one line: plain, in quotes, or where it has characters that must not be
/// shown as they are, with those written out ($'…', which bash, zsh and ksh know).
func shellWord(_ word: String) -> String {
  let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+%@")
  // zsh takes "=x" for the place of the program x.
  if !word.isEmpty, word.allSatisfy(plain.contains), !word.hasPrefix("=") { return word }
  guard word.displayed != word else { return "'" + word.replacing("'", with: "'\\''") + "'" }
  let escaped = word.fileNameBytes.map { byte -> String in
    switch byte {
    case UInt8(ascii: "\n"): "\\n"
    case UInt8(ascii: "'"), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
    case 0x20..<0x7F: String(UnicodeScalar(byte))
    default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
  return "$'" + escaped.joined() + "'"
}

/// The same of a path, which must not be taken for an option.
func shellWord(path: String) -> String { shellWord(path.utf8.first == UInt8(ascii: "-") ? "./" + path : path) }
