// The page of a report: one file that needs no other.
import Core

/// A page of sections.
package struct ReportPage: Sendable {
  /// One part of it.
  package struct Section: Sendable {
    /// Its name in links, of letters, digits and hyphens.
    package let id: String
    /// Its heading.
    package let title: String
    /// What follows the heading; further headings in it begin at level 3.
    package let body: HTML

    /// A section.
    package init(_ id: String, _ title: String, _ body: HTML) { (self.id, self.title, self.body) = (id, title, body) }
  }

  /// The headline.
  package var title: String
  /// What is said under it.
  package var lead: HTML
  /// In order.
  package var sections: [Section]
  /// The last line.
  package var foot: HTML

  /// A page.
  package init(title: String, lead: HTML, sections: [Section], foot: HTML) {
    (self.title, self.lead, self.sections, self.foot) = (title, lead, sections, foot)
  }

  /// The whole document. Its policy forbids the browser to load anything from anywhere, pictures within the page apart,
  /// and to run any script but the page's own.
  package var html: HTML {
    let links = sections.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>\n" as HTML }
    let parts = sections.map { section -> HTML in
      """
      <section id="\(section.id)" aria-labelledby="\(section.id)-title">
      <h2 id="\(section.id)-title">\(section.title)</h2>
      \(section.body)</section>

      """
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
      script-src 'nonce-page'; base-uri 'none'; form-action 'none'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="scanline">
      <link rel="icon" href="data:,">
      <title>\(title)</title>
      <style>
      \(ReportStyle.colors)\(ReportStyle.sheet)</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the report</a>
      <header>
      <h1>\(HTML.name(title))</h1>
      \(lead)</header>
      <nav aria-label="Sections"><ol>
      \(links)</ol></nav>
      <main id="main" tabindex="-1">
      \(parts)</main>
      <footer>\(foot)</footer>
      <script nonce="page">
      \(ReportStyle.script)</script>
      </body>
      </html>

      """
  }

  /// Writes the page whole or not at all, and gives its size in bytes.
  ///
  /// - Throws: `ScanlineError`: `cannotCreate` or `io` naming `path`.
  @discardableResult
  package func write(to path: String) throws -> Int {
    let bytes = Array(html.markup.utf8)
    try DurableFiles.replace(path, with: bytes)
    return bytes.count
  }
}
