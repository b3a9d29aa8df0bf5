// The optimizer: Adam, its moments, and the moving average of the weights.
import Core
import Kernels
import Networks
import Synchronization

/// What decides an optimizer's steps, apart from the gradient.
public struct AdamOptions: Sendable, Codable, Equatable {
  /// Decay of the first moment.
  public var beta1: Float = 0.9
  /// Decay of the second moment.
  public var beta2: Float = 0.999
  /// Added to the root of the second moment.
  public var epsilon: Float = 1e-8
  /// Gradients whose global norm is above this are scaled down to it; 0 switches clipping off.
  public var clipNorm: Float = 0
  /// Decay of the exponential moving average of the weights; 0 makes it the weights themselves.
  public var averageDecay: Float = 0.999
  /// What moves the matrices of hidden layers; nil: Adam, as all else.
  public var matrices: MatrixOptimizer?

  /// The usual constants.
  public init() {}
}

/// Parameters, their moving average and Adam's moments (Kingma and Ba, "Adam: A Method for Stochastic
/// Optimization", 2015): everything that a step changes.
public struct Adam: Sendable {
  /// The constants.
  public let options: AdamOptions
  /// The weights being trained.
  public let parameters: ParameterVector
  /// Their exponential moving average (Polyak).
  public let average: ParameterVector
  /// First moment of the gradient.
  public let firstMoment: ParameterVector
  /// Second moment of the gradient.
  public let secondMoment: ParameterVector
  /// Steps taken.
  public var step = 0
  /// The matrices that Muon moves; nil: none.
  private let hidden: HiddenMatrices?

  /// Adam at step 0, its average at the initial weights.
  public init(parameters: ParameterVector, options: AdamOptions) {
    self.options = options
    self.parameters = parameters
    average = parameters.copy()
    firstMoment = ParameterVector(layout: parameters.layout)
    secondMoment = ParameterVector(layout: parameters.layout)
    hidden = options.matrices == .muon ? HiddenMatrices(parameters.layout) : nil
  }

  /// Takes a step along `gradient`, whose global norm is `norm`. The average's decay begins low, as
  /// min(decay, (1 + t) / (10 + t)), so that the initial weights are soon forgotten.
  public mutating func update(_ gradient: ParameterVector, norm: Double, learningRate: Float, threads: Int = 1) {
    step += 1
    let t = Double(step)
    let clip = options.clipNorm > 0 && norm > Double(options.clipNorm) ? Double(options.clipNorm) / norm : 1
    let constants = AdamConstants(
      learningRate: learningRate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
      firstCorrection: Float(1 / (1 - power(Double(options.beta1), step))),
      secondCorrection: Float(1 / (1 - power(Double(options.beta2), step)).squareRoot()),
      gradientScale: Float(clip),
      averageDecay: min(options.averageDecay, Float((1 + t) / (10 + t))))
    let before = hidden?.prepare(parameters, firstMoment, average)
    forEachStretch(threads) { range in
      adamStep(
        parameters: parameters.storage, gradient: gradient.storage, firstMoment: firstMoment.storage,
        secondMoment: secondMoment.storage, average: average.storage, constants: constants, range: range)
    }
    if let hidden, let before { hidden.update(self, gradient, from: before, constants, threads: threads) }
  }

  /// Whether weights, average and both moments are finite throughout. An update is only to be taken where they are: it
  /// writes while it reads.
  package func isFinite(threads: Int) -> Bool {
    let isFinite = Atomic(true)
    forEachStretch(threads) { range in
      let found = areFinite(
        parameters: parameters.storage, firstMoment: firstMoment.storage, secondMoment: secondMoment.storage,
        average: average.storage, range: range)
      if !found { isFinite.store(false, ordering: .relaxed) }
    }
    return isFinite.load(ordering: .relaxed)
  }

  /// Shares the parameters out in stretches of whole vectors.
  private func forEachStretch(_ threads: Int, _ body: (Range<Int>) -> Void) {
    let (count, stretch) = (parameters.storage.count, 16_384)
    parallelFor((count + stretch - 1) / stretch, threads: threads) { number, _ in
      body(number * stretch..<min((number + 1) * stretch, count))
    }
  }
}

/// baseⁿ by squaring: the same on every machine, unlike the C library's pow.
package func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, n) = (1.0, base, exponent)
  while n > 0 {
    if n & 1 == 1 { result *= square }
    square *= square
    n >>= 1
  }
  return result
}
