// The C library's functions, for checking our own against.
import Foundation

/// log x
package func naturalLog(_ x: Double) -> Double { log(x) }
/// eˣ
package func exponentialOf(_ x: Double) -> Double { exp(x) }
/// tanh x
package func hyperbolicTangentOf(_ x: Double) -> Double { tanh(x) }
