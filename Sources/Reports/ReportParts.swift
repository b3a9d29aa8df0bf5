// What a report is put together from: paragraphs, tables, figures, pictures.
import Core
import ImageData
import Plotting

extension HTML {
  /// A table. Cells of the first column head their rows; `columns` head the others, with the first column's own heading.
  /// On a narrow screen the table scrolls, by keyboard too.
  package static func table(caption: String, columns: [HTML], rows: [[HTML]]) -> HTML {
    precondition(rows.allSatisfy { $0.count == columns.count }, "a cell for each column")
    let head = columns.map { "<th scope=\"col\">\($0)</th>" as HTML }
    let body = rows.map { row -> HTML in
      let cells = row.dropFirst().map { "<td>\($0)</td>" as HTML }
      return "<tr><th scope=\"row\">\(row[0])</th>\(cells)</tr>\n"
    }
    return """
      <div class="scroll" tabindex="0" role="group" aria-label="\(caption)"><table>
      <caption>\(caption)</caption>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body)</tbody>
      </table></div>

      """
  }

  /// A paragraph.
  package static func paragraph(_ content: HTML) -> HTML { "<p>\(content)</p>\n" }

  /// A paragraph that says what is missing, or must be known before what is beside it is believed.
  package static func note(_ content: HTML) -> HTML { "<p class=\"note\">\(content)</p>\n" }

  /// Points of a list.
  package static func list(_ points: [HTML]) -> HTML { "<ul>\n\(points.map { "<li>\($0)</li>\n" as HTML })</ul>\n" }

  /// Text to be taken as it is, line by line: commands, files.
  package static func preformatted(_ text: String, label: String) -> HTML {
    "<pre class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"\(label)\"><code>\(text)</code></pre>\n"
  }

  /// A name, in its own direction of writing.
  package static func name(_ text: String) -> HTML { "<bdi>\(text)</bdi>" }

  /// A panel drawn into the page, with `label` for those who do not see it and `caption` below.
  package static func figure(
    _ panel: PlotPanel, label: String, caption: HTML = "", width: Double = 560, height: Double = 340
  ) -> HTML {
    let figure = PlotFigure(title: "", panels: [panel], panelWidth: width, panelHeight: height)
    return """
      <figure><div class="scroll">\(HTML(figure.drawing, label: label))</div>
      \(caption.isEmpty ? caption : "<figcaption>\(caption)</figcaption>")</figure>

      """
  }

  /// Figures beside each other where there is room.
  package static func figures(_ figures: [HTML]) -> HTML { "<div class=\"figures\">\n\(figures)</div>\n" }

  /// One of two sets of figures, by choice; on paper both. It needs no script. `id` is a name of its own on the page.
  package static func either(
    _ question: String, id: String, _ first: (name: String, figures: [HTML]), _ second: (name: String, figures: [HTML])
  ) -> HTML {
    """
    <fieldset>
    <legend>\(question)</legend>
    <input type="radio" name="\(id)" id="\(id)-a" class="a" checked><label for="\(id)-a">\(first.name)</label>
    <input type="radio" name="\(id)" id="\(id)-b" class="b"><label for="\(id)-b">\(second.name)</label>
    <div class="figures a">
    \(first.figures)</div>
    <div class="figures b">
    \(second.figures)</div>
    </fieldset>

    """
  }
}

/// A PNG within the page.
package struct ReportPicture: Sendable {
  /// What it shows, for those who do not see it.
  package let alternative: String
  private let png: [UInt8]
  private let shape: ImageShape

  /// The picture whose file is `png`, of the size `shape`.
  package init(png: [UInt8], shape: ImageShape, alternative: String) {
    (self.png, self.shape, self.alternative) = (png, shape, alternative)
  }

  /// The picture as a data URI, its pixels enlarged to whole squares: as large as `side` allows.
  package func html(side: Int) -> HTML {
    let zoom = max(1, side / max(shape.width, shape.height))
    let data = Data(png).base64EncodedString()
    return """
      <img class="pixels" width="\(shape.width * zoom)" height="\(shape.height * zoom)" alt="\(alternative)" \
      src="data:image/png;base64,\(data)">
      """
  }
}
