// Small differentiable maps in double precision: their value and their exact Jacobian, side by side.
import Core
import Networks

/// φ, element by element.
package enum TheoryActivation: Sendable, CaseIterable {
  /// 1 / (1 + e⁻ᵃ): 0 < φ′ ≤ 1/4.
  case sigmoid
  /// tanh a: 0 < φ′ ≤ 1.
  case tanh
  /// a + ½·tanh a: 1 ≤ φ′ ≤ 3/2, so a layer with it shrinks nothing.
  case expanding

  package func value(_ a: Double) -> Double {
    switch self {
    case .sigmoid: 1 / (1 + exp(-a))
    case .tanh: hyperbolicTangent(a)
    case .expanding: a + hyperbolicTangent(a) / 2
    }
  }

  /// φ′(a), from forms that do not cancel where φ saturates: it stays above 0 until it is too small for a Double.
  package func derivative(_ a: Double) -> Double {
    switch self {
    case .sigmoid:
      let e = exp(-abs(a))
      return e / ((1 + e) * (1 + e))
    case .tanh:
      let e = exp(-2 * abs(a))
      return 4 * e / ((1 + e) * (1 + e))
    case .expanding: return 1 + Self.tanh.derivative(a) / 2
    }
  }

  /// sup |φ′|
  package var steepest: Double {
    switch self {
    case .sigmoid: 0.25
    case .tanh: 1
    case .expanding: 1.5
    }
  }
}

/// A map from vectors to vectors that knows its Jacobian. Networks are put together from few of them, and the chain
/// rule gives the Jacobian of the whole: nothing is approximated.
package struct TheoryMap: Sendable {
  /// f(z), and ∂f/∂z at z: outputs × inputs.
  package let run: @Sendable (_ z: [Double]) -> (value: [Double], jacobian: DenseMatrix)

  package init(_ run: @escaping @Sendable ([Double]) -> (value: [Double], jacobian: DenseMatrix)) { self.run = run }

  /// W·z + b
  package static func affine(_ weight: DenseMatrix, bias: [Double]) -> TheoryMap {
    TheoryMap { z in (zip(weight.product(z), bias).map { $0 + $1 }, weight) }
  }

  /// φ(z)
  package static func elementwise(_ activation: TheoryActivation) -> TheoryMap {
    TheoryMap { z in (z.map(activation.value), DenseMatrix(diagonal: z.map(activation.derivative))) }
  }

  /// z / rms(z): every output has root mean square 1 (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019).
  /// Its Jacobian is (I − z·zᵀ/‖z‖²) / rms(z): what lies along z is lost, all else is divided by rms(z).
  package static let norm = TheoryMap { z in
    let rms = rootMeanSquare(z)
    let square = rms * rms * Double(z.count)
    var jacobian = DenseMatrix(rows: z.count, columns: z.count)
    for i in z.indices {
      for j in z.indices { jacobian[i, j] = ((i == j ? 1 : 0) - z[i] * z[j] / square) / rms }
    }
    return (z.map { $0 / rms }, jacobian)
  }

  /// First this map, then `next`.
  package func then(_ next: TheoryMap) -> TheoryMap {
    TheoryMap { z in
      let inner = run(z)
      let outer = next.run(inner.value)
      return (outer.value, outer.jacobian * inner.jacobian)
    }
  }

  /// shortcut·z + F(z), with this map as F.
  package func residual(shortcut: Double = 1) -> TheoryMap {
    TheoryMap { z in
      let branch = run(z)
      return (
        zip(z, branch.value).map { shortcut * $0 + $1 },
        DenseMatrix(identity: z.count, scale: shortcut) + branch.jacobian
      )
    }
  }

  package static func rootMeanSquare(_ z: [Double]) -> Double {
    (z.reduce(0) { $0 + $1 * $1 } / Double(z.count)).squareRoot()
  }
}

/// What one run of a stack of layers leaves behind at one layer.
package struct TheoryTrace {
  /// The layer's output.
  package let value: [Double]
  /// ∂(output)/∂(the layer's input).
  package let layer: DenseMatrix
  /// ∂(output)/∂(the input of the first layer): the product of all Jacobians so far.
  package let product: DenseMatrix
}

/// Runs `layers` one after the other from `input`.
package func traces(_ layers: [TheoryMap], from input: [Double]) -> [TheoryTrace] {
  var result: [TheoryTrace] = []
  for layer in layers {
    let (value, jacobian) = layer.run(result.last?.value ?? input)
    result.append(
      TheoryTrace(value: value, layer: jacobian, product: result.last.map { jacobian * $0.product } ?? jacobian))
  }
  return result
}

/// The C library's, which a case hides.
private func hyperbolicTangent(_ a: Double) -> Double { tanh(a) }
