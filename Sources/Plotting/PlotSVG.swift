// A drawing as SVG text.
import Core

/// Where the colours of an SVG come from.
package enum PlotSVGColors: Sendable {
  /// They stand in it, on a white page.
  case fixed
  /// Those with a meaning are variables of the style sheet of the page around it (`PlotColor.themed`), which has a
  /// background of its own.
  case ofThePage
}

extension PlotDrawing {
  /// The drawing as an SVG document, or with the colours `ofThePage` as an element of class "plot" for an HTML page;
  /// `label`, else the title, says what it shows. Text stays text, in the reader's sans-serif font; each has the length
  /// that the layout gave it, so that nothing overlaps where that font is wider than Helvetica.
  package func svg(colors: PlotSVGColors = .fixed, label: String? = nil) -> String {
    let size =
      "width=\"\(number(width))\" height=\"\(number(height))\" viewBox=\"0 0 \(number(width)) \(number(height))\" "
      + "role=\"img\" font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\""
    let title = escapedForMarkup(label ?? title)
    var lines =
      switch colors {
      case .fixed:
        [
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
          "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size)>",
          "<title>\(title)</title>",
          "<style>rect { shape-rendering: crispEdges }</style>",
          "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
        ]
      case .ofThePage: ["<svg class=\"plot\" aria-label=\"\(title)\" \(size)>"]
      }
    lines += shapes.map { element($0, colors) }
    return (lines + ["</svg>", ""]).joined(separator: "\n")
  }

  private func element(_ shape: PlotShape, _ colors: PlotSVGColors) -> String {
    func paint(_ attribute: String, _ color: PlotColor) -> String { self.paint(attribute, color, colors) }
    return switch shape {
    case .rectangle(let frame, let fill):
      "<rect x=\"\(number(frame.x))\" y=\"\(number(frame.y))\" width=\"\(number(frame.width))\" "
        + "height=\"\(number(frame.height))\"\(paint("fill", fill))/>"
    case .line(let points, let color, let width, let dash):
      "<polyline points=\"\(list(points))\" fill=\"none\" stroke-width=\"\(number(width))\" stroke-linejoin=\"round\" "
        + "stroke-linecap=\"\(dash.isEmpty ? "round" : "butt")\""
        + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash.map(number).joined(separator: " "))\"")
        + "\(paint("stroke", color))/>"
    case .polygon(let points, let fill): "<polygon points=\"\(list(points))\"\(paint("fill", fill))/>"
    case .text(let text, let position, let size, let anchor, let color, let isVertical):
      "<text x=\"\(number(position.x))\" y=\"\(number(position.y))\" font-size=\"\(number(size))\""
        + " textLength=\"\(number(PlotFont.width(text, size: size)))\" lengthAdjust=\"spacingAndGlyphs\""
        + (anchor == .start ? "" : " text-anchor=\"\(anchor == .middle ? "middle" : "end")\"")
        + (isVertical ? " transform=\"rotate(-90 \(number(position.x)) \(number(position.y)))\"" : "")
        + "\(paint("fill", color))>\(escapedForMarkup(text))</text>"
    }
  }

  private func list(_ points: [PlotPoint]) -> String {
    points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
  }

  private func paint(_ attribute: String, _ color: PlotColor, _ colors: PlotSVGColors) -> String {
    let solid = color.with(opacity: 1)
    let themed = colors == .ofThePage ? PlotColor.themed.first { $0.light == solid } : nil
    return " \(attribute)=\"\(themed.map { "var(\($0.variable))" } ?? color.hexadecimal)\""
      + (color.opacity < 1 ? " \(attribute)-opacity=\"\(number(color.opacity))\"" : "")
  }

  /// Two digits behind the point, none that say nothing: a hundredth of a point cannot be seen.
  private func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return rest % 10 == 0 ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }
}

/// `text` as the content of an element or an attribute, of HTML or XML. Control characters, which neither may hold, and
/// those that turn the direction of what follows become U+FFFD: a file's name must not rewrite the line it stands in.
package func escapedForMarkup(_ text: String) -> String {
  var escaped = ""
  escaped.reserveCapacity(text.utf8.count)
  for scalar in text.withBytesEscaped.unicodeScalars {
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "\"": escaped += "&quot;"
    case "'": escaped += "&#39;"
    case "\t", "\n": escaped.unicodeScalars.append(scalar)
    case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}", "\u{FFFE}",
      "\u{FFFF}":
      escaped += "\u{FFFD}"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}
