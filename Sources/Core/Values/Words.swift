// Counts and articles in messages.

/// "1 image", "2 images", "2 classes".
package func counted(_ count: Int, _ noun: String) -> String {
  guard count != 1 else { return "1 \(noun)" }
  return "\(count) \(noun)" + (["s", "x", "ch", "sh"].contains(where: noun.hasSuffix) ? "es" : "s")
}

/// "a 16-bit grey image", "an 8-bit grey image", "an mdrnn".
package func withArticle(_ noun: String) -> String {
  // Numbers, and abbreviations that are spelled out, sound as they are said.
  let isVowel = ["8", "11-", "18-", "a", "e", "i", "o", "RGB", "mdrnn"].contains(where: noun.hasPrefix)
  return (isVowel ? "an " : "a ") + noun
}
