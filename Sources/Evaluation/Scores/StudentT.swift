// Student's t: how far a mean of few images may lie from the true one, in standard errors.
import Networks

/// The 97.5% quantile of Student's t distribution, which ends a 95% interval.
package enum StudentT {
  /// The quantile for 1 to 30 degrees of freedom.
  private static let table = [
    12.706_204_736_174_7, 4.302_652_729_749_46, 3.182_446_305_283_71, 2.776_445_105_197_79, 2.570_581_835_636_31,
    2.446_911_851_144_98, 2.364_624_251_592_78, 2.306_004_135_204_17, 2.262_157_162_798_20, 2.228_138_851_986_27,
    2.200_985_160_091_64, 2.178_812_829_667_23, 2.160_368_656_462_79, 2.144_786_687_917_80, 2.131_449_545_559_78,
    2.119_905_299_221_25, 2.109_815_577_833_32, 2.100_922_040_241_04, 2.093_024_054_408_31, 2.085_963_447_265_86,
    2.079_613_844_727_68, 2.073_873_067_904_03, 2.068_657_610_419_05, 2.063_898_561_628_02, 2.059_538_552_753_30,
    2.055_529_438_642_87, 2.051_830_516_480_28, 2.048_407_141_795_25, 2.045_229_642_132_70, 2.042_272_456_301_24,
  ]

  /// The quantile for `degrees` ≥ 1 degrees of freedom. Above the table it is the normal distribution's plus four terms
  /// of the expansion in 1/ν (Abramowitz and Stegun, 26.7.5), within 3·10⁻⁸.
  package static func quantile(degrees: Int) -> Double {
    precondition(degrees >= 1, "the t distribution of \(degrees) degrees of freedom")
    guard degrees > table.count else { return table[degrees - 1] }
    let z = 1.959_963_984_540_054
    let square = z * z
    let first = (square + 1) / 4
    let second = ((5 * square + 16) * square + 3) / 96
    let third = (((3 * square + 19) * square + 17) * square - 15) / 384
    let fourth = ((((79 * square + 776) * square + 1_482) * square - 1_920) * square - 945) / 92_160
    let inverse = 1 / Double(degrees)
    return z * (1 + inverse * (first + inverse * (second + inverse * (third + inverse * fourth))))
  }
}

extension LikelihoodSummary {
  /// The 95% interval of the mean nats by Student's t, exact where nats are normally distributed; nil for one image.
  package var studentInterval: ClosedRange<Double>? {
    guard let standardError else { return nil }
    let reach = StudentT.quantile(degrees: images - 1) * standardError
    return natsPerImage - reach...natsPerImage + reach
  }
}
