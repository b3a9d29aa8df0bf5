// Reading HTML as far as a test needs it: whether every element that begins also ends, where it should.

/// The tags of an HTML document.
package struct HTMLTags {
  /// The names of all elements that begin, in order.
  package private(set) var names: [String] = []
  /// What is wrong with the nesting; nil where nothing is.
  package private(set) var fault: String?

  private static let empty: Set<String> = ["!doctype", "meta", "link", "input", "img", "br"]

  /// Reads `html`. Attribute values must stand in double quotes, and hold no `>`, as an escaped one does not.
  package init(_ html: String) {
    var open: [String] = []
    var rest = Substring(html)
    while let start = rest.firstIndex(of: "<") {
      rest = rest[rest.index(after: start)...]
      // What a script or a style sheet says is no markup.
      if let last = open.last, ["script", "style"].contains(last), !rest.hasPrefix("/\(last)>") { continue }
      guard let end = rest.firstIndex(of: ">") else {
        fault = fault ?? "a tag without an end: \(rest.prefix(40))"
        return
      }
      let tag = rest[..<end]
      rest = rest[rest.index(after: end)...]
      if tag.filter({ $0 == "\"" }).count % 2 != 0 { fault = fault ?? "a quote that does not end: \(tag)" }
      if tag.hasPrefix("/") {
        if open.popLast() != String(tag.dropFirst()) { fault = fault ?? "<\(tag)> where \(open) are open" }
        continue
      }
      let name = String(tag.prefix { !" \n/".contains($0) }).lowercased()
      names.append(name)
      if !Self.empty.contains(name), !tag.hasSuffix("/") { open.append(name) }
    }
    if !open.isEmpty { fault = fault ?? "\(open) never end" }
  }
}
