// HTML that cannot be broken by what it is about: markup stands in the source, everything else is escaped.
import Core
import ImageData
import Plotting

/// A piece of HTML. Its literals are markup; a string that is interpolated is text, and is escaped, for the content of
/// elements and for attribute values in double quotes; only another piece of HTML goes in as it is:
///
///     let cell: HTML = "<td title=\"\(path)\">\(name)</td>"
///
/// Literals are `StaticString`s: a string that is made at run time cannot become markup, the compiler refuses it.
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The markup.
  package private(set) var markup: String

  /// Markup that stands in the source.
  package init(stringLiteral literal: StaticString) { markup = literal.description }

  /// Markup with texts in it.
  package init(stringInterpolation: Interpolation) { markup = stringInterpolation.markup }

  /// `text`, escaped. (Without the label, a literal would be taken for markup.)
  package init(text: String) { markup = escapedForMarkup(text) }

  /// A drawing as an element that takes its colours from the page; `label` says what it shows.
  package init(_ drawing: PlotDrawing, label: String) { markup = drawing.svg(colors: .ofThePage, label: label) }

  /// The pieces after one another.
  package init(_ parts: [HTML], separator: HTML = "") {
    markup = parts.map(\.markup).joined(separator: separator.markup)
  }

  /// Whether there is nothing.
  package var isEmpty: Bool { markup.isEmpty }

  /// The two after one another.
  package static func + (first: HTML, second: HTML) -> HTML { HTML([first, second]) }

  /// How literals and what is interpolated come together.
  package struct Interpolation: StringInterpolationProtocol {
    fileprivate var markup = ""

    /// Room for what is to come.
    package init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity) }

    /// Markup.
    package mutating func appendLiteral(_ literal: StaticString) { markup += literal.description }
    /// Text, escaped.
    package mutating func appendInterpolation(_ text: String) { markup += escapedForMarkup(text) }
    /// A number.
    package mutating func appendInterpolation(_ number: Int) { markup += "\(number)" }
    /// HTML as it is.
    package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
    /// Pieces of HTML after one another.
    package mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { markup += part.markup } }
  }

  /// The interpolation of this type.
  package typealias StringInterpolation = Interpolation
  /// Literals, known when the program is compiled.
  package typealias StringLiteralType = StaticString
}
