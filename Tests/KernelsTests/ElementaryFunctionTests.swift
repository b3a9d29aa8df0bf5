import Foundation
import Kernels
import Testing

/// A function of the package beside the C library's in double precision.
struct ElementaryCase: CustomTestStringConvertible, Sendable {
  var name: String
  var own: @Sendable (FloatVector) -> FloatVector
  var exact: @Sendable (Double) -> Double
  var range: ClosedRange<Float>
  /// The stated error, in units in the last place of the exact result.
  var bound: Double
  var testDescription: String { name }

  static let all: [ElementaryCase] = [
    .init(name: "exp", own: exponential, exact: { exp($0) }, range: -110...95, bound: 2),
    .init(name: "log", own: logarithm, exact: { log($0) }, range: 0...(.greatestFiniteMagnitude), bound: 1),
    .init(name: "log1p", own: logarithmOfOnePlus, exact: { log1p($0) }, range: 0...1, bound: 2),
    .init(name: "tanh", own: hyperbolicTangent, exact: { tanh($0) }, range: -20...20, bound: 2),
    .init(name: "logistic", own: logistic, exact: { 1 / (1 + exp(-$0)) }, range: -80...80, bound: 3),
    .init(name: "softplus", own: softplus, exact: { max($0, 0) + log1p(exp(-abs($0))) }, range: -80...80, bound: 3),
  ]
}

@Suite struct ElementaryFunctionTests {
  /// Every 1009th float of the range, both signs: about two million arguments each.
  @Test(arguments: ElementaryCase.all) func staysWithinStatedError(c: ElementaryCase) {
    var worst = 0.0
    var at: Float = 0
    func check(_ arguments: [Float]) {
      for start in stride(from: 0, to: arguments.count - 15, by: 16) {
        let x = FloatVector(arguments[start..<start + 16])
        let y = c.own(x)
        for lane in 0..<16 {
          let exact = c.exact(Double(x[lane]))
          let nearest = Float(exact)
          if nearest.isInfinite || nearest == 0 {
            // One unit from the border either answer is right.
            #expect(
              y[lane] == nearest || abs(Double(y[lane]) - exact) <= Double(Float.leastNonzeroMagnitude)
                || y[lane] == (nearest < 0 ? -1 : 1) * .greatestFiniteMagnitude)
            continue
          }
          let error = abs(Double(y[lane]) - exact) / Double(nearest.ulp)
          if !(error <= worst) { (worst, at) = (error, x[lane]) }
        }
      }
    }
    var batch: [Float] = []
    for pattern in stride(from: UInt32(0), to: 0x7F80_0000, by: 1009) {
      for x in [Float(bitPattern: pattern), -Float(bitPattern: pattern)] where c.range.contains(x) { batch.append(x) }
    }
    check(batch)
    #expect(worst <= c.bound, "\(c.name): \(worst) ULP at \(at)")
    // The stated bound is not idle: a wrong last coefficient would cost more than it allows.
    #expect(worst > 0.4)
  }

  @Test func edges() {
    func one(_ f: (FloatVector) -> FloatVector, _ x: Float) -> Float { f(FloatVector(repeating: x))[0] }
    #expect(one(exponential, 0) == 1 && one(exponential, -.infinity) == 0 && one(exponential, .infinity) == .infinity)
    #expect(one(logarithm, 1) == 0 && one(logarithm, 0) == -.infinity && one(logarithm, .infinity) == .infinity)
    #expect(one(logarithm, -1).isNaN)
    #expect(one(hyperbolicTangent, 0) == 0 && one(hyperbolicTangent, 100) == 1 && one(hyperbolicTangent, -100) == -1)
    #expect(one(logistic, 0) == 0.5 && one(logistic, 200) == 1 && one(logistic, -200) == 0)
    #expect(one(softplus, 1000) == 1000 && one(softplus, -1000) == 0)
    for f in [exponential, logarithm, hyperbolicTangent, logistic, softplus] { #expect(one(f, .nan).isNaN) }
  }

  @Test func exponentialsAreThoseOfTheLibrary() {
    for i in 0...7_000 {
      let x = -Double(i) * 0.1 - Double(i % 7) * 0.013
      let expected = exp(x)
      #expect(abs(exponentialOfNegative(x) - expected) <= 4e-16 * expected, "\(x)")
    }
    #expect(exponentialOfNegative(0) == 1 && exponentialOfNegative(-800) == 0)
  }
}
