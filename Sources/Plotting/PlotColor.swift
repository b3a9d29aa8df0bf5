// Colours: ink, series that stay apart for the colour-blind, and a map whose order everybody sees.

/// A colour in sRGB, and how much it covers.
package struct PlotColor: Sendable, Equatable {
  /// 0 to 255 each.
  package var red: UInt8, green: UInt8, blue: UInt8
  /// 0, nothing, to 1, all that is below.
  package var opacity: Double

  /// A colour as 0xRRGGBB.
  package init(_ hexadecimal: UInt32, opacity: Double = 1) {
    red = UInt8(hexadecimal >> 16 & 255)
    green = UInt8(hexadecimal >> 8 & 255)
    blue = UInt8(hexadecimal & 255)
    self.opacity = opacity
  }

  /// The same colour, covering `opacity`.
  package func with(opacity: Double) -> PlotColor {
    var copy = self
    copy.opacity = opacity
    return copy
  }

  /// Text.
  package static let ink = PlotColor(0x22_22_22)
  /// Axes and ticks.
  package static let axis = PlotColor(0x55_55_55)
  /// Lines that help the eye across the panel.
  package static let grid = PlotColor(0xE4_E4_E4)
  /// A cell of a heat map that has no value.
  package static let missing = PlotColor(0xD5_D5_D5)
  /// What is wrong.
  package static let alarm = PlotColor(0xD0_00_00)

  /// The colour of series number `index`: those of Okabe and Ito ("Color Universal Design", 2008), which stay apart under
  /// all common kinds of colour blindness; the pale ones come last, black not at all, since text has it.
  package static func series(_ index: Int) -> PlotColor { seriesColors[index % seriesColors.count] }

  /// A colour that changes with the page a figure lies on.
  package struct Themed: Sendable {
    /// The style sheet's variable.
    package let variable: String
    /// On a white page, as in files, and on a dark one.
    package let light: PlotColor, dark: PlotColor
  }

  /// The colours that have a meaning. Those of a scale stay as they are: they are read against each other.
  package static let themed: [Themed] = {
    let named: [(String, PlotColor, UInt32)] = [
      ("ink", ink, 0xE8_E8_E8), ("axis", axis, 0xA8_AD_B4), ("grid", grid, 0x33_38_40),
      ("missing", missing, 0x4A_4F_57),
      ("alarm", alarm, 0xFF_7B_72),
    ]
    // On dark the same hues, lighter: contrast with the page is 6 or more for each.
    let dark: [UInt32] = [0x5A_B0_F0, 0xFF_8C_42, 0x3D_CF_A0, 0xE6_A3_CB, 0xF5_BD_41, 0xA5_D8_F7]
    return named.map { Themed(variable: "--plot-\($0.0)", light: $0.1, dark: PlotColor($0.2)) }
      + zip(seriesColors, dark).enumerated().map {
        Themed(variable: "--plot-series-\($0.offset)", light: $0.element.0, dark: PlotColor($0.element.1))
      }
  }()

  /// "#0072b2", without the opacity.
  package var hexadecimal: String {
    "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static let seriesColors = [0x00_72_B2, 0xD5_5E_00, 0x00_9E_73, 0xCC_79_A7, 0xE6_9F_00, 0x56_B4_E9]
    .map { PlotColor(UInt32($0)) }

  /// The colour of `share`, 0 (dark violet) to 1 (yellow), of a scale: viridis (Smith, van der Walt and Firing, 2015),
  /// whose lightness grows evenly, so that it reads the same in grey and for the colour-blind. Between ten of its
  /// colours, linear. A share beyond 0 or 1 has the colour of that end.
  package static func scale(_ share: Double) -> PlotColor {
    let position = min(max(share, 0), 1) * Double(scaleColors.count - 1)
    let index = min(Int(position), scaleColors.count - 2)
    let (low, high, part) = (scaleColors[index], scaleColors[index + 1], position - Double(index))
    func mix(_ channel: KeyPath<PlotColor, UInt8>) -> UInt8 {
      UInt8((Double(low[keyPath: channel]) * (1 - part) + Double(high[keyPath: channel]) * part).rounded())
    }
    var color = low
    (color.red, color.green, color.blue) = (mix(\.red), mix(\.green), mix(\.blue))
    return color
  }

  private static let scaleColors = [
    0x44_01_54, 0x48_28_78, 0x3E_4A_89, 0x31_68_8E, 0x26_82_8E, 0x1F_9E_89, 0x35_B7_79, 0x6D_CD_59, 0xB4_DE_2C,
    0xFD_E7_25,
  ].map { PlotColor(UInt32($0)) }
}
