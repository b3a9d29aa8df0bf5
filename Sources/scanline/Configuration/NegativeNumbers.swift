// Numbers below zero on the command line.

/// `words` with each number below zero joined to the option before it, "--clip -1" as "--clip=-1": the parser takes what
/// begins with "-" for an option, and would call the value missing. So each command checks them like other numbers.
func joiningNegativeNumbers(_ words: [String]) -> [String] {
  var joined: [String] = []
  for (index, word) in words.enumerated() {
    if word == "--" { return joined + words[index...] }
    if let option = joined.last, option.hasPrefix("--"), !option.contains("=" as Character),
      word.lowercased().prefixMatch(of: #/-(\.?[0-9]|inf|nan)/#) != nil
    {
      joined[joined.count - 1] = option + "=" + word
    } else {
      joined.append(word)
    }
  }
  return joined
}
